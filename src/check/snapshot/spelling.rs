//! The notation of the text of a response in a snapshot file: writing and reading it.
//!
//! `{{ name }}` is the value of a variable. Text that is ambiguous, or that editors and
//! `insta` do not preserve, is a quoted text as in a case file: `{{ "{{" }}` for braces, `{{ "\r" }}` for a carriage return,
//! `{{ "  " }}` for spaces at the end of a line, `{{ "" }}` for a line break at the end of the text.

use std::fmt::Write as _;

use serde_json::Value;

use super::names::{TextPiece, VariableSubstitution};

/// The placeholder of a volatile value.
pub(super) const VOLATILE: &str = "[redacted]";

/// Masks secrets in a text.
pub(super) type Hide<'m> = &'m dyn Fn(&str) -> String;

/// The options of the notation.
#[derive(Clone, Copy)]
pub(super) struct Spelling<'a> {
    pub(super) names: &'a VariableSubstitution,
    /// The placeholders of secrets: the same text in a response is quoted.
    pub(super) marks: &'a [String],
    pub(super) hide: Option<Hide<'a>>,
}

/// The placeholder of a JSON value: the name of a captured value, or else [`VOLATILE`].
#[derive(Clone, Copy)]
pub(super) struct Substitute<'a> {
    /// The pointer to the value as steps; `*` is any one step.
    pub(super) steps: &'a [String],
    pub(super) name: Option<&'a str>,
}

impl Spelling<'_> {
    /// A text body.
    pub(super) fn text(&self, text: &str) -> String {
        self.text_of(None, text)
    }

    /// The value of a header field.
    pub(super) fn field(&self, name: &str, value: &str) -> String {
        self.text_of(Some(name), value)
    }

    fn text_of(&self, name: Option<&str>, text: &str) -> String {
        let mut out = self.spelled(name, text, quote_whitespace);
        if text.ends_with('\n') {
            out.push_str("{{ \"\" }}");
        }
        out
    }

    /// The content of a JSON string, not yet escaped, in the property of this name.
    fn string(&self, property: &str, text: &str) -> String {
        if text == VOLATILE {
            return quoted(text);
        }
        self.spelled(Some(property), text, |_, _| None)
    }

    /// A text with its literal pieces escaped: `special` determines which characters at the start of a piece are quoted.
    fn spelled(&self, property: Option<&str>, text: &str, special: fn(&str, bool) -> Option<usize>) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while !rest.is_empty() {
            let may_be_marked = memchr::memchr2(b'$', b'[', rest.as_bytes()).is_some();
            let marks = self.marks.iter().filter(|_| may_be_marked);
            let mark = marks.filter_map(|mark| Some((rest.find(mark.as_str())?, mark)));
            let next = mark.min_by_key(|(at, mark)| (*at, usize::MAX - mark.len()));
            let (before, after) = match next {
                Some((at, mark)) => (&rest[..at], Some((mark, &rest[at + mark.len()..]))),
                None => (rest, None),
            };
            let hidden = self.hide.map(|hide| hide(before));
            let hidden = hidden.as_deref().unwrap_or(before);
            let property = property.filter(|_| before.len() == text.len());
            let pieces = self.names.pieces_of(property, hidden);
            for (index, piece) in pieces.iter().enumerate() {
                match piece {
                    TextPiece::Name(name) => drop(write!(out, "{{{{ {name} }}}}")),
                    TextPiece::Literal(literal) => {
                        let is_last = index + 1 == pieces.len();
                        let is_before_placeholder = !is_last || after.is_some();
                        push_literal(&mut out, literal, is_before_placeholder, special);
                    }
                }
            }
            let Some((mark, after)) = after else { break };
            out.push_str(&quoted(mark));
            rest = after;
        }
        out
    }

    /// A JSON value with sorted keys and normalized numbers, and placeholders for some values.
    pub(super) fn json(&self, value: &Value, redact: &[Substitute<'_>]) -> String {
        let mut out = String::new();
        self.write_json(value, redact, ("", 0), &mut out);
        out
    }

    /// `property` is the name of the innermost property that the value belongs to.
    fn write_json(&self, value: &Value, redact: &[Substitute<'_>], (property, depth): (&str, usize), out: &mut String) {
        if let Some(substitute) = redact.iter().find(|one| one.steps.is_empty()) {
            match substitute.name {
                None => out.push_str(&Value::from(VOLATILE).to_string()),
                Some(name) if value.is_string() => drop(write!(out, "\"{{{{ {name} }}}}\"")),
                Some(name) => drop(write!(out, "{{{{ {name} }}}}")),
            }
            return;
        }
        let inner = |key: &str| -> Vec<Substitute<'_>> {
            let of_key = redact
                .iter()
                .filter_map(|one| Some((one.steps.split_first()?, one.name)));
            of_key
                .filter(|((step, _), _)| *step == key || *step == "*")
                .map(|((_, steps), name)| Substitute { steps, name })
                .collect()
        };
        match value {
            Value::String(text) => out.push_str(&Value::from(self.string(property, text)).to_string()),
            Value::Number(number) => self.write_number(property, &super::json::plain(number).to_string(), out),
            Value::Array(items) if !items.is_empty() => {
                for (index, item) in items.iter().enumerate() {
                    out.push_str(if index == 0 { "[" } else { "," });
                    new_line(depth + 1, out);
                    self.write_json(item, &inner(&index.to_string()), (property, depth + 1), out);
                }
                new_line(depth, out);
                out.push(']');
            }
            Value::Object(entries) if !entries.is_empty() => {
                let mut sorted: Vec<_> = entries.iter().collect();
                sorted.sort_by_key(|(key, _)| *key);
                for (index, (key, value)) in sorted.into_iter().enumerate() {
                    out.push_str(if index == 0 { "{" } else { "," });
                    new_line(depth + 1, out);
                    let name = Spelling {
                        names: &NO_NAMES,
                        ..*self
                    }
                    .string("", key);
                    let _ = write!(out, "{}: ", Value::from(name));
                    self.write_json(value, &inner(key), (key, depth + 1), out);
                }
                new_line(depth, out);
                out.push('}');
            }
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => out.push_str(&value.to_string()),
        }
    }

    /// A number that is the value of a variable is `{{ name }}` without quotes.
    fn write_number(&self, property: &str, text: &str, out: &mut String) {
        let name = match self.names.pieces(text).as_slice() {
            [TextPiece::Name(name)] if text.len() >= super::names::DISTINCT => Some(*name),
            _ => self.names.short_value(property, text),
        };
        match name {
            Some(name) => drop(write!(out, "{{{{ {name} }}}}")),
            None => out.push_str(text),
        }
    }
}

