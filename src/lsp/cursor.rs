//! What is written at a position of a document, even while the document cannot be read as a whole.
//!
//! The word at the position is replaced by a mark, the text is read by the program's own parser, and the mark is looked for in
//! the result. If the text cannot be read, the rest of the line, or everything after the line, is left out.

use crate::source::{Diagnostics, Kind, Node, Sources, parse_toml, parse_yaml};

/// What replaces a word.
pub(super) const MARK: &str = "q7Mark7q";

/// The syntax of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DocumentSyntax {
    Yaml,
    Toml,
}

/// A step from a collection into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum DocumentStep {
    Key(String),
    Item(usize),
}

/// What a word is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WordRole {
    /// A key of the mapping at the path.
    Key,
    /// The value at the path, or a part of it.
    Value,
}

/// A word and its place in the document.
#[derive(Clone, Debug)]
pub(super) struct CursorPlace {
    pub(super) role: WordRole,
    /// The path of the mapping that has the key, or of the value.
    pub(super) path: Vec<DocumentStep>,
    /// The document, with the mark instead of the word.
    pub(super) root: Node,
}

impl CursorPlace {
    /// The key of the innermost mapping that the word is in or below.
    pub(super) fn last_key(&self) -> Option<&str> {
        self.path.iter().rev().find_map(|step| match step {
            DocumentStep::Key(key) => Some(key.as_str()),
            DocumentStep::Item(_) => None,
        })
    }

    /// The other keys of the mapping.
    pub(super) fn siblings(&self) -> Vec<&str> {
        let entries = at(&self.root, &self.path).map(Node::entries).unwrap_or_default();
        entries
            .iter()
            .map(|(key, _)| &*key.text)
            .filter(|key| *key != MARK)
            .collect()
    }
}

/// The node at a path.
pub(super) fn at<'n>(root: &'n Node, path: &[DocumentStep]) -> Option<&'n Node> {
    path.iter().try_fold(root, |node, step| match (step, &node.kind) {
        (DocumentStep::Key(key), Kind::Map(_)) => node.get(key),
        (DocumentStep::Item(index), Kind::List(items)) => items.get(*index),
        _ => None,
    })
}

/// Reads a document; `None` if it has syntax errors.
pub(super) fn parse(text: &str, syntax: DocumentSyntax) -> Option<Node> {
    let mut sources = Sources::new("");
    let file = sources.add(std::path::Path::new("document"), text.to_owned());
    let mut errors = Diagnostics::default();
    match syntax {
        DocumentSyntax::Yaml => parse_yaml(sources.text(file), file, &mut errors),
        DocumentSyntax::Toml => parse_toml(&sources, file, &mut errors),
    }
}

/// The bytes of the word at a position. In a variable (`{{ name }}`), the word is a name.
pub(super) fn word(text: &str, offset: usize) -> std::ops::Range<usize> {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let is_inside = |c: char| !c.is_whitespace() && !matches!(c, '"' | '\'' | '{' | '}' | '[' | ']' | ',' | '|' | '=');
    let is_variable = variable(text, offset).is_some();
    let is_part = |c: char| if is_variable { is_name(c) } else { is_inside(c) };
    let before = text[..offset].char_indices().rev().take_while(|(_, c)| is_part(*c));
    let start = before.last().map_or(offset, |(at, _)| at);
    let after = text[offset..].find(|c: char| !is_part(c) || c == ':');
    let end = after.map_or(text.len(), |length| offset + length);
    // `key:value` without a space is one word, `key: value` is two.
    let written = &text[start..offset];
    let start = written.rfind(": ").map_or(start, |at| start + at + 2);
    start..end
}

/// The text between `{{` and the position, if the position is in a variable.
pub(super) fn variable(text: &str, offset: usize) -> Option<&str> {
    let start = text[..offset].rfind(['\n', '\r']).map_or(0, |at| at + 1);
    let line = &text[start..offset];
    let inside = &line[line.rfind("{{")? + 2..];
    (!inside.contains("}}")).then_some(inside)
}

