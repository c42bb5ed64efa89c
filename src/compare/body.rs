//! The differences of two JSON bodies.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use serde_json::{Map, Number, Value};

use super::{
    ChangeRule as Rule,
    align::{Alignment, align, is_key, is_permutation},
    difference::{ChangedPart, Difference, Edit, EditChange, EditStep, ResponseWithVariables},
    format::{TextFormat, instant, is_spelled_differently},
    responses::{Assigned, Role},
    text::is_only_generated,
    values::{bare, epoch, is_distinctive, is_measured, is_message, is_of_its_time, json_type},
};
use crate::{
    check::{VariableSubstitution, identifiers::is_identifier},
    json,
};

/// Maximum number of items of an array that are compared one by one.
const ITEMS: usize = 10_000;
/// Maximum number of edits that are kept for one difference.
const EDITS: usize = 1000;
/// The reason why a measured time is noise.
const MEASURED_TIME: &str = "the value is a measured time";
/// The reason why an id or the present time is noise.
pub(super) const GENERATED: &str = "the value is generated for each response";

/// The reason why the identifier of a created resource is noise.
pub(super) const ASSIGNED: &str = "the server assigns the identifier when it creates the resource";
/// The status of a response to a request that created a resource (RFC 9110 section 15.3.2).
pub(super) const CREATED: u16 = 201;

/// Why the value at a pointer of a body is expected to vary, if it is.
pub(super) type Volatile<'v> = &'v dyn Fn(&str) -> Option<&'static str>;

/// How two bodies are compared.
#[derive(Clone, Copy)]
pub(super) struct BodyComparison<'c> {
    pub(super) a: ResponseWithVariables<'c>,
    pub(super) b: ResponseWithVariables<'c>,
    /// What the suite declares to vary; asked with the pointer of the baseline, array positions as numbers.
    pub(super) volatile: Volatile<'c>,
    /// Whether edits are kept.
    pub(super) with_edits: bool,
    /// Whether the servers assigned the two values.
    pub(super) assigned: Assigned<'c>,
}

pub(super) fn compare(how: BodyComparison<'_>, one: &Value, other: &Value, out: &mut Vec<Difference>) {
    let mut walk = BodyWalk {
        how,
        out,
        seen: HashMap::new(),
        path: Vec::new(),
        only_shape: false,
    };
    walk.values("", one, other);
}

/// A step from a value to one in it.
enum PathStep {
    /// A property: its name as it is compared, and as the baseline has it, where that differs.
    Name(String, Option<String>),
    /// An item of an array, by its position in the baseline.
    Item(usize),
    /// The items of an array as one.
    EveryItem,
}

struct BodyWalk<'t, 'o> {
    how: BodyComparison<'t>,
    out: &'o mut Vec<Difference>,
    /// One change is reported once, however many items of an array show it: its index in `out`.
    seen: HashMap<(Rule, String, String), usize>,
    path: Vec<PathStep>,
    /// Whether items are compared that need not be the same: then their values say nothing.
    only_shape: bool,
}

/// A property: its name as the response has it, and its value.
type Property<'v> = (&'v str, &'v Value);

impl BodyWalk<'_, '_> {
    /// The pointer with `*` for items, and a further name.
    fn pointer(&self, name: Option<&str>) -> String {
        let mut out = String::new();
        for step in &self.path {
            match step {
                PathStep::Name(name, _) => out = json::step(&out, name),
                PathStep::Item(_) | PathStep::EveryItem => out.push_str("/*"),
            }
        }
        name.map_or_else(|| out.clone(), |name| json::step(&out, name))
    }

    /// The pointer in the body of the baseline.
    fn concrete(&self) -> String {
        let mut out = String::new();
        for step in &self.path {
            match step {
                PathStep::Name(name, raw) => out = json::step(&out, raw.as_ref().unwrap_or(name)),
                PathStep::Item(at) => out = json::step(&out, &at.to_string()),
                PathStep::EveryItem => out.push_str("/*"),
            }
        }
        out
    }

