//! The blocks of a `.bru` file.

use crate::import::{ImportError, names::short};

const HELP: &str = "expected the blocks of a file of Bruno, such as `get {`, up to a line with `}`";

/// A block with its name.
#[derive(Debug)]
pub(super) struct BruBlock {
    pub(super) name: String,
    pub(super) content: BruContent,
}

/// What a block contains.
#[derive(Debug)]
pub(super) enum BruContent {
    Pairs(Vec<BruPair>),
    Text(String),
    List(Vec<String>),
}

/// A key and its value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct BruPair {
    pub(super) name: String,
    pub(super) value: String,
    /// The items of a value in brackets.
    pub(super) items: Vec<String>,
    /// Whether the key has no `~`.
    pub(super) is_enabled: bool,
}

/// The blocks of a file.
#[derive(Debug, Default)]
pub(super) struct BruFile {
    pub(super) blocks: Vec<BruBlock>,
}

impl BruFile {
    /// The enabled and disabled pairs of the blocks with this name.
    pub(super) fn pairs<'f>(&'f self, name: &str) -> impl Iterator<Item = &'f BruPair> + use<'f> {
        let name = name.to_owned();
        let blocks = self.blocks.iter().filter(move |block| block.name == name);
        blocks.flat_map(|block| match &block.content {
            BruContent::Pairs(pairs) => pairs.as_slice(),
            _ => &[],
        })
    }

    /// The enabled pairs.
    pub(super) fn enabled<'f>(&'f self, name: &str) -> impl Iterator<Item = &'f BruPair> + use<'f> {
        self.pairs(name).filter(|pair| pair.is_enabled)
    }

    /// The value of a key in a block.
    pub(super) fn value(&self, block: &str, key: &str) -> Option<&str> {
        let pair = self.pairs(block).find(|pair| pair.name == key)?;
        Some(pair.value.as_str())
    }

    /// The text of a block; `None` if there is none, or only whitespace.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let block = self.blocks.iter().find(|block| block.name == name)?;
        match &block.content {
            BruContent::Text(text) => Some(text.as_str()).filter(|text| !text.trim().is_empty()),
            _ => None,
        }
    }
}

/// Whether the content of a block is text.
fn is_text(name: &str) -> bool {
    let has_pairs = [
        "body:form-urlencoded",
        "body:multipart-form",
        "body:file",
        "body:grpc",
        "body:ws",
    ];
    let is_body = name == "body" || (name.starts_with("body:") && !has_pairs.contains(&name));
    is_body || name.starts_with("script:") || ["tests", "docs", "example"].contains(&name)
}

/// Reads a file.
pub(super) fn read(text: &str) -> Result<BruFile, ImportError> {
    let mut file = BruFile::default();
    let mut lines = BruLines {
        lines: text.lines().enumerate(),
    };
    while let Some((number, line)) = lines.lines.next() {
        let trimmed = line.trim_end();
        if trimmed.is_empty() || trimmed.starts_with("color:") {
            continue;
        }
        let unexpected = || {
            let message = format!("expected a block, not `{}`", short(trimmed));
            ImportError::new(message, HELP).at(number + 1, 1)
        };
        let end = trimmed.find(['{', '[']).ok_or_else(unexpected)?;
        let (name, rest) = (trimmed[..end].trim_end(), &trimmed[end + 1..]);
        let is_name = |c: char| c.is_ascii_alphanumeric() || "-_:.".contains(c);
        if name.is_empty() || !name.chars().all(is_name) {
            return Err(unexpected());
        }
        let content = if trimmed.as_bytes()[end] == b'[' {
            BruContent::List(lines.list(rest, number)?)
        } else if rest.trim() == "}" {
            BruContent::Pairs(Vec::new())
        } else if !rest.trim().is_empty() {
            return Err(unexpected());
        } else if is_text(name) {
            BruContent::Text(lines.text(number)?)
        } else {
            BruContent::Pairs(lines.pairs(number)?)
        };
        let name = name.to_owned();
        file.blocks.push(BruBlock { name, content });
    }
    Ok(file)
}