/// The places that the word at `range` can have: as a key, as a value, or both.
pub(super) fn places(text: &str, range: &std::ops::Range<usize>, syntax: DocumentSyntax) -> Vec<CursorPlace> {
    let is_variable = variable(text, range.start).is_some();
    let (before, after) = (&text[..range.start], &text[range.end..]);
    let mut found: Vec<CursorPlace> = Vec::new();
    if is_variable {
        // The variable as a whole is text.
        let start = before.rfind("{{").unwrap_or(before.len());
        let line = after.find(['\n', '\r']).unwrap_or(after.len());
        let end = after[..line].find("}}").map_or(0, |at| at + 2);
        found.extend(place(&before[..start], &after[end..], &[MARK], syntax, WordRole::Value));
        return found;
    }
    let rest = after.lines().next().unwrap_or_default();
    let has_colon = rest.trim_start().starts_with([':', '=']);
    let form = match syntax {
        _ if has_colon => MARK.to_owned(),
        DocumentSyntax::Yaml => format!("{MARK}: "),
        DocumentSyntax::Toml => format!("{MARK} = 0"),
    };
    found.extend(place(before, after, &[&form], syntax, WordRole::Key));
    if !has_colon {
        let quoted = format!("\"{MARK}\"");
        let forms = match syntax {
            DocumentSyntax::Yaml => vec![MARK],
            DocumentSyntax::Toml => vec![MARK, &quoted],
        };
        found.extend(place(before, after, &forms, syntax, WordRole::Value));
    }
    found
}

/// The place of a mark, in the first text that can be read.
fn place(before: &str, after: &str, forms: &[&str], syntax: DocumentSyntax, role: WordRole) -> Option<CursorPlace> {
    let line_end = after.find(['\n', '\r']).unwrap_or(after.len());
    let (rest, below) = after.split_at(line_end);
    let start = before.rfind(['\n', '\r']).map_or(0, |at| at + 1);
    let is_alone = before[start..].trim().is_empty();
    let mut texts = Vec::new();
    for form in forms {
        texts.push(format!("{before}{form}{after}"));
        let closed = format!("{before}{form}{}", closers(&format!("{}{form}", &before[start..])));
        texts.push(format!("{closed}{below}"));
        texts.push(format!("{before}{form}{rest}"));
        texts.push(closed);
    }
    for text in texts {
        if let Some(root) = parse(&text, syntax)
            && let Some(path) = find(&root, role, is_alone)
        {
            return Some(CursorPlace { role, path, root });
        }
    }
    None
}

/// What closes the quotes, braces and brackets that are open at the end of a line.
fn closers(line: &str) -> String {
    let (mut open, mut quote) = (Vec::new(), None);
    for c in line.chars() {
        match (quote, c) {
            (Some(mark), _) if c == mark => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '{') => open.push('}'),
            (None, '[') => open.push(']'),
            (None, '}' | ']') => drop(open.pop()),
            _ => {}
        }
    }
    quote.into_iter().chain(open.into_iter().rev()).collect()
}