    fn edit(&self, name: Option<&str>, change: EditChange) -> Edit {
        let mut at: Vec<_> = (self.path.iter())
            .map(|step| match step {
                PathStep::Name(name, raw) => EditStep::Name(raw.as_ref().unwrap_or(name).clone()),
                PathStep::Item(at) => EditStep::Item(*at),
                PathStep::EveryItem => EditStep::EveryItem,
            })
            .collect();
        at.extend(name.map(|name| EditStep::Name(name.to_owned())));
        Edit { at, change }
    }

    fn emit(&mut self, mut difference: Difference, kind: &str, edits: impl FnOnce(&Self) -> Vec<Edit>) {
        if self.only_shape && (difference.rule.is_of_value() || difference.rule == Rule::BodyOrderChanged) {
            return;
        }
        let ChangedPart::Body(pointer) = &difference.part else {
            return;
        };
        if difference.rule.is_of_value() {
            difference.noise = difference.noise.or_else(|| (self.how.volatile)(&self.concrete()));
        }
        let edits = if self.how.with_edits { edits(self) } else { Vec::new() };
        let key = (difference.rule, pointer.clone(), kind.to_owned());
        let Some(known) = self.seen.get(&key).and_then(|at| self.out.get_mut(*at)) else {
            kind.clone_into(&mut difference.kind);
            difference.edits = edits;
            self.seen.insert(key, self.out.len());
            self.out.push(difference);
            return;
        };
        // Of items of which some vary and some do not, those that do not are shown.
        if known.noise.is_some() && difference.noise.is_none() {
            kind.clone_into(&mut difference.kind);
            *known = Difference { edits, ..difference };
        } else if (known.noise.is_some() == difference.noise.is_some()) && known.edits.len() < EDITS {
            known.edits.extend(edits);
        }
    }

    fn shown(&self, a: Option<&Value>, b: Option<&Value>) -> [Option<String>; 2] {
        [
            a.map(|value| show(value, &self.how.a)),
            b.map(|value| show(value, &self.how.b)),
        ]
    }

    fn difference(&self, rule: Rule, pointer: String, a: Option<&Value>, b: Option<&Value>) -> Difference {
        let [before, after] = self.shown(a, b);
        Difference::new(rule, ChangedPart::Body(pointer), before.as_deref(), after.as_deref())
    }

    /// A different value at this location.
    fn replaced(&mut self, rule: Rule, a: &Value, b: &Value) {
        let difference = self.difference(rule, self.pointer(None), Some(a), Some(b));
        self.replaced_as(difference, b);
    }

    fn replaced_as(&mut self, difference: Difference, b: &Value) {
        self.emit(difference, "", |walk| {
            vec![walk.edit(None, EditChange::Replace(walk.how.in_baseline(b)))]
        });
    }

    fn values(&mut self, name: &str, a: &Value, b: &Value) {
        match (a, b) {
            (Value::Null, Value::Null) => {}
            (Value::Bool(one), Value::Bool(other)) if one == other => {}
            (Value::Null, _) => self.replaced(Rule::BodyNoLongerNull, a, b),
            (_, Value::Null) => self.replaced(Rule::BodyBecameNull, a, b),
            (Value::Array(one), Value::Array(other)) => self.arrays(one, other),
            (Value::Array(one), Value::Object(outer))
                if Self::list_in(one, &self.how.a, outer, &self.how.b).is_some() =>
            {
                self.wrapped_list(Rule::BodyWrapped, a, b);
            }
            (Value::Object(outer), Value::Array(one))
                if Self::list_in(one, &self.how.b, outer, &self.how.a).is_some() =>
            {
                self.wrapped_list(Rule::BodyUnwrapped, a, b);
            }
            (Value::Array(_), _) => self.replaced(Rule::BodyNoLongerArray, a, b),
            (_, Value::Array(_)) => self.replaced(Rule::BodyBecameArray, a, b),
            (Value::Object(one), Value::Object(other)) => self.objects(one, other),
            (Value::String(one), Value::String(other)) => self.strings(name, one, other),
            (Value::Number(one), Value::Number(other)) => self.numbers(name, one, other),
            (Value::Bool(_), Value::Bool(_)) => self.replaced(Rule::BodyValueChanged, a, b),
            _ => self.replaced(Rule::BodyTypeChanged, a, b),
        }
    }

