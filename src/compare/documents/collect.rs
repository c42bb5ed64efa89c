//! Collects changes: one for each changed part of the document and rule, with every operation that it concerns.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use super::{
    AcceptedDeclaration, ChangePlace, DeclaredChange, DeclaredPart, MAX_PLACES,
    classify::{SchemaUse, message},
};
use crate::{
    compare::{
        AcceptedEntry, ChangeLevel, ChangeRule as Rule, Levels, StaleEntry, accepted::AcceptedEntries,
        difference::ChangedPart,
    },
    openapi::{ApiDocument, DocumentPart},
};

/// A change at one place.
#[derive(Clone, Debug)]
pub(super) struct FoundChange {
    pub(super) rule: Rule,
    /// A level that replaces the rule's own, and why.
    pub(super) level: Option<(ChangeLevel, String)>,
    pub(super) place: ChangePlace,
    pub(super) old: Option<DocumentPart>,
    pub(super) new: Option<DocumentPart>,
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
    /// Distinguishes changes of one rule and part.
    pub(super) key: String,
}

impl FoundChange {
    pub(super) fn new(rule: Rule, place: ChangePlace, old: Option<&DocumentPart>, new: Option<&DocumentPart>) -> Self {
        Self {
            rule,
            level: None,
            place,
            old: old.cloned(),
            new: new.cloned(),
            before: None,
            after: None,
            key: String::new(),
        }
    }

    pub(super) fn values(self, before: Option<String>, after: Option<String>) -> Self {
        Self { before, after, ..self }
    }

    pub(super) fn key(self, key: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            ..self
        }
    }

    pub(super) fn level(self, level: ChangeLevel, reason: impl Into<String>) -> Self {
        Self {
            level: Some((level, reason.into())),
            ..self
        }
    }
}

impl ChangePlace {
    /// The part of a message, as levels and accepted changes name it.
    pub(super) fn part(&self) -> ChangedPart {
        match (&self.header, &self.pointer) {
            (Some(header), _) => ChangedPart::Header(header.clone()),
            (None, Some(pointer)) => ChangedPart::Body(pointer.clone()),
            (None, None) => ChangedPart::Whole,
        }
    }

    /// How the schema at this place is used.
    pub(super) fn used(&self) -> SchemaUse {
        match (&self.parameter, &self.header, &self.status) {
            (Some(_), ..) => SchemaUse::Parameter,
            (_, Some(_), _) => SchemaUse::ResponseHeader,
            (_, _, Some(_)) => SchemaUse::ResponseBody,
            _ => SchemaUse::RequestBody,
        }
    }

    /// The part of the message in words.
    fn subject(&self, rule: Rule) -> String {
        let below = |whole: String| match self.pointer.as_deref() {
            None | Some("") => whole,
            Some(pointer) => format!("{pointer} of {whole}"),
        };
        if let Some(parameter) = &self.parameter {
            let (place, name) = parameter.split_once(' ').unwrap_or(("", parameter));
            return below(format!("the {place} parameter {name}"));
        }
        if let Some(header) = &self.header {
            return below(format!("the header field {header}"));
        }
        let is_property = rule.id().contains("/property-");
        match self.pointer.as_deref() {
            Some("") if self.status.is_some() => "the body".to_owned(),
            Some("") => "the request body".to_owned(),
            Some(pointer) if is_property => format!("the property {pointer}"),
            Some(pointer) => pointer.to_owned(),
            None if self.media_type.is_some() || self.status.is_some() => "the response".to_owned(),
            None if rule.id().starts_with("request/") => "the request body".to_owned(),
            None if self.endpoint.is_some() => "the operation".to_owned(),
            None => "the document".to_owned(),
        }
    }
}

/// What makes changes at several places one change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct FoundKey {
    rule: Rule,
    level: ChangeLevel,
    old: Option<DocumentPart>,
    new: Option<DocumentPart>,
    key: String,
    reason: String,
    accepted: Option<usize>,
}

/// The places of a change, and one of its differences.
struct FoundGroup {
    first: FoundChange,
    places: Vec<ChangePlace>,
    endpoints: BTreeSet<String>,
    all: usize,
}

/// How changes are weighed.
pub(super) struct Weighing<'a> {
    pub(super) levels: &'a Levels,
    pub(super) accepted: &'a [AcceptedEntry],
    pub(super) today: chrono::NaiveDate,
}

