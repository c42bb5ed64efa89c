//! All pairs of schemas that are compared, each once: the differences between two schemas, and the pairs below them. A
//! schema that contains itself leads back to a known pair, so that the comparison ends.

use std::{
    collections::{BTreeSet, HashMap, HashSet, VecDeque},
    rc::Rc,
};

use serde_json::Value;

use super::{
    local::{LocalComparer, LocalComparison, SchemaChange, SchemaDifference},
    shape::{Alternatives, PlacedShape, ShapeId, Shapes},
};
use crate::{
    json,
    openapi::{Direction, DocumentPart},
};

/// Maximum number of pairs that are compared to find equal alternatives.
const MAX_STEPS: usize = 500_000;
/// Maximum depth of such a comparison.
const MAX_DEPTH: usize = 100;
/// Maximum number of pairs of alternatives of which each is compared with each.
const MAX_CROSS: usize = 10_000;

type PairKey = (ShapeId, ShapeId, bool);

/// A pair of schemas.
#[derive(Debug, Default)]
pub(super) struct PairNode {
    pub(super) found: Vec<SchemaDifference>,
    /// The pairs below, each with the step to it.
    below: Vec<(String, usize)>,
    /// Whether there are differences in it or below.
    is_changed: bool,
}

/// A difference at a location of a value.
pub(super) struct LocatedDifference<'g> {
    pub(super) pointer: String,
    pub(super) difference: &'g SchemaDifference,
}

/// The pairs of schemas of two documents.
pub(super) struct PairGraph<'o, 'n> {
    pub(super) old: Shapes<'o>,
    pub(super) new: Shapes<'n>,
    index: HashMap<PairKey, usize>,
    nodes: Vec<PairNode>,
    open: Vec<(usize, PairKey)>,
    /// Whether two schemas are the same, where it is known.
    same: HashMap<PairKey, bool>,
    locals: HashMap<PairKey, Rc<LocalComparison>>,
    steps: usize,
}

/// Pairs that are assumed to be the same while they are compared.
#[derive(Default)]
struct Assumed {
    trail: Vec<PairKey>,
    set: HashSet<PairKey>,
    /// Whether a limit was reached: then the result is not final.
    is_cut: bool,
}

impl<'o, 'n> PairGraph<'o, 'n> {
    pub(super) fn new(old: Shapes<'o>, new: Shapes<'n>) -> Self {
        Self {
            old,
            new,
            index: HashMap::new(),
            nodes: Vec::new(),
            open: Vec::new(),
            same: HashMap::new(),
            locals: HashMap::new(),
            steps: 0,
        }
    }

    /// The pair of two schemas, or of everything where there is none.
    pub(super) fn root(
        &mut self,
        old: Option<&DocumentPart>,
        new: Option<&DocumentPart>,
        direction: Direction,
    ) -> usize {
        let old = self.old.id(old.cloned());
        let new = self.new.id(new.cloned());
        self.node((old, new, direction == Direction::Request))
    }

    fn node(&mut self, key: PairKey) -> usize {
        if let Some(known) = self.index.get(&key) {
            return *known;
        }
        let number = self.nodes.len();
        self.nodes.push(PairNode::default());
        self.index.insert(key, number);
        self.open.push((number, key));
        number
    }

    /// Compares all pairs, and finds those with differences in or below them.
    pub(super) fn run(&mut self) {
        while let Some((number, key)) = self.open.pop() {
            let node = self.compare(key);
            self.nodes[number] = node;
        }
        let mut above: Vec<Vec<usize>> = vec![Vec::new(); self.nodes.len()];
        let mut open = Vec::new();
        for (number, node) in self.nodes.iter().enumerate() {
            for (_, below) in &node.below {
                above[*below].push(number);
            }
            if !node.found.is_empty() {
                open.push(number);
            }
        }
        while let Some(number) = open.pop() {
            if !std::mem::replace(&mut self.nodes[number].is_changed, true) {
                open.extend(&above[number]);
            }
        }
    }