    fn numbers(&mut self, name: &str, a: &Number, b: &Number) {
        let (one, other) = (Value::Number(a.clone()), Value::Number(b.clone()));
        // `400.0` is an integer, however it is spelled.
        let rule = match (json::is_whole(a), json::is_whole(b)) {
            _ if json::equal(&one, &other) || self.how.a.means(&a.to_string(), &self.how.b, &b.to_string()) => return,
            (true, false) => Rule::BodyIntegerToNumber,
            (false, true) => Rule::BodyNumberToInteger,
            _ => Rule::BodyValueChanged,
        };
        let mut difference = self.difference(rule, self.pointer(None), Some(&one), Some(&other));
        if let (Rule::BodyValueChanged, Some(a), Some(b)) = (rule, epoch(a), epoch(b)) {
            difference.noise = self.is_of_its_time(a, b).then_some(GENERATED);
        }
        if rule == Rule::BodyValueChanged && self.is_assigned(name, &a.to_string(), &b.to_string()) {
            difference.noise = Some(ASSIGNED);
        }
        if rule == Rule::BodyValueChanged && is_measured(name, a) && is_measured(name, b) {
            difference.noise = Some(MEASURED_TIME);
        }
        self.replaced_as(difference, &other);
    }

    fn strings(&mut self, name: &str, a: &str, b: &str) {
        if self.how.a.means(a, &self.how.b, b) {
            return;
        }
        let rule = match (TextFormat::of(a), TextFormat::of(b)) {
            (TextFormat::DateTime, TextFormat::DateTime) if is_spelled_differently(a, b) => Rule::BodySpellingChanged,
            (TextFormat::Uuid, TextFormat::Uuid) if a.eq_ignore_ascii_case(b) => Rule::BodySpellingChanged,
            (one, other) if one == other => {
                let is_time = instant(a).is_some() && instant(b).is_some();
                if one == TextFormat::Text && !is_time && is_message(name, a, b) {
                    Rule::BodyMessageChanged
                } else {
                    Rule::BodyValueChanged
                }
            }
            (TextFormat::Text, _) => Rule::BodyFormatGained,
            (_, TextFormat::Text) => Rule::BodyFormatLost,
            _ => Rule::BodyFormatChanged,
        };
        let (one, other) = (Value::from(a), Value::from(b));
        let mut difference = self.difference(rule, self.pointer(None), Some(&one), Some(&other));
        if rule == Rule::BodyValueChanged && self.is_generated(a, b) {
            difference.noise = Some(GENERATED);
        } else if rule.is_of_value() && (self.is_assigned(name, a, b) || self.has_assigned(a, b)) {
            difference.noise = Some(ASSIGNED);
        }
        self.replaced_as(difference, &other);
    }

    /// Whether two texts differ only in values that the servers assigned or generated.
    fn has_assigned(&self, a: &str, b: &str) -> bool {
        is_only_generated((&self.how.a, a), (&self.how.b, b), self.how.assigned)
    }

    fn is_assigned(&self, name: &str, a: &str, b: &str) -> bool {
        // Items have the name of their array.
        let mut names = self.path.iter().rev().filter_map(|step| match step {
            PathStep::Name(name, _) => Some(name.as_str()),
            PathStep::Item(_) | PathStep::EveryItem => None,
        });
        let name = Some(name)
            .filter(|name| !name.is_empty())
            .or_else(|| names.next())
            .unwrap_or_default();
        let role = if is_identifier(name) {
            Role::of_identifier(name, self.how.a.response)
        } else {
            Role::Any { name }
        };
        (self.how.assigned)(role, a, b)
    }

