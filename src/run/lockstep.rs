//! Lockstep for runs of one suite on several targets: each case is sent to all targets at about the same time, so that
//! time and load affect all of them equally.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::watch;

use crate::plan::Plan;

/// Maximum wait for the other runs, so that a slow target does not block them indefinitely.
const LONGEST: Duration = Duration::from_secs(30);

/// State shared by the runs.
#[derive(Debug)]
pub struct Lockstep {
    state: Mutex<LockstepState>,
    changed: watch::Sender<()>,
}

#[derive(Debug)]
struct LockstepState {
    /// For each run, the cases that it sends; `None` when it is over.
    runs: Vec<Option<HashSet<String>>>,
    /// Number of runs that have reached a case, by case and repeat.
    come: HashMap<(String, u32), usize>,
}

/// Handle of one run.
#[derive(Clone, Debug)]
pub struct LockstepHandle {
    group: Arc<Lockstep>,
    number: usize,
}

impl Lockstep {
    /// Returns one handle per plan.
    pub fn handles<'p>(plans: impl IntoIterator<Item = &'p Plan>) -> Vec<LockstepHandle> {
        let asked = |plan: &Plan| {
            let cases = plan.cases.iter().filter(|planned| planned.skip.is_none());
            Some(cases.map(|planned| planned.case.id.clone()).collect())
        };
        let runs: Vec<_> = plans.into_iter().map(asked).collect();
        let count = runs.len();
        let group = Arc::new(Self {
            state: Mutex::new(LockstepState {
                runs,
                come: HashMap::new(),
            }),
            changed: watch::Sender::new(()),
        });
        (0..count)
            .map(|number| LockstepHandle {
                group: Arc::clone(&group),
                number,
            })
            .collect()
    }

    fn state(&self) -> MutexGuard<'_, LockstepState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LockstepHandle {
    /// Waits until every run that includes this case has reached it.
    pub(super) async fn come_to(&self, id: &str, repeat: u32) {
        let mut changed = self.group.changed.subscribe();
        let key = (id.to_owned(), repeat);
        *self.group.state().come.entry(key.clone()).or_default() += 1;
        self.group.changed.send_replace(());
        let all_have_come = async {
            loop {
                {
                    let state = self.group.state();
                    let asks = state.runs.iter().flatten().filter(|cases| cases.contains(id)).count();
                    if state.come.get(&key).is_none_or(|come| *come >= asks) {
                        return;
                    }
                }
                if changed.changed().await.is_err() {
                    return;
                }
            }
        };
        drop(tokio::time::timeout(LONGEST, all_have_come).await);
    }

    /// Marks this run as over.
    pub(super) fn leave(&self) {
        self.group.state().runs[self.number] = None;
        self.group.changed.send_replace(());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    fn handles(cases: &[&[&str]]) -> Vec<LockstepHandle> {
        let handles = Lockstep::handles([]);
        assert!(handles.is_empty());
        let runs: Vec<_> = cases
            .iter()
            .map(|ids| Some(ids.iter().map(|&id| id.to_owned()).collect()))
            .collect();
        let count = runs.len();
        let state = Mutex::new(LockstepState {
            runs,
            come: HashMap::new(),
        });
        let group = Arc::new(Lockstep {
            state,
            changed: watch::Sender::new(()),
        });
        (0..count)
            .map(|number| LockstepHandle {
                group: Arc::clone(&group),
                number,
            })
            .collect()
    }

    #[tokio::test]
    async fn runs_continue_after_all_reach_the_case() {
        let handles = handles(&[&["a", "b"], &["a"]]);
        // Only one of the runs includes it.
        handles[0].come_to("b", 0).await;
        let has_come = AtomicBool::new(false);
        let first = async {
            handles[0].come_to("a", 0).await;
            assert!(has_come.load(Ordering::SeqCst));
        };
        let late = async {
            tokio::task::yield_now().await;
            has_come.store(true, Ordering::SeqCst);
            handles[1].come_to("a", 0).await;
        };
        tokio::join!(first, late);
        // A run that is over is not waited for.
        let over = async {
            tokio::task::yield_now().await;
            handles[1].leave();
        };
        tokio::join!(handles[0].come_to("a", 1), over);
    }
}
