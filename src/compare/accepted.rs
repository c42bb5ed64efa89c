//! The file of accepted changes: reviewed changes do not fail a comparison until they expire.
//!
//! ```toml
//! [[accepted]]
//! rule = "body/property-removed"
//! endpoint = "POST /users/{id}/activation"
//! pointer = "/errorCode"
//! reason = "no client reads it; announced with release 4.2"
//! expires = 2027-01-31
//! ```

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    path::Path,
};

use chrono::NaiveDate;

use super::{
    AcceptedChange, AcceptedDeclaration, CHANGE_RULES, Change, ChangePlace, ChangeRule, DeclaredChange, StaleEntry,
    SuiteFacts,
    difference::ChangedPart,
    fingerprint,
    gather::{ChangeGroup, ChangeKey},
};
use crate::{
    check::{fields, is_token},
    model::Location,
    source::{Diagnostic, Diagnostics, Fields, FileKind, Kind, Node, Sources, Span, nearest, parse_toml, string},
};

/// The default name of the file.
pub const ACCEPTED_FILE: &str = "accepted-changes.toml";

/// An entry of the file.
#[derive(Clone, Debug)]
pub struct AcceptedEntry {
    rule: Option<ChangeRule>,
    suite: Option<String>,
    case: Option<String>,
    endpoint: Option<String>,
    pointer: Option<String>,
    header: Option<String>,
    parameter: Option<String>,
    fingerprint: Option<String>,
    reason: String,
    expires: Option<NaiveDate>,
    location: Location,
}

impl AcceptedEntry {
    /// Whether it covers a change as a case shows it.
    fn covers(&self, key: &ChangeKey, fingerprint: &str, case: &str) -> bool {
        let is =
            |wanted: &Option<String>, own: Option<&str>| wanted.as_deref().is_none_or(|wanted| own == Some(wanted));
        let (pointer, header) = match &key.part {
            ChangedPart::Body(pointer) => (Some(pointer.as_str()), None),
            ChangedPart::Header(name) => (None, Some(name.as_str())),
            ChangedPart::Whole | ChangedPart::Status => (None, None),
        };
        self.rule.is_none_or(|rule| rule == key.rule)
            && is(&self.suite, Some(&key.suite))
            && is(&self.case, Some(case))
            && is(&self.endpoint, Some(&key.endpoint))
            && is(&self.pointer, pointer)
            && is(&self.header, header)
            && is(&self.fingerprint, Some(fingerprint))
            && self.parameter.is_none()
    }

    /// Whether it covers a change of a document at a place.
    fn covers_declared(&self, rule: ChangeRule, place: &ChangePlace, fingerprint: &str) -> bool {
        let is = |wanted: &Option<String>, own: &Option<String>| wanted.is_none() || wanted == own;
        self.rule.is_none_or(|wanted| wanted == rule)
            && self.suite.is_none()
            && self.case.is_none()
            && is(&self.endpoint, &place.endpoint)
            && is(&self.pointer, &place.pointer)
            && is(&self.header, &place.header)
            && is(&self.parameter, &place.parameter)
            && self.fingerprint.as_deref().is_none_or(|wanted| wanted == fingerprint)
    }

    /// Whether only a comparison of documents can match it.
    fn is_of_documents(&self) -> bool {
        self.parameter.is_some() || self.rule.is_some_and(ChangeRule::is_of_documents)
    }

    /// Whether only a comparison of recordings can match it.
    fn is_of_recordings(&self) -> bool {
        self.suite.is_some() || self.case.is_some() || self.rule.is_some_and(ChangeRule::is_of_recordings)
    }

    /// The change of a document as one that it accepts.
    pub(super) fn accepts_declared(&self, change: DeclaredChange) -> AcceptedDeclaration {
        AcceptedDeclaration {
            change,
            accepted_because: self.reason.clone(),
            expires: self.expires.map(|day| day.to_string()),
            location: self.location.clone(),
        }
    }

    fn is_expired(&self, today: NaiveDate) -> bool {
        self.expires.is_some_and(|last| last < today)
    }

    /// The change as one that it accepts.
    pub(super) fn accepts(&self, change: Change) -> AcceptedChange {
        AcceptedChange {
            change,
            accepted_because: self.reason.clone(),
            expires: self.expires.map(|day| day.to_string()),
            location: self.location.clone(),
        }
    }
}

/// The entries, and which of them cover a change.
pub(super) struct AcceptedEntries<'e> {
    all: &'e [AcceptedEntry],
    used: Vec<bool>,
    today: NaiveDate,
}

impl<'e> AcceptedEntries<'e> {
    pub(super) fn new(all: &'e [AcceptedEntry], today: NaiveDate) -> Self {
        Self {
            all,
            used: vec![false; all.len()],
            today,
        }
    }