    /// Whether the servers assigned the identifiers of two items, or the items themselves, to the same resource.
    fn is_assigned_item(&self, a: &Value, b: &Value) -> bool {
        let is_assigned = |name: &str, a: &Value, b: &Value| match (scalar(a), scalar(b)) {
            (Some(a), Some(b)) => a != b && self.is_assigned(name, &a, &b),
            _ => false,
        };
        match (a, b) {
            (Value::Object(one), Value::Object(other)) => one
                .iter()
                .filter(|(name, _)| is_key(name))
                .any(|(name, value)| other.get(name).is_some_and(|other| is_assigned(name, value, other))),
            _ => is_assigned("", a, b),
        }
    }

    /// Whether both are generated for each response: ids that nothing else has, and instants that go with its time.
    fn is_generated(&self, a: &str, b: &str) -> bool {
        if TextFormat::of(a) == TextFormat::Uuid {
            return true;
        }
        match (instant(a), instant(b)) {
            (Some(one), Some(other)) => self.is_of_its_time(one, other),
            _ => false,
        }
    }

    /// Whether two instants depend on when their responses were sent. The same instant does not.
    fn is_of_its_time(&self, one: DateTime<Utc>, other: DateTime<Utc>) -> bool {
        is_of_its_time(&self.how.a, one, &self.how.b, other)
    }

