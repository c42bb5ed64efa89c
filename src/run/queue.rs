//! The order of execution: cases in the order of the plan, and no two of a group at the same time.

use std::{
    collections::{HashMap, VecDeque},
    ops::Range,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::plan::Plan;

/// The unit of work: a case, or all cases of a `serial` suite.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unit<'q> {
    /// Its position in the queue.
    number: usize,
    /// The cases, by their index in the plan.
    cases: &'q Range<u32>,
    /// Their groups, by number.
    groups: &'q [usize],
}

impl Unit<'_> {
    /// The cases, by their index in the plan.
    pub(super) fn cases(&self) -> impl Iterator<Item = usize> + use<> {
        self.cases.clone().map(|case| case as usize)
    }
}

/// The units of a run. A unit whose group is busy waits for it; later units do not.
#[derive(Debug)]
pub(super) struct Queue {
    /// The cases of each unit. There can be very many.
    units: Vec<Range<u32>>,
    /// The groups of those units that have any.
    groups: HashMap<usize, Vec<usize>>,
    state: Mutex<State>,
    is_stopped: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    next: usize,
    /// Units that have acquired their groups.
    ready: VecDeque<usize>,
    /// By group: whether it is busy, and the waiting units.
    groups: Vec<(bool, VecDeque<usize>)>,
}

impl Queue {
    pub(super) fn new(plan: &Plan) -> Self {
        let mut numbers: HashMap<&str, usize> = HashMap::new();
        let mut units: Vec<Range<u32>> = Vec::new();
        let mut groups: HashMap<usize, Vec<usize>> = HashMap::new();
        let mut before = None;
        for (index, planned) in (0..).zip(&plan.cases) {
            let suite = &planned.case.suite;
            let is_same_unit = suite.def.serial && before == Some(&suite.id);
            before = Some(&suite.id);
            let group = planned.case.def.group.as_deref().map(|group| {
                let number = numbers.len();
                *numbers.entry(group).or_insert(number)
            });
            match units.last_mut() {
                Some(unit) if is_same_unit => unit.end = index + 1,
                _ => units.push(index..index + 1),
            }
            if let Some(group) = group {
                let groups = groups.entry(units.len() - 1).or_default();
                if !groups.contains(&group) {
                    groups.push(group);
                }
            }
        }
        Self::of(units, groups, numbers.len())
    }

    fn of(units: Vec<Range<u32>>, groups: HashMap<usize, Vec<usize>>, count: usize) -> Self {
        Self {
            units,
            groups,
            state: Mutex::new(State {
                groups: vec![Default::default(); count],
                ..State::default()
            }),
            is_stopped: AtomicBool::default(),
        }
    }

    fn unit(&self, number: usize) -> Option<Unit<'_>> {
        Some(Unit {
            number,
            cases: self.units.get(number)?,
            groups: self.groups.get(&number).map_or(&[], Vec::as_slice),
        })
    }

    /// How many units there are.
    pub(super) fn len(&self) -> usize {
        self.units.len()
    }

    /// The next unit that may begin. It keeps its groups busy until it is given back.
    pub(super) fn take(&self) -> Option<Unit<'_>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_stopped() {
            return None;
        }
        if let Some(ready) = state.ready.pop_front() {
            return self.unit(ready);
        }
        loop {
            let unit = self.unit(state.next)?;
            state.next += 1;
            if state.hold(unit) {
                return Some(unit);
            }
        }
    }

    /// Releases a finished unit, so that units waiting for its groups may begin.
    pub(super) fn give_back(&self, unit: Unit<'_>) {
        if unit.groups.is_empty() {
            return;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for &group in unit.groups {
            state.groups[group].0 = false;
        }
        for &group in unit.groups {
            while !state.groups[group].0
                && let Some(waiting) = state.groups[group].1.pop_front().and_then(|number| self.unit(number))
            {
                if state.hold(waiting) {
                    state.ready.push_back(waiting.number);
                }
            }
        }
    }

    /// No more units are handed out.
    pub(super) fn stop(&self) {
        self.is_stopped.store(true, Ordering::SeqCst);
    }

    /// Whether no more units are handed out.
    pub(super) fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::SeqCst)
    }
}

impl State {
    /// Makes all groups of a unit busy, or lets it wait for one that is.
    fn hold(&mut self, unit: Unit<'_>) -> bool {
        if let Some(&busy) = unit.groups.iter().find(|group| self.groups[**group].0) {
            self.groups[busy].1.push_back(unit.number);
            return false;
        }
        for &group in unit.groups {
            self.groups[group].0 = true;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn queue(groups: &[Vec<usize>]) -> Queue {
        let units = (0..).take(groups.len()).map(|index| index..index + 1);
        let groups = groups.iter().cloned().enumerate();
        Queue::of(units.collect(), groups.collect(), 3)
    }

    #[test]
    fn unit_waits_only_for_its_group() {
        let queue = queue(&[vec![0], vec![0], vec![], vec![0], vec![1]]);
        let take = || queue.take().map(|unit| unit.cases.start);
        assert_eq!([take(), take(), take(), take()], [Some(0), Some(2), Some(4), None]);
        queue.give_back(queue.unit(2).unwrap());
        assert_eq!(take(), None);
        queue.give_back(queue.unit(0).unwrap());
        assert_eq!([take(), take()], [Some(1), None]);
        queue.give_back(queue.unit(1).unwrap());
        assert_eq!([take(), take()], [Some(3), None]);
    }

    #[test]
    fn nothing_begins_after_a_stop() {
        let queue = queue(&[vec![0], vec![0], vec![]]);
        let first = queue.take().unwrap();
        queue.stop();
        queue.give_back(first);
        assert!(queue.take().is_none());
    }

    proptest! {
        #[test]
        fn each_unit_runs_and_none_overlaps_with_its_group(
            groups in prop::collection::vec(prop::collection::btree_set(0_usize..3, 0..3), 0..30),
            choices in prop::collection::vec(0_usize..4, 200),
        ) {
            let groups: Vec<Vec<usize>> = groups.into_iter().map(|groups| groups.into_iter().collect()).collect();
            let queue = queue(&groups);
            let (mut running, mut done): (Vec<Unit<'_>>, Vec<u32>) = (Vec::new(), Vec::new());
            let mut choices = choices.into_iter().cycle();
            while done.len() < groups.len() {
                let choice = choices.next().unwrap_or_default();
                if choice < 2 && let Some(unit) = queue.take() {
                    let overlaps = running.iter().any(|other| other.groups.iter().any(|group| unit.groups.contains(group)));
                    prop_assert!(!overlaps);
                    running.push(unit);
                } else if !running.is_empty() {
                    let unit = running.remove(choice % running.len());
                    queue.give_back(unit);
                    done.push(unit.cases.start);
                } else {
                    let unit = queue.take();
                    prop_assert!(unit.is_some(), "{} of {} are left waiting", groups.len() - done.len(), groups.len());
                    running.extend(unit);
                }
            }
            done.sort_unstable();
            prop_assert!(done.iter().map(|case| *case as usize).eq(0..groups.len()));
        }
    }
}