    /// Splits the cases of a change by the entry that covers it there.
    pub(super) fn split(
        &mut self,
        key: &ChangeKey,
        group: ChangeGroup,
    ) -> Vec<(Option<&'e AcceptedEntry>, ChangeGroup)> {
        if self.all.is_empty() {
            return vec![(None, group)];
        }
        let fingerprint = fingerprint(key);
        let mut parts: BTreeMap<Option<usize>, ChangeGroup> = BTreeMap::new();
        for (location, shown) in group {
            let mut taken = None;
            for (number, entry) in self.all.iter().enumerate() {
                if entry.covers(key, &fingerprint, &location.1) {
                    self.used[number] = true;
                    if !entry.is_expired(self.today) {
                        taken = taken.or(Some(number));
                    }
                }
            }
            parts.entry(taken).or_default().insert(location, shown);
        }
        let parts = parts.into_iter();
        parts
            .map(|(number, part)| (number.and_then(|number| self.all.get(number)), part))
            .collect()
    }

    /// The entry that covers a change of a document at a place.
    pub(super) fn covering(&mut self, rule: ChangeRule, place: &ChangePlace, fingerprint: &str) -> Option<usize> {
        let mut taken = None;
        for (number, entry) in self.all.iter().enumerate() {
            if entry.covers_declared(rule, place, fingerprint) {
                self.used[number] = true;
                if !entry.is_expired(self.today) {
                    taken = taken.or(Some(number));
                }
            }
        }
        taken
    }

    /// Entries that are expired or cover no change. Those that only the other kind of comparison can match are left out.
    pub(super) fn stale(&self, is_of_documents: bool) -> Vec<StaleEntry> {
        let is_other = |entry: &AcceptedEntry| {
            if is_of_documents {
                entry.is_of_recordings()
            } else {
                entry.is_of_documents()
            }
        };
        (self.all.iter().zip(&self.used))
            .filter(|(entry, _)| !is_other(entry))
            .filter_map(|(entry, used)| {
                let reason = match (entry.is_expired(self.today), *used) {
                    (true, _) => format!("it expired on {}", entry.expires?),
                    (false, false) => "it matches no change".to_owned(),
                    (false, true) => return None,
                };
                Some(StaleEntry {
                    reason,
                    location: entry.location.clone(),
                })
            })
            .collect()
    }
}

/// Errors for suites, cases and endpoints of entries that are not in the project.
pub fn unknown_names(entries: &[AcceptedEntry], facts: &SuiteFacts<'_>) -> Vec<String> {
    unknown(entries, || facts.cases().collect(), &BTreeSet::new(), facts)
}

/// Errors for suites, cases and endpoints of entries that are neither in the project nor in a recording.
pub(super) fn unknown<'n>(
    entries: &'n [AcceptedEntry],
    cases: impl FnOnce() -> BTreeSet<&'n str>,
    recorded: &BTreeSet<String>,
    facts: &SuiteFacts<'_>,
) -> Vec<String> {
    if entries
        .iter()
        .all(|entry| entry.suite.is_none() && entry.case.is_none() && entry.endpoint.is_none())
    {
        return Vec::new();
    }
    let cases = cases();
    let suites: BTreeSet<&str> = cases.iter().filter_map(|id| Some(id.rsplit_once('/')?.0)).collect();
    let declared = facts.endpoints();
    let endpoints: BTreeSet<&str> = recorded.iter().chain(&declared).map(String::as_str).collect();
    let mut errors = Vec::new();
    for entry in entries.iter().filter(|entry| !entry.is_of_documents()) {
        for (what, wanted, known) in [
            ("suite", &entry.suite, &suites),
            ("case", &entry.case, &cases),
            ("endpoint", &entry.endpoint, &endpoints),
        ] {
            let Some(wanted) = wanted.as_deref().filter(|wanted| !known.contains(wanted)) else {
                continue;
            };
            let mut error = format!("{}: unknown {what} `{wanted}`", entry.location);
            if let Some(name) = nearest(wanted, known.iter().copied()) {
                let _ = write!(error, "\nhelp: did you mean `{name}`?");
            }
            errors.push(error);
        }
    }
    errors
}

/// Reads the file; errors are added to `errors`, each with its location.
pub fn read_accepted(path: &Path, sources: &mut Sources, errors: &mut Diagnostics) -> Vec<AcceptedEntry> {
    let text = match sources.overlay().read_text(path, FileKind::AcceptedChanges) {
        Ok(text) => text,
        Err(reason) => {
            errors.push(Diagnostic::general(format!(
                "failed to read the accepted changes `{}`: {reason}",
                path.display()
            )));
            return Vec::new();
        }
    };
    let file = sources.add(path, text);
    let Some(node) = parse_toml(sources, file, errors) else {
        return Vec::new();
    };
    let Some(mut fields) = Fields::of(&node, "the file of accepted changes", errors) else {
        return Vec::new();
    };
    let list = fields.take("accepted");
    fields.finish(errors);
    let Some(list) = list else { return Vec::new() };
    let Kind::List(items) = &list.kind else {
        errors.push(Diagnostic::new(
            list.span,
            "accepted changes are a list of tables: `[[accepted]]`",
        ));
        return Vec::new();
    };
    items.iter().filter_map(|item| entry(item, sources, errors)).collect()
}