    fn objects(&mut self, a: &Map<String, Value>, b: &Map<String, Value>) {
        // Names of properties are rarely values of a target: names are written only where one is.
        let named = |map: &Map<String, Value>, of: &ResponseWithVariables<'_>| -> Option<Vec<String>> {
            let names: Vec<_> = map.keys().map(|key| of.substitute_names(key)).collect();
            map.keys().zip(&names).any(|(key, name)| key != name).then_some(names)
        };
        let (before, after) = (named(a, &self.how.a), named(b, &self.how.b));
        self.properties(&properties(a, before.as_deref()), &properties(b, after.as_deref()));
    }

    /// Properties with another name and the same value. Several that differ only in their style are one change.
    fn renames<'n>(
        &mut self,
        a: &BTreeMap<&str, Property<'_>>,
        b: &BTreeMap<&str, Property<'_>>,
        renamed: Vec<(&'n str, &'n str)>,
    ) {
        let (styled, others): (Vec<_>, Vec<_>) = renamed.into_iter().partition(|(one, other)| bare(one) == bare(other));
        let rename = |walk: &Self, pairs: &[(&str, &str)]| -> Vec<Edit> {
            let of_pair = |(old, new): &(&str, &str)| {
                let value = b[new].1;
                [
                    walk.edit(Some(a[old].0), EditChange::Remove),
                    walk.edit(Some(b[new].0), EditChange::Insert(walk.how.in_baseline(value))),
                ]
            };
            pairs.iter().flat_map(of_pair).collect()
        };
        if styled.len() > 1 {
            let list = |names: Vec<&str>| names.join(", ");
            let before = list(styled.iter().map(|pair| pair.0).collect());
            let after = list(styled.iter().map(|pair| pair.1).collect());
            let part = ChangedPart::Body(self.pointer(None));
            let difference = Difference::new(Rule::BodyNamingChanged, part, Some(&before), Some(&after));
            self.emit(difference, "", |walk| rename(walk, &styled));
        }
        let alone = if styled.len() > 1 { Vec::new() } else { styled };
        for pair in others.into_iter().chain(alone) {
            let (one, other) = pair;
            let part = ChangedPart::Body(self.pointer(None));
            let (before, after) = (json::step("", one), json::step("", other));
            // The pair of names is sorted, so that swapping the sides gives the mirrored change.
            let kind = if one < other {
                format!("{one}/{other}")
            } else {
                format!("{other}/{one}")
            };
            let difference = Difference::new(Rule::BodyPropertyRenamed, part, Some(&before[1..]), Some(&after[1..]));
            self.emit(difference, &kind, |walk| rename(walk, &[pair]));
        }
    }

    fn properties(&mut self, a: &BTreeMap<&str, Property<'_>>, b: &BTreeMap<&str, Property<'_>>) {
        if let Some(key) = Self::wrapper((a, &self.how.a), (b, &self.how.b)) {
            let part = ChangedPart::Body(self.pointer(None));
            let outer = object_of(a);
            self.emit(Difference::new(Rule::BodyWrapped, part, None, Some(key)), key, |walk| {
                vec![walk.edit(None, EditChange::Replace(serde_json::json!({ (key): outer })))]
            });
            if let Some((_, Value::Object(inner))) = b.get(key) {
                let inner = properties(inner, None);
                self.properties(a, &inner);
            }
            return;
        }
        if let Some(key) = Self::wrapper((b, &self.how.b), (a, &self.how.a)) {
            let part = ChangedPart::Body(self.pointer(None));
            let Some((_, Value::Object(inner))) = a.get(key) else {
                return;
            };
            self.emit(
                Difference::new(Rule::BodyUnwrapped, part, Some(key), None),
                key,
                |walk| vec![walk.edit(None, EditChange::Replace(Value::Object(inner.clone())))],
            );
            let inner = properties(inner, None);
            return self.properties(&inner, b);
        }
        let mut removed: BTreeSet<&str> = a.keys().filter(|key| !b.contains_key(*key)).copied().collect();
        let mut added: BTreeSet<&str> = b.keys().filter(|key| !a.contains_key(*key)).copied().collect();
        for (key, other) in self.same_names(&removed, &added) {
            removed.remove(key);
            added.remove(other);
            self.inside(key, a[key], b[other].1);
        }
        let renamed = self.renamed(a, b, &mut removed, &mut added);
        self.renames(a, b, renamed);
        for key in removed {
            let (raw, value) = a[key];
            let pointer = self.pointer(Some(key));
            let difference = self.difference(Rule::BodyPropertyRemoved, pointer, Some(value), None);
            self.emit(difference, "", |walk| vec![walk.edit(Some(raw), EditChange::Remove)]);
        }
        for key in added {
            let (raw, value) = b[key];
            let pointer = self.pointer(Some(key));
            let difference = self.difference(Rule::BodyPropertyAdded, pointer, None, Some(value));
            self.emit(difference, "", |walk| {
                vec![walk.edit(Some(raw), EditChange::Insert(walk.how.in_baseline(value)))]
            });
        }
        for (key, value) in a {
            if let Some(other) = b.get(key) {
                self.inside(key, *value, other.1);
            }
        }
    }

    /// The values of one property.
    fn inside(&mut self, name: &str, (raw, value): Property<'_>, other: &Value) {
        let raw = (raw != name).then(|| raw.to_owned());
        self.path.push(PathStep::Name(name.to_owned(), raw));
        self.values(name, value, other);
        self.path.pop();
    }

    /// Names that are values of the targets, where two variables have one value on a target.
    fn same_names<'k>(&self, removed: &BTreeSet<&'k str>, added: &BTreeSet<&'k str>) -> Vec<(&'k str, &'k str)> {
        let is_name = |key: &&&str| key.contains("{{ ");
        let mut pairs: Vec<(&str, &str)> = Vec::new();
        for key in removed.iter().filter(is_name) {
            let other = added.iter().filter(is_name).find(|other| {
                let means = |names: &VariableSubstitution| names.fill_plain(key) == names.fill_plain(other);
                let is_free = !pairs.iter().any(|pair| pair.1 == **other);
                is_free && (means(self.how.a.names) || means(self.how.b.names))
            });
            pairs.extend(other.map(|other| (*key, *other)));
        }
        pairs
    }

    /// Removals and additions that belong together: the value is the same, and either the names differ in style only or
    /// the match is unambiguous.
    fn renamed<'k>(
        &self,
        a: &BTreeMap<&'k str, Property<'_>>,
        b: &BTreeMap<&'k str, Property<'_>>,
        removed: &mut BTreeSet<&'k str>,
        added: &mut BTreeSet<&'k str>,
    ) -> Vec<(&'k str, &'k str)> {
        let mut pairs = Vec::new();
        if removed.is_empty() || added.is_empty() {
            return pairs;
        }
        let text = |value: &Value, of: &ResponseWithVariables<'_>| normal(value, of, true);
        let names: [ItemIdentity<'_>; 2] = [
            Box::new(|key, value, of| Some(format!("{} {}", bare(key), text(value, of)))),
            Box::new(|_, value, of| is_distinctive(value).then(|| text(value, of))),
        ];
        for (by_value, identity) in names.into_iter().enumerate() {
            let found =
                |names: &BTreeSet<&'k str>, all: &BTreeMap<&'k str, Property<'_>>, of: &ResponseWithVariables<'_>| {
                    let mut found: HashMap<String, Option<&'k str>> = HashMap::new();
                    let kept = all.keys().filter(|name| by_value == 1 && !names.contains(*name));
                    for (name, is_kept) in names
                        .iter()
                        .map(|name| (name, false))
                        .chain(kept.map(|name| (name, true)))
                    {
                        if let Some(identity) = all.get(name).and_then(|value| identity(name, value.1, of)) {
                            let one = if is_kept { None } else { Some(*name) };
                            found.entry(identity).and_modify(|one| *one = None).or_insert(one);
                        }
                    }
                    found
                };
            let (one, other) = (found(removed, a, &self.how.a), found(added, b, &self.how.b));
            let mut new: Vec<_> = (one.into_iter())
                .filter_map(|(identity, name)| Some((name?, (*other.get(&identity)?)?)))
                .collect();
            new.sort_unstable();
            for (name, new_name) in &new {
                removed.remove(name);
                added.remove(new_name);
            }
            pairs.extend(new);
        }
        pairs
    }

    /// The property of `outer` that has everything that `inner` has, which `outer` itself no longer has.
    fn wrapper<'k>(
        (inner, inside): (&BTreeMap<&str, Property<'_>>, &ResponseWithVariables<'_>),
        (outer, outside): (&BTreeMap<&'k str, Property<'_>>, &ResponseWithVariables<'_>),
    ) -> Option<&'k str> {
        let holds = |key: &str, value: &Value| {
            let Value::Object(object) = value else { return false };
            let has_left = |name: &str| name == key || !outer.contains_key(name);
            let has_all = inner.keys().all(|name| object.contains_key(*name) && has_left(name));
            if !has_all || inner.get(key).is_some_and(|own| own.1.is_object()) {
                return false;
            }
            // Names alone are no evidence: most values are the same, or at least of the same type.
            let same = |(name, own): (&&str, &Property<'_>)| {
                let is_same =
                    |value| json::equal(own.1, value) || normal(own.1, inside, false) == normal(value, outside, false);
                object.get(*name).is_some_and(is_same)
            };
            let alike = |(name, own): (&&str, &Property<'_>)| {
                object
                    .get(*name)
                    .is_some_and(|value| json_type(own.1) == json_type(value))
            };
            let (equal, similar) = (
                inner.iter().filter(|one| same(*one)).count(),
                inner.iter().filter(|one| alike(*one)).count(),
            );
            equal > 0 || (similar == inner.len() && similar > 1)
        };
        if inner.is_empty() {
            return None;
        }
        outer
            .iter()
            .find(|(key, value)| holds(key, value.1))
            .map(|(key, _)| *key)
    }

    /// The only list in an object, if it has an item of `list`.
    fn list_in<'o>(
        list: &[Value],
        own: &ResponseWithVariables<'_>,
        outer: &'o Map<String, Value>,
        other: &ResponseWithVariables<'_>,
    ) -> Option<(&'o str, &'o [Value])> {
        let mut lists = outer
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), value.as_array()?.as_slice())));
        let (Some(found), None) = (lists.next(), lists.next()) else {
            return None;
        };
        let text = |items: &[Value], of: &ResponseWithVariables<'_>| -> BTreeSet<String> {
            items.iter().take(ITEMS).map(|item| normal(item, of, false)).collect()
        };
        let is_record = |item: &Value| item.as_object().is_some_and(|entries| entries.len() > 1);
        let is_distinctive = list.iter().any(|item| is_distinctive(item) || is_record(item));
        (is_distinctive && !text(list, own).is_disjoint(&text(found.1, other))).then_some(found)
    }

    /// A list that is the property of an object on the other side.
    fn wrapped_list(&mut self, rule: Rule, a: &Value, b: &Value) {
        let (list, outer, own, other) = match (a, b) {
            (Value::Array(list), Value::Object(outer)) => (list, outer, self.how.a, self.how.b),
            (Value::Object(outer), Value::Array(list)) => (list, outer, self.how.b, self.how.a),
            _ => return,
        };
        let Some((key, inner)) = Self::list_in(list, &own, outer, &other) else {
            return;
        };
        let mut difference = self.difference(rule, self.pointer(None), Some(a), Some(b));
        difference.level = Some((
            super::ChangeLevel::Breaking,
            "clients that read a list find an object, or vice versa",
        ));
        self.emit(difference, key, |walk| {
            vec![walk.edit(None, EditChange::Replace(walk.how.in_baseline(b)))]
        });
        // The items of a body without a wrapper are at other locations in it, so their edits would not apply.
        match rule {
            Rule::BodyWrapped => self.arrays(list, inner),
            _ => self.arrays(inner, list),
        }
    }

    fn arrays(&mut self, a: &[Value], b: &[Value]) {
        let (first, others) = (&a[..a.len().min(ITEMS)], &b[..b.len().min(ITEMS)]);
        let text = |items: &[Value], of: &ResponseWithVariables<'_>| {
            items.iter().map(|item| normal(item, of, false)).collect::<Vec<_>>()
        };
        let (one, other) = (text(first, &self.how.a), text(others, &self.how.b));
        if a.len() == b.len() && one == other {
            return;
        }
        let aligned = align((first, &one), (others, &other), |a, b| self.is_assigned_item(a, b));
        if a.len() != b.len() {
            self.length(a, b, &aligned);
        }
        let is_permuted = !aligned.has_assigned && a.len() == b.len() && is_permutation(&one, &other);
        if aligned.is_reordered || is_permuted {
            let difference = self.difference(
                Rule::BodyOrderChanged,
                self.pointer(None),
                Some(&Value::from(a)),
                Some(&Value::from(b)),
            );
            self.emit(difference, "", |walk| {
                let mut order: Vec<_> = aligned.pairs.iter().map(|(at, to)| (*to, *at)).collect();
                order.sort_unstable();
                let order = order
                    .into_iter()
                    .map(|(_, at)| at)
                    .chain(aligned.removed.iter().copied());
                vec![walk.edit(None, EditChange::Replace(order.map(|at| a[at].clone()).collect()))]
            });
        }
        for (at, to) in &aligned.pairs {
            self.path.push(PathStep::Item(*at));
            self.values("", &a[*at], &b[*to]);
            self.path.pop();
        }
        if a.len() != b.len()
            && let (Some(one), Some(other)) = (merged(a), merged(b))
        {
            // Which of the other items correspond is not known.
            let before = std::mem::replace(&mut self.only_shape, true);
            self.path.push(PathStep::EveryItem);
            self.values("", &one, &other);
            self.path.pop();
            self.only_shape = before;
        }
    }

    /// More items than before, or fewer.
    fn length(&mut self, a: &[Value], b: &[Value], aligned: &Alignment) {
        let is_less = a.len() > b.len();
        let rule = if is_less {
            Rule::BodyFewerItems
        } else {
            Rule::BodyMoreItems
        };
        let part = ChangedPart::Body(self.pointer(None));
        let number = |items: &[Value]| match items.len() {
            1 => "1 item".to_owned(),
            number => format!("{number} items"),
        };
        let (before, after) = (number(a), number(b));
        self.emit(Difference::new(rule, part, Some(&before), Some(&after)), "", |walk| {
            let mut items: Vec<Value> = if is_less {
                let gone: BTreeSet<_> = aligned.removed.iter().rev().take(a.len() - b.len()).collect();
                let kept = a.iter().enumerate().filter(|(at, _)| !gone.contains(at));
                kept.map(|(_, item)| item.clone()).collect()
            } else {
                a.to_vec()
            };
            let new = aligned.added.iter().take(b.len().saturating_sub(a.len()));
            items.extend(new.map(|at| walk.how.in_baseline(&b[*at])));
            vec![walk.edit(None, EditChange::Replace(Value::Array(items)))]
        });
    }
}

