//! The names that can be used at a place of a case or of `suite.yaml`: variables and steps.

use serde_json::Value;

use super::cursor::DocumentStep;
use crate::{
    source::{Kind, Node},
    suite::RESERVED,
};

/// Maximum length of a value that is shown, in bytes.
const MAX_VALUE: usize = 100;
/// Parts of names whose values are not shown.
const SENSITIVE: [&str; 6] = ["token", "secret", "password", "passwd", "api_key", "credential"];

/// A name and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ScopeName {
    pub(super) name: String,
    /// Its kind and origin, in a few words.
    pub(super) about: String,
    /// More about it.
    pub(super) text: String,
}

impl ScopeName {
    fn new(name: &str, about: impl Into<String>, text: impl Into<String>) -> Self {
        let (name, about, text) = (name.to_owned(), about.into(), text.into());
        Self { name, about, text }
    }
}

/// The document with the place, and the `suite.yaml` of its case.
#[derive(Clone, Copy)]
pub(super) struct ScopeFiles<'n> {
    pub(super) document: &'n Node,
    /// `None` in `suite.yaml` itself.
    pub(super) suite: Option<&'n Node>,
    pub(super) is_suite: bool,
}

/// A list of steps in the order in which lists are run.
struct StepList<'n> {
    steps: &'n [Node],
    is_of_document: bool,
    key: &'static str,
}

impl<'n> ScopeFiles<'n> {
    fn suite(&self) -> Option<&'n Node> {
        if self.is_suite { Some(self.document) } else { self.suite }
    }

    /// The lists of steps in the order in which they are run.
    fn lists(&self) -> Vec<StepList<'n>> {
        let list = |node: Option<&'n Node>, key: &'static str, is_of_document: bool| {
            let steps: &[Node] = match node.and_then(|node| node.get(key)).map(|list| &list.kind) {
                Some(Kind::List(items)) => items,
                _ => &[],
            };
            StepList {
                steps,
                is_of_document,
                key,
            }
        };
        let case = Some(self.document).filter(|_| !self.is_suite);
        vec![
            list(self.suite(), "setup", self.is_suite),
            list(case, "setup", true),
            list(case, "steps", true),
            list(case, "teardown", true),
            list(self.suite(), "teardown", self.is_suite),
        ]
    }

    /// The steps that run before a place.
    fn steps_before(&self, path: &[DocumentStep]) -> Vec<&'n Node> {
        let (list, index) = match path {
            [DocumentStep::Key(list), DocumentStep::Item(index), ..] => (list.as_str(), *index),
            // The request of a case is that of its only step, or of all of them.
            _ => ("steps", 0),
        };
        let mut before = Vec::new();
        for all in self.lists() {
            if all.is_of_document && all.key == list {
                before.extend(all.steps.iter().take(index));
                break;
            }
            before.extend(all.steps);
        }
        before
    }

    /// The ids of the steps that run before a place.
    pub(super) fn steps(&self, path: &[DocumentStep]) -> Vec<ScopeName> {
        let steps = self.steps_before(path).into_iter();
        steps
            .filter_map(|step| Some(ScopeName::new(&text(step.get("id")?)?, "step", request_of(step))))
            .collect()
    }

    /// The variables that can be used at a place.
    pub(super) fn variables(&self, path: &[DocumentStep]) -> Vec<ScopeName> {
        let mut names: Vec<ScopeName> = Vec::new();
        for step in self.steps_before(path) {
            let id = step.get("id").and_then(text).unwrap_or_default();
            names.extend(captures(step, &format!("step `{id}`")));
        }
        let is_teardown = matches!(path.first(), Some(DocumentStep::Key(key)) if key == "teardown");
        if is_teardown && !self.is_suite {
            names.extend(captures(self.document, "the request"));
        }
        if !self.is_suite {
            for (_, row) in entries(self.document, "examples") {
                names.extend(
                    row.entries()
                        .iter()
                        .map(|(key, _)| ScopeName::new(&key.text, "column of `examples`", "")),
                );
            }
            names.extend(constants(self.document, "variable of the case"));
        }
        names.extend(
            self.suite()
                .into_iter()
                .flat_map(|suite| constants(suite, "variable of the suite")),
        );
        names.extend(
            self.inputs()
                .into_iter()
                .filter(|(_, is_endpoint)| !is_endpoint)
                .map(|(name, _)| name),
        );
        let reserved = RESERVED
            .iter()
            .map(|name| ScopeName::new(name, "reserved", reserved(name)));
        names.extend(reserved);
        let mut seen = std::collections::BTreeSet::new();
        names.retain(|name| seen.insert(name.name.clone()));
        names
    }

    /// The inputs of the suite, and whether each is an endpoint.
    pub(super) fn inputs(&self) -> Vec<(ScopeName, bool)> {
        let inputs = self.suite().into_iter().flat_map(|suite| entries(suite, "inputs"));
        let input = |(key, value): &(crate::source::Key, Node)| {
            let is = |name: &str| value.get(name).is_some_and(|flag| flag.kind == Kind::Bool(true));
            let description = value.get("description").unwrap_or(value);
            let mut more = text(description).unwrap_or_default();
            let kind = match (is("secret"), is("endpoint")) {
                (true, _) => "secret input",
                (_, true) => "endpoint",
                _ => "input",
            };
            if let Some(default) = value
                .get("default")
                .filter(|_| !is("secret") && !is_sensitive(&key.text))
            {
                more = format!("{more}\n\ndefault: `{}`", shown(&default.to_json()));
            }
            (ScopeName::new(&key.text, kind, more.trim()), is("endpoint"))
        };
        inputs.map(input).collect()
    }
}

