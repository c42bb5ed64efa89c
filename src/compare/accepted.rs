//! The file of accepted changes: which, why, and until when.
//!
//! ```toml
//! [[accepted]]
//! rule = "body/property-removed"
//! suite = "send-activation-email"
//! pointer = "/errorCode"
//! reason = "nobody reads it: announced in release 4.2"
//! expires = 2027-01-31
//! ```

use std::path::Path;

use chrono::NaiveDate;

use super::{Accepted, CHANGE_RULES, Change, ChangeRule, StaleEntry};
use crate::source::{
    Diagnostic, Diagnostics, Fields, FileKind, Kind, Node, Place, Sources, parse_toml, read_text, string,
};

/// The name of the file where `conforme.toml` names no other.
pub const ACCEPTED_FILE: &str = "accepted-changes.toml";

/// An entry of the file.
#[derive(Clone, Debug)]
pub struct AcceptedEntry {
    rule: Option<String>,
    suite: Option<String>,
    pointer: Option<String>,
    header: Option<String>,
    fingerprint: Option<String>,
    reason: String,
    expires: Option<NaiveDate>,
    place: Place,
}

impl AcceptedEntry {
    fn matches(&self, change: &Change) -> bool {
        let is =
            |wanted: &Option<String>, own: Option<&str>| wanted.as_deref().is_none_or(|wanted| own == Some(wanted));
        is(&self.rule, Some(&change.rule))
            && is(&self.suite, Some(&change.suite))
            && is(&self.pointer, change.pointer.as_deref())
            && is(&self.header, change.header.as_deref())
            && is(&self.fingerprint, Some(&change.fingerprint))
    }

    fn is_expired(&self, today: NaiveDate) -> bool {
        self.expires.is_some_and(|last| last < today)
    }
}

/// Reads the file; mistakes go to `errors`, each with its place.
pub fn read_accepted(path: &Path, sources: &mut Sources, errors: &mut Diagnostics) -> Vec<AcceptedEntry> {
    let text = match read_text(path, FileKind::AcceptedChanges) {
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
    let (rule, suite, pointer, header, fingerprint) = (
        fields.take("rule"),
        fields.read("suite", errors, string),
        fields.read("pointer", errors, string),
        fields.read("header", errors, string),
        fields.read("fingerprint", errors, string),
    );
    let (reason, expires) = (fields.read("reason", errors, string), fields.take("expires"));
    fields.finish(errors);
    let rule = rule.and_then(|node| known_rule(node, errors).map(|rule| rule.id().to_owned()));
    if rule.is_none() && fingerprint.is_none() {
        errors.push(
            Diagnostic::new(node.span, "an accepted change names its `rule`, or its `fingerprint`")
                .help("`conforme compare --report json` tells both"),
        );
    }
    let expires = match expires.map(|node| (node, string(node, errors))) {
        Some((node, Some(text))) => {
            let day = text.parse::<NaiveDate>();
            if day.is_err() {
                errors.push(
                    Diagnostic::new(node.span, format!("`{text}` is not a day")).help("write it as `2027-01-31`"),
                );
            }
            day.ok()
        }
        _ => None,
    };
    let Some(reason) = reason.filter(|reason| !reason.trim().is_empty()) else {
        errors.push(
            Diagnostic::new(node.span, "an accepted change has a `reason`")
                .help("say why nobody breaks, or why it is worth it"),
        );
        return None;
    };
    Some(AcceptedEntry {
        rule,
        suite,
        pointer,
        header: header.map(|name| name.to_ascii_lowercase()),
        fingerprint,
        reason,
        expires,
        place: sources.place(node.span),
    })
}

/// A rule by its id.
pub(super) fn known_rule(node: &Node, errors: &mut Diagnostics) -> Option<ChangeRule> {
    let text = string(node, errors)?;
    let rule = ChangeRule::of(&text);
    if rule.is_none() {
        errors.push(
            Diagnostic::new(node.span, format!("there is no rule `{text}`"))
                .suggest(&text, CHANGE_RULES.iter().map(|row| row.id)),
        );
    }
    rule
}

/// Takes the accepted changes out, and tells of entries that are expired or match nothing.
pub(super) fn apply(
    changes: Vec<Change>,
    entries: &[AcceptedEntry],
    today: NaiveDate,
) -> (Vec<Change>, Vec<Accepted>, Vec<StaleEntry>) {
    let mut used = vec![false; entries.len()];
    let (mut left, mut accepted) = (Vec::new(), Vec::new());
    for change in changes {
        let mut taken = None;
        for (number, entry) in entries.iter().enumerate().filter(|(_, entry)| entry.matches(&change)) {
            used[number] = true;
            if taken.is_none() && !entry.is_expired(today) {
                taken = Some(entry);
            }
        }
        match taken {
            None => left.push(change),
            Some(entry) => accepted.push(Accepted {
                change,
                accepted_because: entry.reason.clone(),
                expires: entry.expires.map(|day| day.to_string()),
                place: entry.place.clone(),
            }),
        }
    }
    let stale = (entries.iter().zip(used))
        .filter_map(|(entry, used)| {
            let reason = match (entry.is_expired(today), used) {
                (true, _) => format!("it expired on {}", entry.expires?),
                (false, false) => "it matches no change".to_owned(),
                (false, true) => return None,
            };
            Some(StaleEntry {
                reason,
                place: entry.place.clone(),
            })
        })
        .collect();
    (left, accepted, stale)
}