impl BodyComparison<'_> {
    /// A value of the candidate as the baseline would have it: with the values of its own target's variables.
    fn in_baseline(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.a.names.fill_plain(&self.b.substitute_names(text)).into(),
            Value::Array(items) => items.iter().map(|item| self.in_baseline(item)).collect(),
            Value::Object(entries) => entries
                .iter()
                .map(|(name, value)| (name.clone(), self.in_baseline(value)))
                .collect(),
            other => other.clone(),
        }
    }
}

/// Properties by the names by which they are compared.
fn properties<'v>(map: &'v Map<String, Value>, names: Option<&'v [String]>) -> BTreeMap<&'v str, Property<'v>> {
    let name = |at: usize, key: &'v str| names.and_then(|names| names.get(at)).map_or(key, String::as_str);
    map.iter()
        .enumerate()
        .map(|(at, (key, value))| (name(at, key), (key.as_str(), value)))
        .collect()
}

fn object_of(properties: &BTreeMap<&str, Property<'_>>) -> Value {
    let all = properties.values();
    Value::Object(
        all.map(|(name, value)| ((*name).to_owned(), (*value).clone()))
            .collect(),
    )
}

fn show(value: &Value, of: &ResponseWithVariables<'_>) -> String {
    let text = json::show(value);
    // Of a long text only the beginning is shown.
    if text.len() > 10_000 {
        text
    } else {
        of.substitute_names(&text)
    }
}