static NO_NAMES: std::sync::LazyLock<VariableSubstitution> = std::sync::LazyLock::new(|| VariableSubstitution::new([]));

fn new_line(depth: usize, out: &mut String) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

/// A text as a quoted placeholder.
fn quoted(text: &str) -> String {
    let mut out = "{{ ".to_owned();
    for c in Value::from(text).to_string().chars() {
        if is_invisible(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out.push_str(" }}");
    out
}

/// Whether a character is invisible or looks like a different one.
fn is_invisible(c: char) -> bool {
    (c.is_whitespace() && c != ' ') || c.is_control() || c == '\u{feff}'
}

/// The length of the prefix of a text that must be quoted, if any: whitespace at the end of a line, and control characters.
/// `ends` states whether the text is followed by a placeholder.
fn quote_whitespace(text: &str, is_followed: bool) -> Option<usize> {
    let is_inner = |c: char| c == '\n' || c == '\t' || (c.is_whitespace() && !c.is_control());
    let first = text.chars().next()?;
    let is_control = |c: char| !is_inner(c) && is_invisible(c);
    if is_control(first) {
        return text.find(|c: char| !is_control(c)).or(Some(text.len()));
    }
    if first == '\n' || !first.is_whitespace() {
        return None;
    }
    let end = text
        .find(|c: char| c == '\n' || !c.is_whitespace())
        .unwrap_or(text.len());
    let is_at_end = match text[end..].chars().next() {
        Some(next) => next == '\n',
        None => !is_followed,
    };
    is_at_end.then_some(end)
}

/// Writes literal text; `is_followed` states whether a placeholder follows.
fn push_literal(out: &mut String, text: &str, is_followed: bool, special: fn(&str, bool) -> Option<usize>) {
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        if c == '{' {
            let end = rest.find(|c| c != '{').unwrap_or(rest.len());
            let is_before_brace = end == rest.len() && is_followed;
            if end > 1 || is_before_brace || special(&rest[end..], is_followed).is_some() {
                out.push_str(&quoted(&rest[..end]));
            } else {
                out.push('{');
            }
            at += end;
        } else if let Some(length) = special(rest, is_followed) {
            out.push_str(&quoted(&rest[..length]));
            at += length;
        } else {
            // Whitespace within a line is examined once.
            let end = if c.is_whitespace() && c != '\n' {
                rest.find(|c: char| c == '\n' || !c.is_whitespace() || c.is_control() && c != '\t')
                    .unwrap_or(rest.len())
                    .max(c.len_utf8())
            } else {
                c.len_utf8()
            };
            out.push_str(&rest[..end]);
            at += end;
        }
    }
}

/// A part of the meaning of a snapshot.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// This text.
    Text(String),
    /// A hidden or redacted value.
    Mark(String),
    /// A variable that does not exist, which never equals a value of a response.
    Unknown(String),
}