struct BruLines<'t> {
    lines: std::iter::Enumerate<std::str::Lines<'t>>,
}

fn unfinished(number: usize) -> ImportError {
    ImportError::new("the block is not closed", HELP).at(number + 1, 1)
}

impl BruLines<'_> {
    /// The lines up to one that begins with `}`, without two spaces of indentation.
    fn text(&mut self, start: usize) -> Result<String, ImportError> {
        let mut text: Vec<&str> = Vec::new();
        for (_, line) in self.lines.by_ref() {
            if line.starts_with('}') {
                return Ok(text.join("\n"));
            }
            // Empty lines at the start belong to the block.
            if !(text.is_empty() && line.is_empty()) {
                text.push(line.strip_prefix("  ").unwrap_or(line));
            }
        }
        Err(unfinished(start))
    }

    /// Items up to `]`: separated by lines or commas.
    fn list(&mut self, first: &str, start: usize) -> Result<Vec<String>, ImportError> {
        let mut items = Vec::new();
        let mut add = |line: &str| {
            let (inside, is_end) = line.split_once(']').map_or((line, false), |(inside, _)| (inside, true));
            let words = inside.split(',').map(str::trim);
            let words = words.filter(|word| !word.is_empty() && !word.starts_with('@'));
            items.extend(words.map(str::to_owned));
            is_end
        };
        if add(first) {
            return Ok(items);
        }
        for (_, line) in self.lines.by_ref() {
            if add(line) {
                return Ok(items);
            }
        }
        Err(unfinished(start))
    }

    fn pairs(&mut self, start: usize) -> Result<Vec<BruPair>, ImportError> {
        let mut pairs = Vec::new();
        while let Some((number, line)) = self.lines.next() {
            if line.starts_with('}') {
                return Ok(pairs);
            }
            let trimmed = line.trim();
            if trimmed.is_empty() || self.annotation(trimmed, number)? {
                continue;
            }
            let Some((name, value)) = key(trimmed) else {
                let column = line.len() - line.trim_start().len() + 1;
                let message = format!("expected `name: value`, not `{}`", short(trimmed));
                return Err(ImportError::new(message, HELP).at(number + 1, column));
            };
            let (is_enabled, name) = match name.strip_prefix('~') {
                Some(name) => (false, name.to_owned()),
                None => (true, name),
            };
            let mut pair = BruPair {
                name,
                is_enabled,
                ..BruPair::default()
            };
            if value == "[" {
                pair.items = self.list("", number)?;
            } else if let Some(first) = value.strip_prefix("'''") {
                pair.value = self.lines_of_value(first, number)?;
            } else {
                value.clone_into(&mut pair.value);
            }
            pairs.push(pair);
        }
        Err(unfinished(start))
    }

    /// Whether a line is an annotation of the next pair, such as `@description('...')`.
    fn annotation(&mut self, line: &str, number: usize) -> Result<bool, ImportError> {
        let Some(rest) = line.strip_prefix('@') else {
            return Ok(false);
        };
        let end = rest.find(['(', ':', ' ']).unwrap_or(rest.len());
        let arguments = &rest[end..];
        if let Some(first) = arguments.strip_prefix("('''") {
            self.lines_of_value(first, number)?;
            return Ok(true);
        }
        Ok(arguments.is_empty() || (arguments.starts_with('(') && arguments.ends_with(')')))
    }

    /// A value in `'''`, without four spaces of indentation, and what follows it.
    fn lines_of_value(&mut self, first: &str, start: usize) -> Result<String, ImportError> {
        if let Some((inside, after)) = first.split_once("'''") {
            return Ok(format!("{inside}{after}").trim().to_owned());
        }
        let mut text = first.get(4..).unwrap_or_default().to_owned();
        for (_, line) in self.lines.by_ref() {
            text.push('\n');
            let (inside, after) = line
                .split_once("'''")
                .map_or((line, None), |(inside, after)| (inside, Some(after)));
            let indented = inside.chars().take(4).all(char::is_whitespace);
            let inside = if indented {
                inside.chars().skip(4).collect()
            } else {
                inside.to_owned()
            };
            text.push_str(&inside);
            if let Some(after) = after {
                let after = after.trim();
                let text = text.trim();
                return Ok(if after.is_empty() {
                    text.to_owned()
                } else {
                    format!("{text} {after}")
                });
            }
        }
        Err(unfinished(start))
    }
}