fn entry(node: &Node, sources: &Sources, errors: &mut Diagnostics) -> Option<AcceptedEntry> {
    let mut fields = Fields::of(node, "an accepted change", errors)?;
    let rule = fields.take("rule");
    let names = [
        "suite",
        "case",
        "endpoint",
        "pointer",
        "header",
        "fingerprint",
        "parameter",
    ];
    let mut found = names.map(|name| fields.take(name));
    let (reason, expires) = (fields.read("reason", errors, string), fields.take("expires"));
    fields.finish(errors);
    if rule.is_none() && found.iter().all(Option::is_none) {
        errors.push(
            Diagnostic::new(
                node.span,
                "an accepted change names what it covers: its `rule`, or its `fingerprint`",
            )
            .help(
                "`conforme compare --report json` shows both; further keys are suite, case, endpoint, pointer, header, parameter",
            ),
        );
    }
    let rule = rule.and_then(|node| known_rule(node, errors));
    let header = found[4].take();
    let header = header.and_then(|node| known_header(&string(node, errors)?, node.span, errors));
    let [pointer, fingerprint] = [found[3], found[5]].map(|node| node.map(|node| (node.span, string(node, errors))));
    if let Some((span, Some(pointer))) = &pointer
        && !(pointer.is_empty() || pointer.starts_with('/'))
    {
        errors.push(
            Diagnostic::new(*span, format!("`{pointer}` is not a JSON pointer"))
                .help("it is empty or begins with `/`, as in the reports: `/items/*/id`"),
        );
    }
    if let Some((span, Some(fingerprint))) = &fingerprint
        && !(fingerprint.len() == 16 && fingerprint.bytes().all(|byte| byte.is_ascii_hexdigit()))
    {
        errors.push(
            Diagnostic::new(*span, format!("`{fingerprint}` is not a fingerprint"))
                .help("it has 16 hexadecimal digits, as in the reports"),
        );
    }
    let [suite, case, endpoint, parameter] =
        [found[0], found[1], found[2], found[6]].map(|node| node.and_then(|node| string(node, errors)));
    let (pointer, fingerprint) = (
        pointer.and_then(|(_, text)| text),
        fingerprint
            .and_then(|(_, text)| text)
            .map(|text| text.to_ascii_lowercase()),
    );
    let expires = expires.and_then(|node| day(node, errors));
    let Some(reason) = reason.filter(|reason| !reason.trim().is_empty()) else {
        errors.push(
            Diagnostic::new(node.span, "an accepted change has a `reason`")
                .help("state why no client breaks, or why the change is justified"),
        );
        return None;
    };
    Some(AcceptedEntry {
        rule,
        suite,
        case,
        endpoint,
        pointer,
        header,
        parameter,
        fingerprint,
        reason,
        expires,
        location: sources.location(node.span),
    })
}

fn day(node: &Node, errors: &mut Diagnostics) -> Option<NaiveDate> {
    let text = string(node, errors)?;
    let day = text.parse::<NaiveDate>();
    if day.is_err() {
        errors.push(Diagnostic::new(node.span, format!("`{text}` is not a day")).help("write it as `2027-01-31`"));
    }
    day.ok()
}

/// The name of a header field in lower case. A name that is similar to a well-known field is an error.
pub(super) fn known_header(text: &str, span: Span, errors: &mut Diagnostics) -> Option<String> {
    let name = text.to_ascii_lowercase();
    if !is_token(&name) {
        errors.push(Diagnostic::new(
            span,
            format!("`{text}` is not the name of a header field"),
        ));
        return None;
    }
    if fields::known().any(|known| known == name) {
        return Some(name);
    }
    // A custom name can be similar to a known one by chance: a typo is one wrong character, or two swapped ones.
    let slip = fields::known().find(|known| known.len() > 3 && is_slip(&name, known));
    if let Some(known) = slip {
        errors.push(
            Diagnostic::new(span, format!("unknown header field `{text}`")).help(format!("did you mean `{known}`?")),
        );
        return None;
    }
    Some(name)
}

/// Whether two names differ in one character, or in two for long names.
fn is_slip(name: &str, known: &str) -> bool {
    strsim::damerau_levenshtein(name, known) <= if known.len() > 8 { 2 } else { 1 }
}

/// A rule by its id.
pub(super) fn known_rule(node: &Node, errors: &mut Diagnostics) -> Option<ChangeRule> {
    let text = string(node, errors)?;
    let rule = ChangeRule::of(&text);
    if rule.is_none() {
        errors.push(
            Diagnostic::new(node.span, format!("unknown rule `{text}`"))
                .suggest(&text, CHANGE_RULES.iter().map(|row| row.id)),
        );
    }
    rule
}