/// The values that identify a property.
type ItemIdentity<'m> = Box<dyn Fn(&str, &Value, &ResponseWithVariables<'_>) -> Option<String> + 'm>;

/// The union of the items of an array: the first value of each property.
fn merged(items: &[Value]) -> Option<Value> {
    let first = items.first()?;
    if !items.iter().take(ITEMS).all(Value::is_object) {
        return Some(first.clone());
    }
    let mut all = Map::new();
    for (key, value) in items.iter().take(ITEMS).filter_map(Value::as_object).flatten() {
        if all.get(key).is_none_or(Value::is_null) {
            all.insert(key.clone(), value.clone());
        }
    }
    Some(Value::Object(all))
}

/// A value as text that is equal where values mean the same; with `styleless`, names are compared without their style.
fn normal(value: &Value, of: &ResponseWithVariables<'_>, styleless: bool) -> String {
    fn write(value: &Value, of: &ResponseWithVariables<'_>, styleless: bool, out: &mut String) {
        match value {
            Value::Object(entries) => {
                let sorted: BTreeMap<_, _> = entries
                    .iter()
                    .map(|(key, value)| {
                        let name = of.substitute_names(key);
                        (if styleless { bare(&name) } else { name }, value)
                    })
                    .collect();
                out.push('{');
                for (key, value) in sorted {
                    out.push_str(&Value::from(key).to_string());
                    out.push(':');
                    write(value, of, styleless, out);
                    out.push(',');
                }
                out.push('}');
            }
            Value::Array(items) => {
                out.push('[');
                for item in items {
                    write(item, of, styleless, out);
                    out.push(',');
                }
                out.push(']');
            }
            Value::String(text) => out.push_str(&Value::from(of.substitute_names(text)).to_string()),
            Value::Number(number) => out.push_str(&of.substitute_names(&json::plain(number).to_string())),
            other => out.push_str(&other.to_string()),
        }
    }
    let mut out = String::new();
    write(value, of, styleless, &mut out);
    out
}

/// A string or number as text.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