/// The key and the value of a pair. A key in quotes can contain anything.
fn key(line: &str) -> Option<(String, &str)> {
    let (disabled, rest) = match line.strip_prefix('~') {
        Some(rest) => ("~", rest),
        None => ("", line),
    };
    if let Some(quoted) = rest.strip_prefix('"') {
        let mut name = disabled.to_owned();
        let mut is_escaped = false;
        for (at, c) in quoted.char_indices() {
            match c {
                '"' if !is_escaped => {
                    let value = quoted[at + 1..].trim_start().strip_prefix(':')?;
                    return Some((name, value.trim()));
                }
                '\\' if quoted[at + 1..].starts_with('"') => is_escaped = true,
                c => {
                    is_escaped = false;
                    name.push(c);
                }
            }
        }
        return None;
    }
    let (name, value) = rest.split_once(':')?;
    Some((format!("{disabled}{}", name.trim()), value.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"meta {
  name: Add order
  seq: 2
  tags: [
    smoke
    slow-one
  ]
}

post {
  url: {{host}}/orders?a=b
  body: json
}

headers {
  @description('''
    more
    lines
  ''')
  X-A: 1: 2
  ~X-Off: 3
  "a \"b\": c": d
  X-Long: '''
    line 1
      line 2
  '''
}

body:json {

  {
    "a": {
    }
  }
}

vars:secret [
  token,
  ~old
]
"#;

    #[test]
    fn file_is_read_in_blocks() {
        for text in [FILE.to_owned(), FILE.replace('\n', "\r\n")] {
            let file = read(&text).unwrap();
            let names: Vec<_> = file.blocks.iter().map(|block| block.name.as_str()).collect();
            assert_eq!(names, ["meta", "post", "headers", "body:json", "vars:secret"]);
            assert_eq!(file.value("meta", "name"), Some("Add order"));
            assert_eq!(file.value("post", "url"), Some("{{host}}/orders?a=b"));
            let tags = file.pairs("meta").find(|pair| pair.name == "tags").unwrap();
            assert_eq!(tags.items, ["smoke", "slow-one"]);
            let headers: Vec<_> = file
                .enabled("headers")
                .map(|pair| (&*pair.name, &*pair.value))
                .collect();
            let expected = [("X-A", "1: 2"), ("a \"b\": c", "d"), ("X-Long", "line 1\n  line 2")];
            assert_eq!(headers, expected);
            assert_eq!(file.pairs("headers").count(), 4);
            assert_eq!(file.text("body:json"), Some("{\n  \"a\": {\n  }\n}"));
            assert!(matches!(&file.blocks[4].content, BruContent::List(items) if *items == ["token", "~old"]));
        }
    }

    #[test]
    fn errors_have_a_position() {
        for (text, at) in [
            ("get {\n  url: x\n", (1, 1)),
            ("what\n", (1, 1)),
            ("\nget {\n   odd\n}\n", (3, 4)),
            ("get x {\n}\n", (1, 1)),
            ("vars:secret [\n a", (1, 1)),
            ("get {\n a: '''\n b\n}\n", (2, 1)),
            ("get {\n \"a: b\n}\n", (2, 2)),
        ] {
            assert_eq!(read(text).unwrap_err().at, Some(at), "{text}");
        }
        assert_eq!(read("").unwrap().blocks.len(), 0);
    }
}