    /// The differences in and below a pair, at the shortest path to each; `steps` is reduced by the work.
    pub(super) fn differences(&self, root: usize, steps: &mut usize) -> Vec<LocatedDifference<'_>> {
        let mut all = Vec::new();
        let mut seen: HashSet<usize> = HashSet::from([root]);
        let mut open = VecDeque::from([(root, String::new())]);
        while let Some((number, pointer)) = open.pop_front() {
            let node = &self.nodes[number];
            if !node.is_changed {
                continue;
            }
            let located = node.found.iter().map(|difference| LocatedDifference {
                pointer: format!("{pointer}{}", difference.step),
                difference,
            });
            all.extend(located);
            for (step, below) in &node.below {
                *steps = steps.saturating_sub(1);
                if *steps == 0 {
                    return all;
                }
                if self.nodes[*below].is_changed && seen.insert(*below) {
                    open.push_back((*below, format!("{pointer}{step}")));
                }
            }
        }
        all
    }

    /// Whether there are differences in or below a pair.
    pub(super) fn is_changed(&self, root: usize) -> bool {
        self.nodes[root].is_changed
    }

    fn local(&mut self, (old, new, is_request): PairKey) -> Rc<LocalComparison> {
        if let Some(known) = self.locals.get(&(old, new, is_request)) {
            return Rc::clone(known);
        }
        let (one, other) = (self.old.shape(old), self.new.shape(new));
        let comparer = LocalComparer {
            direction: if is_request {
                Direction::Request
            } else {
                Direction::Response
            },
            old_shapes: &mut self.old,
            new_shapes: &mut self.new,
            out: LocalComparison::default(),
        };
        let local = Rc::new(comparer.run(&one, &other));
        self.locals.insert((old, new, is_request), Rc::clone(&local));
        local
    }

    fn compare(&mut self, key: PairKey) -> PairNode {
        let (_, _, is_request) = key;
        let local = self.local(key);
        let mut node = PairNode {
            found: local.found.clone(),
            ..PairNode::default()
        };
        for pair in &local.pairs {
            let below = self.node((pair.old, pair.new, is_request));
            node.below.push((pair.step.clone(), below));
        }
        for (old, new) in &local.groups {
            self.alternatives(old, new, is_request, &mut node);
        }
        if let Some((group, is_new)) = &local.wrapped {
            self.wrapped(group, *is_new, key, &mut node);
        }
        for (keyword, old, new) in &local.by_value {
            if !self.same_value(keyword, old, new, is_request) {
                node.found.push(difference(
                    SchemaChange::NotCompared,
                    (old, new),
                    format!("`{keyword}`"),
                ));
            }
        }
        node
    }

    /// A schema on one side, and alternatives on the other.
    fn wrapped(&mut self, group: &Alternatives, is_new: bool, key: PairKey, node: &mut PairNode) {
        let (old, new, is_request) = key;
        let is_same = |graph: &mut Self, branch: &PlacedShape| {
            if is_new {
                graph.is_same((old, branch.shape, is_request))
            } else {
                graph.is_same((branch.shape, new, is_request))
            }
        };
        let at = group.branches.iter().position(|branch| is_same(self, branch));
        let (one, other) = (self.old.shape(old).part.clone(), self.new.shape(new).part.clone());
        let Some(at) = at else {
            let parts = if is_new {
                (&one, &group.part)
            } else {
                (&group.part, &other)
            };
            let what = "a schema on one side with `oneOf` or `anyOf` on the other";
            node.found
                .push(difference(SchemaChange::NotCompared, parts, what.to_owned()));
            return;
        };
        for (index, branch) in group.branches.iter().enumerate().filter(|(index, _)| *index != at) {
            let found = if is_new {
                alternative(
                    SchemaChange::AlternativeAdded,
                    &one,
                    &branch.part,
                    self.new.name(branch.shape),
                    index,
                )
            } else {
                alternative(
                    SchemaChange::AlternativeRemoved,
                    &branch.part,
                    &other,
                    self.old.name(branch.shape),
                    index,
                )
            };
            node.found.push(found);
        }
    }

    /// Matches the alternatives of both sides: those with one name, then equal ones, then similar ones.
    fn alternatives(&mut self, old: &Alternatives, new: &Alternatives, is_request: bool, node: &mut PairNode) {
        let mut left: Vec<usize> = (0..old.branches.len()).collect();
        let mut right: Vec<usize> = (0..new.branches.len()).collect();
        let named = |graph: &Self, one: usize, other: usize| {
            let name = graph.old.name(old.branches[one].shape);
            name.is_some() && name == graph.new.name(new.branches[other].shape)
        };
        let same = |graph: &mut Self, one: usize, other: usize| {
            graph.is_same((old.branches[one].shape, new.branches[other].shape, is_request))
        };
        let is_inline = |graph: &Self, one: usize| {
            let name = graph.old.name(old.branches[one].shape);
            name.is_none_or(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
        };
        let mut pairs = take_pairs(&mut left, &mut right, |one, other| {
            !is_inline(self, one) && named(self, one, other)
        });
        if left.len() * right.len() <= MAX_CROSS {
            take_pairs(&mut left, &mut right, |one, other| same(self, one, other));
        }
        pairs.extend(self.similar((old, &mut left), (new, &mut right)));
        for (one, other) in pairs {
            let below = self.node((old.branches[one].shape, new.branches[other].shape, is_request));
            node.below.push((String::new(), below));
        }
        let is_matched = left.is_empty() && right.is_empty();
        for one in left {
            let branch = &old.branches[one];
            let name = self.old.name(branch.shape);
            let change = SchemaChange::AlternativeRemoved;
            node.found.push(alternative(change, &branch.part, &new.part, name, one));
        }
        for other in right {
            let branch = &new.branches[other];
            let name = self.new.name(branch.shape);
            let change = SchemaChange::AlternativeAdded;
            node.found
                .push(alternative(change, &old.part, &branch.part, name, other));
        }
        let values = |group: &Alternatives| group.discriminator.as_ref().map(|(_, values)| values.clone());
        let property = |group: &Alternatives| group.discriminator.as_ref().map(|(property, _)| property.clone());
        if property(old) != property(new) || (is_matched && values(old) != values(new)) {
            let what = "`discriminator`".to_owned();
            node.found
                .push(difference(SchemaChange::NotCompared, (&old.part, &new.part), what));
        }
    }

    /// Takes pairs that share at least half of their properties, the most similar ones first; a single one on both sides
    /// is a pair in any case.
    fn similar(
        &mut self,
        (old, left): (&Alternatives, &mut Vec<usize>),
        (new, right): (&Alternatives, &mut Vec<usize>),
    ) -> Vec<(usize, usize)> {
        if left.len() == 1 && right.len() == 1 {
            return left.drain(..).zip(right.drain(..)).collect();
        }
        if left.len() * right.len() > MAX_CROSS {
            return Vec::new();
        }
        let mut scored = Vec::new();
        for one in left.iter() {
            let a = self.old.shape(old.branches[*one].shape);
            for other in right.iter() {
                let b = self.new.shape(new.branches[*other].shape);
                let names: BTreeSet<_> = a.properties.keys().chain(b.properties.keys()).collect();
                let shared = names
                    .iter()
                    .filter(|name| a.properties.contains_key(**name) && b.properties.contains_key(**name));
                let shared = shared.count();
                if shared > 0 && shared * 2 >= names.len() {
                    scored.push((shared * 1000 / names.len(), *one, *other));
                }
            }
        }
        scored.sort_by_key(|(score, one, other)| (std::cmp::Reverse(*score), one + other, one.abs_diff(*other), *one));
        let mut pairs = Vec::new();
        for (_, one, other) in scored {
            if left.contains(&one) && right.contains(&other) {
                left.retain(|known| *known != one);
                right.retain(|known| *known != other);
                pairs.push((one, other));
            }
        }
        pairs
    }

    /// Whether two keywords have the same value.
    fn same_value(&mut self, keyword: &str, old: &DocumentPart, new: &DocumentPart, is_request: bool) -> bool {
        let (a, b) = (self.old.document.value(old), self.new.document.value(new));
        let (Some(a), Some(b)) = (a, b) else { return false };
        let is_schema = |value: &Value| value.is_object() || value.is_boolean();
        match keyword {
            "dependentSchemas" => {
                let (Some(one), Some(other)) = (a.as_object(), b.as_object()) else {
                    return json::equal(a, b);
                };
                let names: BTreeSet<_> = one.keys().chain(other.keys()).collect();
                names.into_iter().all(|name| {
                    one.contains_key(name) && other.contains_key(name) && {
                        let key = (self.old.id([old.at(name)]), self.new.id([new.at(name)]), is_request);
                        self.is_same(key)
                    }
                })
            }
            "dependentRequired" => json::equal(a, b),
            _ if is_schema(a) && is_schema(b) => {
                let key = (self.old.id([old.clone()]), self.new.id([new.clone()]), is_request);
                self.is_same(key)
            }
            _ => json::equal(a, b),
        }
    }

    /// Whether two schemas have no differences.
    fn is_same(&mut self, key: PairKey) -> bool {
        if let Some(known) = self.same.get(&key) {
            return *known;
        }
        let mut assumed = Assumed::default();
        let is_same = self.is_same_in(key, &mut assumed, 0);
        if is_same {
            self.same.extend(assumed.trail.into_iter().map(|key| (key, true)));
        }
        is_same
    }

    fn is_same_in(&mut self, key: PairKey, assumed: &mut Assumed, depth: usize) -> bool {
        if let Some(known) = self.same.get(&key) {
            return *known;
        }
        if assumed.set.contains(&key) {
            return true;
        }
        if depth > MAX_DEPTH || self.steps > MAX_STEPS {
            assumed.is_cut = true;
            return false;
        }
        self.steps += 1;
        let start = assumed.trail.len();
        assumed.trail.push(key);
        assumed.set.insert(key);
        let is_same = self.is_same_below(key, assumed, depth + 1);
        if !is_same {
            for undone in assumed.trail.drain(start..) {
                assumed.set.remove(&undone);
            }
            if !assumed.is_cut {
                self.same.insert(key, false);
            }
        }
        is_same
    }

    fn is_same_below(&mut self, key: PairKey, assumed: &mut Assumed, depth: usize) -> bool {
        let (_, _, is_request) = key;
        let local = self.local(key);
        if !local.found.is_empty() || local.wrapped.is_some() {
            return false;
        }
        let same_values = |graph: &mut Self| {
            let mut all = local.by_value.iter();
            all.all(|(keyword, old, new)| graph.same_value(keyword, old, new, is_request))
        };
        for pair in &local.pairs {
            if !self.is_same_in((pair.old, pair.new, is_request), assumed, depth) {
                return false;
            }
        }
        for (old, new) in &local.groups {
            if old.branches.len() != new.branches.len() || old.discriminator != new.discriminator {
                return false;
            }
            let mut right: Vec<usize> = (0..new.branches.len()).collect();
            for one in &old.branches {
                let found = right.iter().position(|other| {
                    let key = (one.shape, new.branches[*other].shape, is_request);
                    self.is_same_in(key, assumed, depth)
                });
                match found {
                    Some(at) => drop(right.remove(at)),
                    None => return false,
                }
            }
        }
        same_values(self)
    }
}