/// The meaning of the text of a snapshot on this target. Two texts are the same snapshot if their meanings are equal.
pub(super) fn meaning(snapshot: &str, names: &VariableSubstitution, marks: &[String]) -> Vec<Meaning> {
    let lines: Vec<_> = snapshot.lines().map(str::trim_end).collect();
    let text = lines.join("\n");
    let text = text.trim_end();
    let (head, body) = match text.find("\n\n") {
        Some(at) => text.split_at(at),
        None => (text, ""),
    };
    let mut reader = SpellingReader {
        names,
        marks,
        meaning: Vec::new(),
        text: String::new(),
    };
    reader.read(head, false);
    let is_json = !super::KINDS
        .iter()
        .any(|kind| body.trim_start_matches('\n').starts_with(kind));
    reader.read(body, is_json);
    reader.end_text();
    reader.meaning
}

struct SpellingReader<'a> {
    names: &'a VariableSubstitution,
    marks: &'a [String],
    meaning: Vec<Meaning>,
    text: String,
}

impl SpellingReader<'_> {
    fn end_text(&mut self) {
        if !self.text.is_empty() {
            self.meaning.push(Meaning::Text(std::mem::take(&mut self.text)));
        }
    }

    fn push(&mut self, other: Meaning) {
        self.end_text();
        self.meaning.push(other);
    }

    fn read(&mut self, text: &str, is_json: bool) {
        let mut rest = text;
        while let Some(at) = rest.find("{{ ") {
            self.literal(&rest[..at]);
            let inside = &rest[at + 3..];
            rest = match placeholder(inside, is_json) {
                Some((Placeholder::Quoted(text), after)) => {
                    self.text.push_str(&text);
                    after
                }
                Some((Placeholder::Name(name), after)) => {
                    match self.names.value(name) {
                        Some(value) if is_json => self.text.push_str(&escaped(value)),
                        Some(value) => self.text.push_str(value),
                        None => self.push(Meaning::Unknown(name.to_owned())),
                    }
                    after
                }
                None => {
                    self.push(Meaning::Unknown(String::new()));
                    inside
                }
            };
        }
        self.literal(rest);
    }

    fn literal(&mut self, text: &str) {
        let mut rest = text;
        while !rest.is_empty() {
            let marks = self.marks.iter().map(String::as_str).chain([VOLATILE]);
            let found = marks.filter_map(|mark| Some((rest.find(mark)?, mark)));
            let Some((at, mark)) = found.min_by_key(|(at, mark)| (*at, usize::MAX - mark.len())) else {
                break;
            };
            self.text.push_str(&rest[..at]);
            self.push(Meaning::Mark(mark.to_owned()));
            rest = &rest[at + mark.len()..];
        }
        self.text.push_str(rest);
    }
}

/// A text as it is inside a JSON string.
fn escaped(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

enum Placeholder<'t> {
    Quoted(String),
    Name(&'t str),
}

/// Reads the text after `{{ `, and returns the text after ` }}`.
fn placeholder(inside: &str, is_json: bool) -> Option<(Placeholder<'_>, &str)> {
    let quote = if is_json { "\\\"" } else { "\"" };
    if let Some(quoted) = inside.strip_prefix(quote) {
        let end = format!("{quote} }}}}");
        let at = quoted.find(&end)?;
        let text: String = serde_json::from_str(&format!("\"{}\"", &quoted[..at])).ok()?;
        return Some((Placeholder::Quoted(text), &quoted[at + end.len()..]));
    }
    let end = inside.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')?;
    let (name, rest) = inside.split_at(end);
    Some((Placeholder::Name(name), rest.strip_prefix(" }}")?))
}
