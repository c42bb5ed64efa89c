//! Runs of one suite on several targets that go side by side: no target is asked a case before the others are, so that
//! time and load hit all alike.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::watch;

use crate::plan::Plan;

/// Longest wait for the others: a target that does not keep up does not hold up the rest for ever.
const LONGEST: Duration = Duration::from_secs(30);

/// What the runs have in common.
#[derive(Debug)]
pub struct Abreast {
    state: Mutex<State>,
    changed: watch::Sender<()>,
}

#[derive(Debug)]
struct State {
    /// For each run the cases that it asks; none where it is over.
    runs: Vec<Option<HashSet<String>>>,
    /// By case and number of the repeat, how many have come.
    come: HashMap<(String, u32), usize>,
}

/// One of the runs.
#[derive(Clone, Debug)]
pub struct Lane {
    abreast: Arc<Abreast>,
    number: usize,
}

impl Abreast {
    /// A lane for each of the plans.
    pub fn lanes<'p>(plans: impl IntoIterator<Item = &'p Plan>) -> Vec<Lane> {
        let asked = |plan: &Plan| {
            let cases = plan.cases.iter().filter(|planned| planned.skip.is_none());
            Some(cases.map(|planned| planned.case.id.clone()).collect())
        };
        let runs: Vec<_> = plans.into_iter().map(asked).collect();
        let count = runs.len();
        let abreast = Arc::new(Self {
            state: Mutex::new(State {
                runs,
                come: HashMap::new(),
            }),
            changed: watch::Sender::new(()),
        });
        (0..count)
            .map(|number| Lane {
                abreast: Arc::clone(&abreast),
                number,
            })
            .collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lane {
    /// Waits until every run that asks this case has come to it.
    pub(super) async fn come_to(&self, id: &str, repeat: u32) {
        let mut changed = self.abreast.changed.subscribe();
        let key = (id.to_owned(), repeat);
        *self.abreast.state().come.entry(key.clone()).or_default() += 1;
        self.abreast.changed.send_replace(());
        let all_have_come = async {
            loop {
                {
                    let state = self.abreast.state();
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

    /// This run comes to no more cases.
    pub(super) fn leave(&self) {
        self.abreast.state().runs[self.number] = None;
        self.abreast.changed.send_replace(());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    fn lanes(cases: &[&[&str]]) -> Vec<Lane> {
        let lanes = Abreast::lanes([]);
        assert!(lanes.is_empty());
        let runs: Vec<_> = cases
            .iter()
            .map(|ids| Some(ids.iter().map(|&id| id.to_owned()).collect()))
            .collect();
        let count = runs.len();
        let state = Mutex::new(State {
            runs,
            come: HashMap::new(),
        });
        let abreast = Arc::new(Abreast {
            state,
            changed: watch::Sender::new(()),
        });
        (0..count)
            .map(|number| Lane {
                abreast: Arc::clone(&abreast),
                number,
            })
            .collect()
    }

    #[tokio::test]
    async fn nobody_goes_on_before_all_that_ask_the_case_have_come() {
        let lanes = lanes(&[&["a", "b"], &["a"]]);
        // Only one of them asks it.
        lanes[0].come_to("b", 0).await;
        let has_come = AtomicBool::new(false);
        let first = async {
            lanes[0].come_to("a", 0).await;
            assert!(has_come.load(Ordering::SeqCst));
        };
        let late = async {
            tokio::task::yield_now().await;
            has_come.store(true, Ordering::SeqCst);
            lanes[1].come_to("a", 0).await;
        };
        tokio::join!(first, late);
        // One that is over is not waited for.
        let over = async {
            tokio::task::yield_now().await;
            lanes[1].leave();
        };
        tokio::join!(lanes[0].come_to("a", 1), over);
    }
}
