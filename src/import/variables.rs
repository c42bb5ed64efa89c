//! Variables of other tools, `{{name}}`, as variables of a suite.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt::Write as _,
};

use super::{
    DraftInput, SuiteDraft, Value,
    credentials::{free, is_credential},
    names::name_of,
};

/// The variables of a source.
#[derive(Default)]
pub(super) struct Variables {
    /// Values in the source, each with whether it is a secret.
    pub(super) values: BTreeMap<String, (String, bool)>,
    /// Captures so far, by the name in the source: the request that captures it, and its name.
    captured: HashMap<String, (usize, String)>,
    /// Inputs by the name in the source.
    inputs: BTreeMap<String, String>,
    /// The captures that the current request uses.
    pub(super) needs: BTreeSet<usize>,
}

/// What is before the name of a variable of the environment.
const ENVIRONMENT: [&str; 4] = ["$processEnv ", "$dotenv ", "$env.", "process.env."];

/// Maximum depth of values that contain variables.
const DEPTH: usize = 8;

impl Variables {
    /// The value of a variable that is at the start of a URL, and the rest of the URL.
    pub(super) fn base(&self, url: &str) -> Option<(String, String)> {
        let (name, rest) = url.trim_start().strip_prefix("{{")?.split_once("}}")?;
        let name = name.trim();
        if self.captured.contains_key(name) {
            return None;
        }
        let value = self.expanded(&format!("{{{{{name}}}}}"), 0);
        let is_known = !value.contains("{{");
        let base = if is_known {
            value.trim_end_matches('/').to_owned()
        } else {
            format!("{{{{{name}}}}}")
        };
        Some((base, rest.to_owned()))
    }

    /// A text with the known values of its variables.
    fn expanded(&self, text: &str, depth: usize) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            out.push_str(before);
            let Some((name, after)) = after.split_once("}}") else {
                out.push_str("{{");
                rest = after;
                continue;
            };
            // A secret is not part of a base URL, which is shown.
            match self.values.get(name.trim()).filter(|_| depth < DEPTH) {
                Some((value, false)) => out.push_str(&self.expanded(value, depth + 1)),
                _ => drop(write!(out, "{{{{{name}}}}}")),
            }
            rest = after;
        }
        out.push_str(rest);
        out
    }

    /// A text of the source. Names that begin with `$` are generated values.
    pub(super) fn text(&mut self, text: &str, draft: &mut SuiteDraft, notes: &mut Vec<String>) -> Value {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            out.push_str(before);
            let Some((name, after)) = after.split_once("}}") else {
                out.push_str("{{");
                rest = after;
                continue;
            };
            let name = name.trim();
            if let Some(variable) = self.variable(name, draft) {
                out.push(variable);
            } else {
                let shown = super::names::short(name);
                notes.push(format!("the variable `{{{{{shown}}}}}`: it is sent as it is written"));
                let _ = write!(out, "{{{{{name}}}}}");
            }
            rest = after;
        }
        out.push_str(rest);
        out
    }

    fn variable(&mut self, name: &str, draft: &mut SuiteDraft) -> Option<char> {
        // Variables of the environment: their values are never read.
        let of_environment = ENVIRONMENT.iter().find_map(|prefix| name.strip_prefix(prefix));
        let (source, name) = (name, of_environment.map_or(name, str::trim));
        let generated = match name.trim_start_matches('$') {
            _ if !name.starts_with('$') => None,
            "guid" | "randomUUID" | "uuid" | "random.uuid" => Some(("uuid", None)),
            "timestamp" => Some(("now", Some("unix"))),
            "isoTimestamp" => Some(("now", None)),
            _ => return None,
        };
        if let Some((name, filter)) = generated {
            return Some(draft.names.variable(name, filter));
        }
        if name.is_empty() || name.contains(char::is_whitespace) || name.contains(['(', ')', '|', '"', '\'']) {
            return None;
        }
        if let Some((request, captured)) = self.captured.get(source) {
            self.needs.insert(*request);
            return Some(draft.names.variable(captured, None));
        }
        let input = if let Some(input) = self.inputs.get(source) {
            input.clone()
        } else {
            let taken = |name: &str| draft.is_taken(name) || self.inputs.values().any(|known| known == name);
            let input = free(&name_of(name), taken);
            self.inputs.insert(source.to_owned(), input.clone());
            input
        };
        Some(draft.names.variable(&input, None))
    }

    /// Whether a variable of the source is a capture by now.
    pub(super) fn is_captured(&self, name: &str) -> bool {
        self.captured.contains_key(name)
    }

    /// The name of a capture that sets a variable for the requests after `request`.
    pub(super) fn capture(&mut self, name: &str, request: usize, draft: &mut SuiteDraft) -> String {
        self.capture_as(name, name, request, draft)
    }

    /// The same with another name in the suite.
    pub(super) fn capture_as(&mut self, name: &str, shown: &str, request: usize, draft: &mut SuiteDraft) -> String {
        let taken = |name: &str| draft.is_taken(name) || self.inputs.values().any(|known| known == name);
        let captured = free(&name_of(shown), taken);
        draft.captured.insert(captured.clone());
        self.captured.insert(name.to_owned(), (request, captured.clone()));
        captured
    }

    /// Declares the inputs that were used, with their values as defaults; a credential has none.
    pub(super) fn declare(mut self, draft: &mut SuiteDraft, description: &str) {
        let mut done: BTreeSet<String> = BTreeSet::new();
        for _ in 0..DEPTH {
            let waiting: Vec<_> = (self.inputs.iter().filter(|(name, _)| !done.contains(*name)))
                .map(|(name, input)| (name.clone(), input.clone()))
                .collect();
            for (name, input) in waiting {
                done.insert(name.clone());
                let known = self.values.get(&name).cloned();
                let is_secret = known.as_ref().is_some_and(|(_, is_secret)| *is_secret) || is_credential(&name);
                let declared = draft.inputs.iter().any(|known| known.name == input && known.is_secret);
                match known {
                    Some((value, _)) if value.contains("{{") && !is_secret && !declared => {
                        let mut notes = Vec::new();
                        let value = self.text(&value, draft, &mut notes);
                        draft.notes.append(&mut notes);
                        draft.vars.push((input, value));
                    }
                    known => {
                        let is_secret = is_secret || declared;
                        let value = known.map(|(value, _)| value).filter(|value| !value.is_empty());
                        if let Some(value) = value.as_ref().filter(|_| is_secret) {
                            draft.secrets.push((input.clone(), value.clone()));
                        }
                        let is_short =
                            is_secret && value.as_ref().is_some_and(|value| value.trim().chars().count() < 6);
                        draft.input(DraftInput {
                            name: input.clone(),
                            description: description.to_owned(),
                            is_secret,
                            is_short,
                            default: value.filter(|_| !is_secret),
                        });
                    }
                }
            }
        }
    }
}
