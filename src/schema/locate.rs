//! Finds the location of a JSON pointer in a text. Used for errors only, so that no positions are stored for valid
//! files.

use std::collections::HashMap;

use crate::{
    json,
    source::{FileId, Span},
};

/// The byte range of the value at a pointer, or of its key (`of_key`). `None` if the text is not JSON or has no such
/// value.
pub(super) fn locate(text: &str, pointer: &str, of_key: bool) -> Option<std::ops::Range<usize>> {
    let mut scan = Scan {
        bytes: text.as_bytes(),
        at: 0,
    };
    scan.space();
    let mut key = 0..0;
    for step in pointer.split('/').skip(1) {
        let step = json::unescaped(step);
        key = scan.enter(text, &step)?;
    }
    if of_key && !key.is_empty() {
        return Some(key);
    }
    let start = scan.at;
    let is_scalar = !matches!(scan.bytes.get(start), Some(b'{' | b'['));
    scan.value()?;
    Some(start..if is_scalar { scan.at } else { start + 1 })
}

/// A byte range as lines and columns.
pub(super) fn span(file: FileId, text: &str, range: &std::ops::Range<usize>) -> Span {
    let point = |at: usize| {
        let before = text.get(..at).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        (count(line), count(column))
    };
    let (line, column) = point(range.start);
    let (end_line, end_column) = point(range.end);
    Span {
        file,
        line,
        column,
        end_line,
        end_column,
    }
}

/// Pointers by their steps.
#[derive(Default)]
struct PointerSteps<'p> {
    pointer: Option<&'p str>,
    next: HashMap<String, PointerSteps<'p>>,
}

/// The spans of the keys of members, and of items, at many pointers, in one pass. Pointers that lead nowhere are left out.
pub(super) fn spans<'p>(file: FileId, text: &str, pointers: impl Iterator<Item = &'p str>) -> HashMap<&'p str, Span> {
    let mut root = PointerSteps::default();
    for pointer in pointers {
        let mut here = &mut root;
        for step in pointer.split('/').skip(1) {
            let step = json::unescaped(step);
            here = here.next.entry(step).or_default();
        }
        here.pointer = Some(pointer);
    }
    let mut ranges = Vec::new();
    let mut scan = Scan {
        bytes: text.as_bytes(),
        at: 0,
    };
    scan.space();
    // What was found before an error stays valid.
    let _ = scan.find_all(text, &root, &mut ranges);
    ranges.sort_unstable_by_key(|(_, at)| *at);
    let (mut line, mut line_start, mut done) = (1_u32, 0, 0);
    let mut found = HashMap::new();
    for (pointer, at) in ranges {
        for (index, _) in text.get(done..at).unwrap_or_default().match_indices('\n') {
            line = line.saturating_add(1);
            line_start = done + index + 1;
        }
        done = at;
        let column = text.get(line_start..at).unwrap_or_default().chars().count() + 1;
        let column = u32::try_from(column).unwrap_or(u32::MAX);
        let key = Span {
            file,
            line,
            column,
            end_line: line,
            end_column: column,
        };
        found.insert(pointer, key);
    }
    found
}

struct Scan<'t> {
    bytes: &'t [u8],
    at: usize,
}