/// The values that a step or a case captures.
fn captures(step: &Node, of: &str) -> Vec<ScopeName> {
    let all = entries(step, "capture");
    let capture = |(key, value): &(crate::source::Key, Node)| {
        let is_secret = value.get("secret").is_some_and(|flag| flag.kind == Kind::Bool(true));
        let kind = if is_secret { "secret capture" } else { "capture" };
        ScopeName::new(
            &key.text,
            format!("{kind} of {of}"),
            format!("`{}`", shown(&value.to_json())),
        )
    };
    all.iter().map(capture).collect()
}

fn constants(node: &Node, about: &str) -> Vec<ScopeName> {
    let all = entries(node, "vars").iter();
    all.map(|(key, value)| {
        let value = Some(value.to_json()).filter(|_| !is_sensitive(&key.text));
        let text = value.map(|value| format!("`{}`", shown(&value))).unwrap_or_default();
        ScopeName::new(&key.text, about, text)
    })
    .collect()
}

fn entries<'n>(node: &'n Node, key: &str) -> &'n [(crate::source::Key, Node)] {
    node.get(key).map(Node::entries).unwrap_or_default()
}

pub(super) fn text(node: &Node) -> Option<String> {
    match &node.kind {
        Kind::String(text) => Some(text.clone()),
        Kind::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Whether the value of a name can be a credential.
pub(super) fn is_sensitive(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('-', "_");
    SENSITIVE.iter().any(|part| name.contains(part))
}

fn shown(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match text.len() {
        0..=MAX_VALUE => text,
        _ => format!("{}…", &text[..text.floor_char_boundary(MAX_VALUE)]),
    }
}

fn request_of(step: &Node) -> String {
    let request = step.get("request");
    let part = |key: &str| request.and_then(|request| text(request.get(key)?));
    format!(
        "{} {}",
        part("method").unwrap_or_else(|| "GET".to_owned()),
        part("path").unwrap_or_default()
    )
}

fn reserved(name: &str) -> &'static str {
    match name {
        "run_id" => "10 lower-case letters and digits, new for each run",
        "case_id" => "10 lower-case letters and digits, new for each case of each run",
        "uuid" => "a random UUID, new at each place",
        "now" => "the time of the request (RFC 3339), such as `{{ now | add 5m }}`",
        _ => "the base URL of the target",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lsp::cursor::{DocumentSyntax, parse};

    #[test]
    fn only_what_is_known_at_a_place_is_in_scope() {
        let suite = parse(
            "inputs: { user: a user, token: { secret: true, default: s3cret }, box: { endpoint: true } }\nvars: { v: 1 }\nsetup:\n  - { id: login, capture: { sid: /sid } }\nteardown: [{ id: out, capture: { late: /x } }]\n",
            DocumentSyntax::Yaml,
        )
        .unwrap();
        let case = parse(
            "vars: { own: [1] }\nexamples: { a: { col: 1 }, b: { col: 2 } }\nsteps:\n  - { id: one, capture: { first: /a } }\n  - { id: two, capture: { second: /b } }\nteardown:\n  - id: end\n",
            DocumentSyntax::Yaml,
        )
        .unwrap();
        let files = ScopeFiles {
            document: &case,
            suite: Some(&suite),
            is_suite: false,
        };
        let names = |path: &[DocumentStep]| {
            files
                .variables(path)
                .into_iter()
                .map(|name| name.name)
                .collect::<Vec<_>>()
        };
        let step = |list: &str, index| [DocumentStep::Key(list.to_owned()), DocumentStep::Item(index)];
        let common = [
            "col", "own", "v", "user", "token", "run_id", "case_id", "uuid", "now", "base_url",
        ];
        let with = |captures: &[&str]| {
            captures
                .iter()
                .chain(&common)
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        };
        assert_eq!(names(&step("steps", 0)), with(&["sid"]));
        assert_eq!(names(&step("steps", 1)), with(&["sid", "first"]));
        assert_eq!(names(&step("teardown", 0)), with(&["sid", "first", "second"]));
        let ids: Vec<_> = files
            .steps(&step("steps", 1))
            .into_iter()
            .map(|step| step.name)
            .collect();
        assert_eq!(ids, ["login", "one"]);
        assert!(!format!("{:?}", files.variables(&[])).contains("s3cret"));
    }
}
