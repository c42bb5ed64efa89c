//! The credentials that operations require.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{ChangePlace, collect::FoundChange, operations::DocumentComparer, raw::same_text};
use crate::{
    compare::ChangeRule as Rule,
    openapi::{ApiDocument, DocumentPart, Operation, SecurityScheme},
};

/// Credentials that are required together.
type Credentials = BTreeSet<String>;

/// What a scheme asks for, whatever it is named.
fn identity(scheme: &SecurityScheme) -> String {
    match (&scheme.key, &scheme.scheme) {
        (Some((place, name)), _) => format!("{} {name}", place.name()),
        (None, Some(scheme)) => scheme.clone(),
        _ => scheme.kind.clone(),
    }
}

/// The alternatives of an operation, and where they are written.
fn alternatives(document: &ApiDocument, operation: &Operation) -> (Vec<Credentials>, DocumentPart) {
    let own = operation.part.at("security");
    let part = match document.value(&own) {
        Some(_) => own,
        None => DocumentPart::default().at("security"),
    };
    let all = document.value(&part).and_then(Value::as_array).into_iter().flatten();
    let credentials = |one: &Value| -> Credentials {
        let mut all = Credentials::new();
        for (name, scopes) in one.as_object().into_iter().flatten() {
            let scheme = document.security_schemes.iter().find(|scheme| scheme.name == *name);
            let what = scheme.map_or_else(|| name.clone(), identity);
            let scopes = scopes.as_array().into_iter().flatten().filter_map(Value::as_str);
            all.extend(scopes.map(|scope| format!("{what} with {scope}")));
            all.insert(what);
        }
        all
    };
    let mut all: Vec<Credentials> = all.map(credentials).collect();
    if all.is_empty() {
        all.push(Credentials::new());
    }
    (all, part)
}

/// Compares the credentials that an operation requires.
pub(super) fn compare_security(
    comparer: &mut DocumentComparer<'_, '_>,
    (old, new): (&Operation, &Operation),
    place: &ChangePlace,
) {
    let (before, old_part) = alternatives(comparer.old, old);
    let (after, new_part) = alternatives(comparer.new, new);
    let is_enough = |given: &Credentials, all: &[Credentials]| all.iter().any(|needed| needed.is_subset(given));
    let texts = (text(&before), text(&after));
    let rules = [
        (
            before.iter().any(|given| !is_enough(given, &after)),
            Rule::RequestSecurityTightened,
        ),
        (
            after.iter().any(|given| !is_enough(given, &before)),
            Rule::RequestSecurityRelaxed,
        ),
    ];
    for (is_found, rule) in rules {
        if is_found {
            let found = FoundChange::new(rule, place.clone(), Some(&old_part), Some(&new_part));
            comparer.add(found.values(Some(texts.0.clone()), Some(texts.1.clone())));
        }
    }
}

fn text(alternatives: &[Credentials]) -> String {
    let one = |credentials: &Credentials| {
        let all: Vec<_> = credentials.iter().cloned().collect();
        if all.is_empty() {
            "none".to_owned()
        } else {
            all.join(" and ")
        }
    };
    let all: Vec<_> = alternatives.iter().map(one).collect();
    super::cut(&all.join(", or "))
}

/// Compares the schemes of both documents: where tokens are requested.
pub(super) fn compare_schemes(comparer: &mut DocumentComparer<'_, '_>) {
    let (old, new) = (comparer.old, comparer.new);
    for one in &old.security_schemes {
        let same = |other: &&SecurityScheme| identity(one) == identity(other);
        let named = new
            .security_schemes
            .iter()
            .filter(same)
            .find(|other| other.name == one.name);
        let Some(other) = named.or_else(|| new.security_schemes.iter().find(same)) else {
            continue;
        };
        if ["oauth2", "openIdConnect"].contains(&one.kind.as_str()) && !same_text(comparer, &one.part, &other.part) {
            let place = ChangePlace::default();
            let found = FoundChange::new(Rule::RequestSecurityChanged, place, Some(&one.part), Some(&other.part));
            comparer.add(found.key(&one.name));
        }
    }
}
