//! The order of execution: cases in the order of the plan, and no two of a group at the same time.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::plan::Plan;

/// The cases of a run, by their index in the plan. A case whose group is busy waits for it; later cases do not.
#[derive(Debug)]
pub(super) struct Queue {
    count: usize,
    /// The groups of those cases that have one, by number.
    groups: HashMap<usize, usize>,
    state: Mutex<QueueState>,
    is_stopped: AtomicBool,
}

#[derive(Debug, Default)]
struct QueueState {
    next: usize,
    /// Cases that have acquired their group.
    ready: VecDeque<usize>,
    /// By group: whether it is busy, and the waiting cases.
    groups: Vec<(bool, VecDeque<usize>)>,
}

impl Queue {
    pub(super) fn new(plan: &Plan) -> Self {
        let mut numbers: HashMap<&str, usize> = HashMap::new();
        let mut groups = HashMap::new();
        for (index, planned) in plan.cases.iter().enumerate() {
            if let Some(group) = planned.case.def.group.as_deref() {
                let number = numbers.len();
                groups.insert(index, *numbers.entry(group).or_insert(number));
            }
        }
        Self::of(plan.cases.len(), groups, numbers.len())
    }

    fn of(count: usize, groups: HashMap<usize, usize>, group_count: usize) -> Self {
        Self {
            count,
            groups,
            state: Mutex::new(QueueState {
                groups: vec![Default::default(); group_count],
                ..QueueState::default()
            }),
            is_stopped: AtomicBool::default(),
        }
    }

    /// How many cases there are.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// The next case that may begin. It keeps its group busy until it is given back.
    pub(super) fn take(&self) -> Option<usize> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_stopped() {
            return None;
        }
        if let Some(ready) = state.ready.pop_front() {
            return Some(ready);
        }
        while state.next < self.count {
            let case = state.next;
            state.next += 1;
            let Some((is_busy, waiting)) = self.groups.get(&case).map(|group| &mut state.groups[*group]) else {
                return Some(case);
            };
            if *is_busy {
                waiting.push_back(case);
            } else {
                *is_busy = true;
                return Some(case);
            }
        }
        None
    }

    /// Releases the group of a finished case, so that the next case of the group may begin.
    pub(super) fn give_back(&self, case: usize) {
        let Some(group) = self.groups.get(&case) else { return };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (is_busy, waiting) = &mut state.groups[*group];
        match waiting.pop_front() {
            Some(next) => state.ready.push_back(next),
            None => *is_busy = false,
        }
    }

    /// No more cases are handed out.
    pub(super) fn stop(&self) {
        self.is_stopped.store(true, Ordering::SeqCst);
    }

    /// Whether no more cases are handed out.
    pub(super) fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn queue(groups: &[Option<usize>]) -> Queue {
        let named = groups
            .iter()
            .enumerate()
            .filter_map(|(case, group)| Some((case, (*group)?)));
        Queue::of(groups.len(), named.collect(), 3)
    }

    #[test]
    fn case_waits_only_for_its_group() {
        let queue = queue(&[Some(0), Some(0), None, Some(0), Some(1)]);
        let take = || queue.take();
        assert_eq!([take(), take(), take(), take()], [Some(0), Some(2), Some(4), None]);
        queue.give_back(2);
        assert_eq!(take(), None);
        queue.give_back(0);
        assert_eq!([take(), take()], [Some(1), None]);
        queue.give_back(1);
        assert_eq!([take(), take()], [Some(3), None]);
    }

    #[test]
    fn nothing_begins_after_a_stop() {
        let queue = queue(&[Some(0), Some(0), None]);
        let first = queue.take().unwrap();
        queue.stop();
        queue.give_back(first);
        assert!(queue.take().is_none());
    }

    proptest! {
        #[test]
        fn each_case_runs_and_none_overlaps_with_its_group(
            groups in prop::collection::vec(prop::option::of(0_usize..3), 0..30),
            choices in prop::collection::vec(0_usize..4, 200),
        ) {
            let queue = queue(&groups);
            let (mut running, mut done): (Vec<usize>, Vec<usize>) = (Vec::new(), Vec::new());
            let mut choices = choices.into_iter().cycle();
            while done.len() < groups.len() {
                let choice = choices.next().unwrap_or_default();
                if choice < 2 && let Some(case) = queue.take() {
                    let overlaps = running.iter().any(|other| groups[case].is_some() && groups[*other] == groups[case]);
                    prop_assert!(!overlaps);
                    running.push(case);
                } else if !running.is_empty() {
                    let case = running.remove(choice % running.len());
                    queue.give_back(case);
                    done.push(case);
                } else {
                    let case = queue.take();
                    prop_assert!(case.is_some(), "{} of {} are left waiting", groups.len() - done.len(), groups.len());
                    running.extend(case);
                }
            }
            done.sort_unstable();
            prop_assert!(done.into_iter().eq(0..groups.len()));
        }
    }
}