/// The changes, those that are accepted, and the entries that apply to none.
pub(super) struct Weighed {
    pub(super) changes: Vec<DeclaredChange>,
    pub(super) accepted: Vec<AcceptedDeclaration>,
    pub(super) stale: Vec<StaleEntry>,
    /// The operations with a change of any kind.
    pub(super) changed: BTreeSet<String>,
}

/// Groups, weighs and sorts changes.
pub(super) fn weigh(found: Vec<FoundChange>, (old, new): (&ApiDocument, &ApiDocument), how: &Weighing<'_>) -> Weighed {
    let mut entries = AcceptedEntries::new(how.accepted, how.today);
    let mut groups: BTreeMap<FoundKey, FoundGroup> = BTreeMap::new();
    let mut concerned = BTreeSet::new();
    for one in found {
        let (mut level, reason) = match &one.level {
            Some((level, reason)) => (*level, reason.clone()),
            None => (one.rule.info().level, one.rule.info().reason.to_owned()),
        };
        match how.levels.of(one.rule, &one.place.part()) {
            Some(None) => continue,
            Some(Some(set)) => level = set,
            None => {}
        }
        concerned.extend(one.place.endpoint.clone());
        let fingerprint = fingerprint(&one, (old, new));
        let key = FoundKey {
            rule: one.rule,
            level,
            old: one.old.clone(),
            new: one.new.clone(),
            key: one.key.clone(),
            reason,
            accepted: entries.covering(one.rule, &one.place, &fingerprint),
        };
        let place = one.place.clone();
        let group = groups.entry(key).or_insert_with(|| FoundGroup {
            first: one,
            places: Vec::new(),
            endpoints: BTreeSet::new(),
            all: 0,
        });
        group.endpoints.extend(place.endpoint.clone());
        group.all += 1;
        if group.places.len() < MAX_PLACES {
            group.places.push(place);
        }
    }
    let olds = old.locations(groups.keys().filter_map(|key| key.old.as_ref()));
    let news = new.locations(groups.keys().filter_map(|key| key.new.as_ref()));
    let (mut changes, mut accepted) = (Vec::new(), Vec::new());
    for (key, group) in &groups {
        let declared = |part: &Option<DocumentPart>, document: &ApiDocument, known: &super::PartLocations<'_>| {
            let part = part.as_ref()?;
            Some(DeclaredPart {
                location: known.get(part)?.clone(),
                part: document.reference(part),
            })
        };
        let first = &group.first;
        let subject = first.place.subject(key.rule);
        let change = DeclaredChange {
            rule: key.rule.id().to_owned(),
            level: key.level,
            fingerprint: fingerprint(first, (old, new)),
            message: message(key.rule, &subject, &first.key),
            reason: key.reason.clone(),
            before: first.before.clone(),
            after: first.after.clone(),
            baseline: declared(&key.old, old, &olds),
            candidate: declared(&key.new, new, &news),
            operations: group.endpoints.len(),
            places: group.places.clone(),
            observed: None,
        };
        match key.accepted.and_then(|number| how.accepted.get(number)) {
            None => changes.push(change),
            Some(entry) => accepted.push(entry.accepts_declared(change)),
        }
    }
    changes.sort_by_key(order);
    accepted.sort_by_key(|one: &AcceptedDeclaration| order(&one.change));
    Weighed {
        changes,
        accepted,
        stale: entries.stale(true),
        changed: concerned,
    }
}

/// Changes are listed by level, by number of operations, then by rule and place.
fn order(change: &DeclaredChange) -> impl Ord + use<> {
    (
        std::cmp::Reverse(change.level),
        std::cmp::Reverse(change.operations),
        change.rule.clone(),
        change.places.first().cloned(),
        change.fingerprint.clone(),
    )
}

/// Sixteen hexadecimal digits that identify the change, whatever the files are named.
fn fingerprint(change: &FoundChange, (old, new): (&ApiDocument, &ApiDocument)) -> String {
    let name = |part: &DocumentPart, document: &ApiDocument| {
        if part.is_in_main_file() {
            format!("#{}", part.pointer)
        } else {
            document.reference(part)
        }
    };
    let part = match (&change.old, &change.new) {
        (Some(part), _) => name(part, old),
        (None, Some(part)) => name(part, new),
        (None, None) => String::new(),
    };
    let mut digest = ring::digest::Context::new(&ring::digest::SHA256);
    for part in ["document", change.rule.id(), &part, &change.key] {
        digest.update(&(part.len() as u64).to_le_bytes());
        digest.update(part.as_bytes());
    }
    let bytes = digest.finish();
    bytes.as_ref()[..8].iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