/// Takes the pairs that pass a test out of both lists.
fn take_pairs(
    left: &mut Vec<usize>,
    right: &mut Vec<usize>,
    mut is_pair: impl FnMut(usize, usize) -> bool,
) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    left.retain(|one| match right.iter().position(|other| is_pair(*one, *other)) {
        Some(at) => {
            pairs.push((*one, right.remove(at)));
            false
        }
        None => true,
    });
    pairs
}

fn difference(change: SchemaChange, (old, new): (&DocumentPart, &DocumentPart), key: String) -> SchemaDifference {
    SchemaDifference {
        change,
        step: String::new(),
        old: old.clone(),
        new: new.clone(),
        before: None,
        after: None,
        key,
    }
}

/// An alternative that only one side has.
fn alternative(
    change: SchemaChange,
    old: &DocumentPart,
    new: &DocumentPart,
    name: Option<String>,
    index: usize,
) -> SchemaDifference {
    let is_name = |name: &String| !name.bytes().all(|byte| byte.is_ascii_digit());
    let shown = name
        .filter(is_name)
        .unwrap_or_else(|| format!("the alternative {}", index + 1));
    let is_added = change == SchemaChange::AlternativeAdded;
    SchemaDifference {
        before: (!is_added).then(|| shown.clone()),
        after: is_added.then(|| shown.clone()),
        ..difference(change, (old, new), shown)
    }
}