impl Scan<'_> {
    fn space(&mut self) {
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        self.space();
        (self.bytes.get(self.at) == Some(&byte)).then(|| self.at += 1)
    }

    fn string(&mut self) -> Option<std::ops::Range<usize>> {
        self.space();
        let start = self.at;
        self.take(b'"')?;
        loop {
            match self.bytes.get(self.at)? {
                b'\\' => self.at += 2,
                b'"' => {
                    self.at += 1;
                    return Some(start..self.at);
                }
                _ => self.at += 1,
            }
        }
    }

    /// Goes past a value, without recursion.
    fn value(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            self.space();
            match self.bytes.get(self.at)? {
                b'"' => {
                    self.string()?;
                }
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    self.at += 1;
                }
                b',' | b':' => self.at += 1,
                _ => {
                    let is_end = |b: &u8| matches!(b, b',' | b':' | b']' | b'}' | b' ' | b'\t' | b'\n' | b'\r');
                    let rest = &self.bytes[self.at..];
                    self.at += rest.iter().position(is_end).unwrap_or(rest.len()).max(1);
                }
            }
            if depth == 0 {
                return Some(());
            }
        }
    }

    /// Goes past the value here, and notes where the members and items at the pointers begin. The depth is that of a pointer.
    fn find_all<'p>(&mut self, text: &str, wanted: &PointerSteps<'p>, found: &mut Vec<(&'p str, usize)>) -> Option<()> {
        self.space();
        let is_object = match self.bytes.get(self.at)? {
            b'{' if !wanted.next.is_empty() => true,
            b'[' if !wanted.next.is_empty() => false,
            _ => return self.value(),
        };
        self.at += 1;
        for index in 0_usize.. {
            self.space();
            if matches!(self.bytes.get(self.at)?, b'}' | b']') {
                self.at += 1;
                return Some(());
            }
            if index > 0 {
                self.take(b',')?;
                self.space();
            }
            let start = self.at;
            let name = if is_object {
                let key = self.string()?;
                self.take(b':')?;
                serde_json::from_str::<String>(text.get(key)?).ok()?
            } else {
                index.to_string()
            };
            match wanted.next.get(&name) {
                Some(next) => {
                    found.extend(next.pointer.map(|pointer| (pointer, start)));
                    self.find_all(text, next, found)?;
                }
                None => self.value()?,
            }
        }
        Some(())
    }

    /// Goes to a member or item of the value here; the range of its key, empty for an item.
    fn enter(&mut self, text: &str, step: &str) -> Option<std::ops::Range<usize>> {
        self.space();
        match self.bytes.get(self.at)? {
            b'{' => {
                self.at += 1;
                loop {
                    let key = self.string()?;
                    self.take(b':')?;
                    self.space();
                    let name: String = serde_json::from_str(text.get(key.clone())?).ok()?;
                    if name == step {
                        return Some(key);
                    }
                    self.value()?;
                    self.take(b',')?;
                }
            }
            b'[' => {
                self.at += 1;
                for _ in 0..step.parse::<usize>().ok()? {
                    self.value()?;
                    self.take(b',')?;
                }
                self.space();
                Some(self.at..self.at)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{locate, span, spans};
    use crate::source::Sources;

    #[test]
    fn a_pointer_leads_to_its_value_and_key() {
        let text = r#" {"a": [1, {"x/y": "q\"]"}, [2]], "\u0062": {"c": true}}"#;
        let value = |pointer: &str| locate(text, pointer, false).map(|range| &text[range]);
        let key = |pointer: &str| locate(text, pointer, true).map(|range| &text[range]);
        assert_eq!(value("/a/1/x~1y"), Some(r#""q\"]""#));
        assert_eq!(value("/a/2/0"), Some("2"));
        assert_eq!(value("/b/c"), Some("true"));
        assert_eq!(key("/b/c"), Some(r#""c""#));
        assert_eq!(key("/b"), Some(r#""\u0062""#));
        assert_eq!(value(""), Some("{"));
        assert_eq!(value("/a/9"), None);
        assert_eq!(value("/z"), None);
        assert_eq!(locate("{", "/z", false), None);
    }

    #[test]
    fn many_pointers_are_located_as_one_is() {
        let text = "{\n \"a\": [1, {\"x/y\": \"q\"},\n [2]],\n \"\u{fc}\": {}, \"b\": {\"c\": true} }";
        let mut sources = Sources::new("/");
        let file = sources.add(std::path::Path::new("/d.json"), text.to_owned());
        let all = ["/a", "/a/1", "/a/1/x~1y", "/a/2", "/b", "/b/c"];
        let found = spans(file, text, all.into_iter().chain(["/none", "/a/7", "/b/c/d"]));
        assert_eq!(found.len(), all.len());
        for pointer in all {
            let one = span(file, text, &locate(text, pointer, true).unwrap());
            assert_eq!(
                (found[pointer].line, found[pointer].column),
                (one.line, one.column),
                "{pointer}"
            );
        }
    }
}
