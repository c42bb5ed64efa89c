//! Merges a case into its suite: mappings are merged, everything else is replaced, `null` removes.

use crate::source::{Diagnostic, Diagnostics, Key, Kind, Node};

/// How a key of a mapping is inherited.
#[derive(Clone, Copy)]
enum Inheritance {
    /// The case's value replaces the suite's.
    Replace,
    /// The same, but `null` is an ordinary value.
    ReplaceWithNull,
    /// The expectations of a body, key by key; `empty: true` replaces all of them.
    Body,
    /// Key by key, each by its own rule in the table.
    Merge(KeyTable),
    /// A request: key by key, each by its own rule in [`REQUEST`]. Its own credentials replace inherited ones, in `auth` or in
    /// `Authorization`.
    Request,
    /// Key by key, names compared without case.
    MergeHeaders,
    /// The same; `null` also removes a field that is sent by default.
    MergeRequestHeaders,
    /// Key by key.
    MergeNames,
}

type KeyTable = &'static [(&'static str, Inheritance)];

const REQUEST: KeyTable = &[
    ("params", Inheritance::MergeNames),
    ("query", Inheritance::MergeNames),
    ("headers", Inheritance::MergeRequestHeaders),
];
/// Header fields that every request has unless the case removes them.
pub(crate) const DEFAULT_HEADERS: [&str; 4] = ["accept", "accept-encoding", "content-type", "user-agent"];
/// JSON is literal: `json: null` expects the value null. `body: null` removes an inherited body.
const BODY: KeyTable = &[
    ("json", Inheritance::ReplaceWithNull),
    ("exact", Inheritance::ReplaceWithNull),
];
const EXPECT: KeyTable = &[
    ("headers", Inheritance::MergeHeaders),
    ("trailers", Inheritance::MergeHeaders),
    ("cookies", Inheritance::MergeNames),
    ("body", Inheritance::Body),
    ("rules", Inheritance::MergeNames),
];
/// The keys that a case inherits. `vars`, `inputs` and the suite's name are the suite's own.
const CASE: [(&str, Inheritance); 6] = [
    ("request", Inheritance::Request),
    ("expect", Inheritance::Merge(EXPECT)),
    ("snapshots", Inheritance::Merge(&[])),
    ("timeout", Inheritance::Replace),
    ("identity", Inheritance::Replace),
    ("group", Inheritance::Replace),
];

/// The keys that a step inherits from its case, or from its suite.
const STEP: [(&str, Inheritance); 5] = [CASE[0], CASE[1], CASE[2], CASE[3], CASE[4]];

/// The case with its inherited values. A `null` that removes nothing is an error, probably a misspelled name.
pub(crate) fn inherit(suite: Option<&Node>, case: Node, errors: &mut Diagnostics) -> Node {
    inherit_keys(&CASE, suite, case, errors)
}

/// The same for a step, from its case or its suite.
pub(crate) fn inherit_step(base: Option<&Node>, step: Node, errors: &mut Diagnostics) -> Node {
    inherit_keys(&STEP, base, step, errors)
}

/// A request with the parts that it inherits.
pub(super) fn inherit_request(base: Option<&Node>, own: &Node, errors: &mut Diagnostics) -> Node {
    let nothing = empty(own);
    merge(base.unwrap_or(&nothing), own, Inheritance::Request, errors)
}