/// The path to the mark as a key, or in a value. A mark that is alone on its line is a whole value: in a longer one, the line
/// continues the text of the line above, where a key was meant.
fn find(node: &Node, role: WordRole, is_alone: bool) -> Option<Vec<DocumentStep>> {
    let inside = |step: DocumentStep, inner: &Node| {
        let mut path = find(inner, role, is_alone)?;
        path.insert(0, step);
        Some(path)
    };
    match &node.kind {
        Kind::Map(entries) => entries.iter().find_map(|(key, value)| {
            if role == WordRole::Key && &*key.text == MARK {
                return Some(Vec::new());
            }
            inside(DocumentStep::Key(key.text.to_string()), value)
        }),
        Kind::List(items) => items
            .iter()
            .enumerate()
            .find_map(|(index, item)| inside(DocumentStep::Item(index), item)),
        Kind::String(text) if role == WordRole::Value && (text == MARK || !is_alone && text.contains(MARK)) => {
            Some(Vec::new())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The places of the position `^`, as text.
    fn shown(text: &str, syntax: DocumentSyntax) -> Vec<String> {
        let offset = text.find('^').unwrap();
        let text = text.replacen('^', "", 1);
        let range = word(&text, offset);
        let places = places(&text, &range, syntax);
        places
            .iter()
            .map(|place| {
                let steps = place.path.iter().map(|step| match step {
                    DocumentStep::Key(key) => key.clone(),
                    DocumentStep::Item(index) => index.to_string(),
                });
                let path = steps.collect::<Vec<_>>().join("/");
                format!("{:?} {path} `{}`", place.role, &text[range.clone()])
            })
            .collect()
    }

    #[test]
    fn word_has_its_place_in_blocks_and_braces() {
        for (text, place) in [
            ("expect:\n  stat^: 200\n", "Key expect `stat`"),
            ("expect:\n  status: 200\n  ^\nname: x\n", "Key expect ``"),
            ("expect: { stat^ }\n", "Key expect `stat`"),
            (
                "expect: { body: { schema: err^ } }\nname: x\n",
                "Value expect/body/schema `err`",
            ),
            ("expect: { body: { sch^\nname: x\n", "Key expect/body `sch`"),
            ("steps:\n  - id: a\n    follow: ^\n", "Value steps/0/follow ``"),
            ("tags: [a, ^]\n", "Value tags/1 ``"),
            (
                "request:\n  path: \"/a/{{ us^\n  method: POST\n",
                "Value request/path `us`",
            ),
            (
                "request:\n  path: /a/{{ us^ }}/b\r\nname: x\r\n",
                "Value request/path `us`",
            ),
            (
                "request: { headers: { Authorization: \"Bearer {{ ^\" } }\n",
                "Value request/headers/Authorization ``",
            ),
            ("name: é🙂\nexpe^\n", "Key  `expe`"),
            (
                "expect:\n  body:\n    schema: a.json#/$de^\nname: ]\n",
                "Value expect/body/schema `a.json#/$de`",
            ),
        ] {
            assert!(
                shown(text, DocumentSyntax::Yaml).contains(&place.to_owned()),
                "{text}: {:?}",
                shown(text, DocumentSyntax::Yaml)
            );
        }
    }

    #[test]
    fn key_below_a_value_is_not_a_part_of_the_value() {
        assert_eq!(
            shown("expect:\n  status: 200\n  bo^\n", DocumentSyntax::Yaml),
            ["Key expect `bo`"]
        );
    }

    #[test]
    fn word_of_toml_has_its_place() {
        for (text, place) in [
            ("default_target = \"st^\"\n", "Value default_target `st`"),
            ("default_target = ^\n", "Value default_target ``"),
            ("[targets.a]\nbase_^\n", "Key targets/a `base_`"),
            (
                "[targets.a.secrets]\ntoken = { en^ }\n",
                "Key targets/a/secrets/token `en`",
            ),
        ] {
            assert!(
                shown(text, DocumentSyntax::Toml).contains(&place.to_owned()),
                "{text}: {:?}",
                shown(text, DocumentSyntax::Toml)
            );
        }
    }

    #[test]
    fn hostile_text_has_no_place_and_no_panic() {
        for text in [
            "^",
            "{{^",
            "\u{feff}^",
            "a: [^",
            "é^",
            "- - - ^",
            "\"^",
            "a: |\n  ^\n",
            "%^",
            "\t^",
            "{{{{^}}",
        ] {
            for syntax in [DocumentSyntax::Yaml, DocumentSyntax::Toml] {
                shown(text, syntax);
            }
        }
    }
}