fn inherit_keys(
    keys: &[(&'static str, Inheritance)],
    suite: Option<&Node>,
    mut case: Node,
    errors: &mut Diagnostics,
) -> Node {
    let follows = case.get("follow").is_some();
    let followed = suite.filter(|_| follows).map(without_url);
    let suite = followed.as_ref().or(suite);
    let names = || keys.iter().map(|(name, _)| *name).collect::<Vec<_>>();
    for (key, value) in case.entries() {
        let is_inherited = keys.iter().any(|(name, _)| **name == *key.text);
        if value.is_null() && !(is_inherited && suite.is_some_and(|suite| suite.get(&key.text).is_some())) {
            errors.push(takes_nothing(key, &names()));
        }
    }
    // A table of examples can be long: it is moved, not copied.
    let Kind::Map(entries) = &mut case.kind else {
        return case;
    };
    for &(name, how) in keys {
        let inherited = suite.and_then(|suite| suite.get(name));
        let own = entries.iter().position(|(key, _)| &*key.text == name);
        match (inherited, own) {
            (Some(inherited), Some(at)) => entries[at].1 = merge(inherited, &entries[at].1, how, errors),
            (Some(inherited), None) => {
                let key = suite
                    .map(Node::entries)
                    .unwrap_or_default()
                    .iter()
                    .find(|(key, _)| &*key.text == name);
                if let Some((key, _)) = key {
                    entries.push((key.clone(), inherited.clone()));
                }
            }
            (None, Some(at)) => entries[at].1 = merge(&empty(&entries[at].1), &entries[at].1, how, errors),
            (None, None) => {}
        }
    }
    case
}

/// What a step with `follow` inherits: nothing that belongs to another URL.
fn without_url(base: &Node) -> Node {
    let mut base = base.clone();
    if let Kind::Map(entries) = &mut base.kind {
        for (_, request) in entries.iter_mut().filter(|(key, _)| &*key.text == "request") {
            if let Kind::Map(entries) = &mut request.kind {
                entries.retain(|(key, _)| !["path", "params", "query"].contains(&&*key.text));
            }
        }
    }
    base
}

fn takes_nothing(key: &Key, inherited: &[&str]) -> Diagnostic {
    Diagnostic::new(key.span, format!("`{}: null` takes nothing away", key.text))
        .label("not inherited from suite.yaml")
        .suggest(&key.text, inherited.iter().copied())
}

fn empty(like: &Node) -> Node {
    Node {
        span: like.span,
        kind: Kind::Map(Vec::new()),
    }
}

fn merge(base: &Node, own: &Node, how: Inheritance, errors: &mut Diagnostics) -> Node {
    let exclusive = matches!(how, Inheritance::Request).then(|| exclusive(base, own, errors));
    let (base, own) = exclusive.as_ref().map_or((base, own), |(base, own)| (base, own));
    let (Kind::Map(_), Kind::Map(own_entries)) = (&base.kind, &own.kind) else {
        return own.clone();
    };
    if matches!(how, Inheritance::Replace | Inheritance::ReplaceWithNull) {
        return own.clone();
    }
    let same = |a: &str, b: &str| match how {
        Inheritance::MergeHeaders | Inheritance::MergeRequestHeaders => a.eq_ignore_ascii_case(b),
        _ => a == b,
    };
    let is_empty = |(key, value): &(Key, Node)| &*key.text == "empty" && matches!(value.kind, Kind::Bool(true));
    let mut entries = base.entries().to_vec();
    // `tls: refused` and expectations of a response exclude each other, and so do `empty: true` and those of a body.
    let own_tls = own.get("tls").is_some_and(|tls| !tls.is_null());
    if own_tls || matches!(how, Inheritance::Body) && own_entries.iter().any(is_empty) {
        entries.clear();
    } else if !own_entries.is_empty() && own.get("tls").is_none() {
        entries.retain(|(key, _)| !matches!(how, Inheritance::Merge(_)) || &*key.text != "tls");
    }
    for (key, value) in own_entries {
        // The case's own entries are not inherited: `X-A` and `x-a` in one file stay separate.
        let is_own = |known: &Key| own_entries.iter().any(|(own, _)| own == known);
        let inherited = entries
            .iter()
            .position(|(known, _)| same(&known.text, &key.text) && !is_own(known));
        let inner = match how {
            Inheritance::Body => BODY.iter().find(|(name, _)| **name == *key.text).map(|(_, how)| *how),
            Inheritance::Request => REQUEST
                .iter()
                .find(|(name, _)| **name == *key.text)
                .map(|(_, how)| *how),
            Inheritance::Merge(table) => table.iter().find(|(name, _)| **name == *key.text).map(|(_, how)| *how),
            _ => None,
        };
        if value.is_null() && !matches!(inner, Some(Inheritance::ReplaceWithNull)) {
            // The target can add `Authorization`, too.
            let mut added = DEFAULT_HEADERS.iter().chain(&["authorization"]);
            let is_default = matches!(how, Inheritance::MergeRequestHeaders)
                && added.any(|name| name.eq_ignore_ascii_case(&key.text));
            if let Some(at) = inherited {
                entries.remove(at);
            }
            if is_default {
                // Kept, so that the default is not sent.
                entries.push((key.clone(), value.clone()));
            } else if inherited.is_some() {
                // Removed.
            } else if !matches!(how, Inheritance::Body) || base.get(&key.text).is_none() {
                let names: Vec<_> = base.entries().iter().map(|(key, _)| &*key.text).collect();
                let error = takes_nothing(key, &names);
                let is_auth = matches!(how, Inheritance::Request) && &*key.text == "auth";
                let header = base.get("headers").and_then(authorization).filter(|_| is_auth);
                errors.push(match header {
                    Some((header, _)) => error.help(format!("write `headers: {{ {}: null }}`", header.text)),
                    None => error,
                });
            }
            continue;
        }
        match (inherited, inner) {
            (Some(at), Some(how)) => {
                let value = merge(&entries[at].1, value, how, errors);
                entries[at] = (key.clone(), value);
            }
            (Some(at), None) => entries[at] = (key.clone(), value.clone()),
            (None, Some(how)) => entries.push((key.clone(), merge(&empty(value), value, how, errors))),
            (None, None) => entries.push((key.clone(), value.clone())),
        }
    }
    Node {
        span: own.span,
        kind: Kind::Map(entries),
    }
}

/// An inherited and an own request, of which the own credentials replace inherited ones: `auth` and `Authorization` exclude
/// each other.
fn exclusive(base: &Node, own: &Node, errors: &mut Diagnostics) -> (Node, Node) {
    let (mut base, mut own) = (base.clone(), own.clone());
    let has_auth = |node: &Node| node.get("auth").is_some_and(|auth| !auth.is_null());
    let header = |node: &Node| authorization(node.get("headers")?).cloned();
    let own_header = header(&own);
    match &own_header {
        Some((key, value)) if value.is_null() && has_auth(&base) && header(&base).is_none() => {
            let error = Diagnostic::new(key.span, format!("`{}: null` takes nothing away", key.text));
            errors.push(error.help("the credentials are inherited from `auth`: write `auth: null`"));
            remove_header(&mut own);
        }
        Some((_, value)) if !value.is_null() => remove(&mut base, |key| key == "auth"),
        _ => {}
    }
    if has_auth(&own) {
        remove_header(&mut base);
    }
    (base, own)
}

fn authorization(headers: &Node) -> Option<&(Key, Node)> {
    let mut entries = headers.entries().iter();
    entries.find(|(key, _)| key.text.eq_ignore_ascii_case("authorization"))
}

fn remove_header(request: &mut Node) {
    if let Kind::Map(entries) = &mut request.kind
        && let Some((_, headers)) = entries.iter_mut().find(|(key, _)| &*key.text == "headers")
    {
        remove(headers, |key| key.eq_ignore_ascii_case("authorization"));
    }
}

fn remove(node: &mut Node, is_removed: impl Fn(&str) -> bool) {
    if let Kind::Map(entries) = &mut node.kind {
        entries.retain(|(key, _)| !is_removed(&key.text));
    }
}
