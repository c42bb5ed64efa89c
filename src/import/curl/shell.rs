//! The words of a shell command, as bash splits them, without running anything.
//!
//! `shlex` and similar crates know neither `$'…'` nor variables, which most examples of API documentation contain.

use super::super::{
    Names,
    names::{is_variable, name_of},
};

/// A simple command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ShellCommand {
    /// Its words, with a character for each variable.
    pub(super) words: Vec<Vec<u8>>,
    /// Its standard input, if a here-document gives it.
    pub(super) stdin: Option<Vec<u8>>,
    /// Parts of the command line that are not words of it: pipes, redirections, substitutions.
    pub(super) notes: Vec<String>,
}

/// The commands of a script. The error is a fragment that fits after "the command: ".
pub(super) fn commands(text: &str, names: &mut Names) -> Result<Vec<ShellCommand>, String> {
    if text.chars().any(is_variable) {
        return Err("it contains characters of private use".to_owned());
    }
    let text = text.replace("\r\n", "\n");
    let mut reader = Reader {
        rest: &text,
        names,
        command: ShellCommand::default(),
        commands: Vec::new(),
        documents: Vec::new(),
    };
    reader.read()?;
    Ok(reader.commands)
}

struct Reader<'t, 'n> {
    rest: &'t str,
    names: &'n mut Names,
    command: ShellCommand,
    commands: Vec<ShellCommand>,
    /// The here-documents of the line: the delimiter, whether it is quoted, and whether tabs are removed.
    documents: Vec<(String, bool, bool)>,
}

impl<'t> Reader<'t, '_> {
    fn read(&mut self) -> Result<(), String> {
        loop {
            self.rest = self.rest.trim_start_matches([' ', '\t']);
            if let Some(rest) = self.rest.strip_prefix("\\\n") {
                self.rest = rest;
                continue;
            }
            let Some(c) = self.rest.chars().next() else {
                self.end();
                return Ok(());
            };
            match c {
                '\n' => {
                    self.rest = &self.rest[1..];
                    self.here_documents();
                    self.end();
                }
                ';' => {
                    self.rest = &self.rest[1..];
                    self.end();
                }
                // The prompt of an example.
                '$' if self.command.words.is_empty() && self.rest.starts_with("$ ") => self.rest = &self.rest[2..],
                '#' => {
                    let end = self.rest.find('\n').unwrap_or(self.rest.len());
                    self.rest = &self.rest[end..];
                }
                '|' | '&' => self.control(),
                '<' | '>' => self.redirection()?,
                '(' | ')' => return Err(format!("`{c}` is not supported: pass a single command")),
                _ => self.next_word()?,
            }
        }
    }

    /// Ends the command.
    fn end(&mut self) {
        let command = std::mem::take(&mut self.command);
        if !command.words.is_empty() {
            self.commands.push(command);
        }
    }

    /// `|`, `||`, `&`, `&&`: what a pipe leads to only changes the output.
    fn control(&mut self) {
        let is_pipe = self.rest.starts_with('|') && !self.rest.starts_with("||");
        self.rest = self.rest.trim_start_matches(['|', '&']);
        let has_words = !self.command.words.is_empty();
        if !is_pipe {
            self.end();
            return;
        }
        let end = self.rest.find(['\n', ';']).unwrap_or(self.rest.len());
        if has_words {
            self.command
                .notes
                .push(format!("the pipe to `{}`", self.rest[..end].trim()));
        }
        self.rest = &self.rest[end..];
    }

    /// `<<EOF`, `<<<word`, `< file`, `> file`.
    fn redirection(&mut self) -> Result<(), String> {
        if let Some(rest) = self.rest.strip_prefix("<<<") {
            self.rest = rest;
            let mut text = self.blank_and_word()?;
            text.push(b'\n');
            self.command.stdin = Some(text);
        } else if let Some(rest) = self.rest.strip_prefix("<<") {
            let is_indented = rest.starts_with('-');
            self.rest = rest.trim_start_matches('-').trim_start_matches([' ', '\t']);
            let is_quoted = self.rest.starts_with(['\'', '"', '\\']);
            let delimiter = self.blank_and_word()?;
            let delimiter = String::from_utf8_lossy(&delimiter).into_owned();
            self.documents.push((delimiter, is_quoted, is_indented));
        } else {
            let before = self.rest;
            self.rest = self.rest.trim_start_matches(['<', '>', '&']);
            let target = self.blank_and_word()?;
            let operator = &before[..1];
            if operator == "<" {
                self.command
                    .notes
                    .push(format!("the redirection `< {}`", String::from_utf8_lossy(&target)));
            }
            // The file descriptor before an output redirection, as in `2>&1`, is not a word.
            if operator == ">"
                && self
                    .command
                    .words
                    .last()
                    .is_some_and(|word| *word == b"2" || *word == b"1")
            {
                self.command.words.pop();
            }
        }
        Ok(())
    }

    fn blank_and_word(&mut self) -> Result<Vec<u8>, String> {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
        self.word()
    }

    /// Reads the here-documents that begin after this line.
    fn here_documents(&mut self) {
        for (delimiter, is_quoted, is_indented) in std::mem::take(&mut self.documents) {
            let mut text = Vec::new();
            while !self.rest.is_empty() {
                let end = self.rest.find('\n').unwrap_or(self.rest.len());
                let mut line = &self.rest[..end];
                self.rest = self.rest.get(end + 1..).unwrap_or_default();
                if is_indented {
                    line = line.trim_start_matches('\t');
                }
                if line == delimiter {
                    break;
                }
                if is_quoted {
                    text.extend_from_slice(line.as_bytes());
                } else {
                    self.expand(line, &mut text);
                }
                text.push(b'\n');
            }
            self.command.stdin = Some(text);
        }
    }

    /// A line of an unquoted here-document: variables and `\\`, `\$`.
    fn expand(&mut self, line: &'t str, text: &mut Vec<u8>) {
        let (rest, mut inner) = (self.rest, line);
        while let Some(c) = inner.chars().next() {
            match c {
                '\\' if inner[1..].starts_with(['\\', '$', '`']) => {
                    text.extend_from_slice(&inner.as_bytes()[1..2]);
                    inner = &inner[2..];
                }
                '$' => {
                    self.rest = inner;
                    self.dollar(text);
                    inner = self.rest;
                }
                c => {
                    text.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                    inner = &inner[c.len_utf8()..];
                }
            }
        }
        self.rest = rest;
    }

    fn next_word(&mut self) -> Result<(), String> {
        let word = self.word()?;
        self.command.words.push(word);
        Ok(())
    }

    fn word(&mut self) -> Result<Vec<u8>, String> {
        let mut word = Vec::new();
        while let Some(c) = self.rest.chars().next() {
            match c {
                ' ' | '\t' | '\n' | ';' | '|' | '&' | '<' | '>' | '(' | ')' => break,
                '\'' => {
                    let (text, rest) = self.rest[1..].split_once('\'').ok_or("a quote `'` is not closed")?;
                    word.extend_from_slice(text.as_bytes());
                    self.rest = rest;
                }
                '"' => self.double_quoted(&mut word)?,
                '\\' => {
                    let mut chars = self.rest[1..].chars();
                    match chars.next() {
                        None | Some('\n') => {}
                        Some(c) => word.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                    }
                    self.rest = chars.as_str();
                }
                '$' if self.rest.starts_with("$'") => self.ansi_quoted(&mut word)?,
                '$' if self.rest.starts_with("$\"") => self.rest = &self.rest[1..],
                '$' => self.dollar(&mut word),
                '`' => self.substitution('`', &mut word)?,
                c => {
                    word.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                    self.rest = &self.rest[c.len_utf8()..];
                }
            }
        }
        Ok(word)
    }

    fn double_quoted(&mut self, word: &mut Vec<u8>) -> Result<(), String> {
        self.rest = &self.rest[1..];
        while let Some(c) = self.rest.chars().next() {
            match c {
                '"' => {
                    self.rest = &self.rest[1..];
                    return Ok(());
                }
                '\\' if self.rest[1..].starts_with('\n') => self.rest = &self.rest[2..],
                '\\' if self.rest[1..].starts_with(['$', '`', '"', '\\']) => {
                    word.extend_from_slice(&self.rest.as_bytes()[1..2]);
                    self.rest = &self.rest[2..];
                }
                '$' => self.dollar(word),
                '`' => self.substitution('`', word)?,
                c => {
                    word.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                    self.rest = &self.rest[c.len_utf8()..];
                }
            }
        }
        Err("a quote `\"` is not closed".to_owned())
    }

    /// `$NAME`, `${NAME}`, `$(command)`; other dollars are literal.
    fn dollar(&mut self, word: &mut Vec<u8>) {
        let after = &self.rest[1..];
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if let Some(inner) = after.strip_prefix('{')
            && let Some((name, rest)) = inner.split_once('}')
        {
            let end = name.find(|c| !is_word(c)).unwrap_or(name.len());
            if end < name.len() {
                self.command
                    .notes
                    .push(format!("the expansion `${{{name}}}`: only the variable is used"));
            }
            self.push_variable(&name[..end], word);
            self.rest = rest;
        } else if after.starts_with('(') {
            if self.substitution(')', word).is_err() {
                word.push(b'$');
                self.rest = after;
            }
        } else if after.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            let end = after.find(|c| !is_word(c)).unwrap_or(after.len());
            self.push_variable(&after[..end], word);
            self.rest = &after[end..];
        } else {
            word.push(b'$');
            self.rest = after;
        }
    }

    fn push_variable(&mut self, name: &str, word: &mut Vec<u8>) {
        let variable = self.names.variable(&name_of(name), None);
        word.extend_from_slice(variable.encode_utf8(&mut [0; 4]).as_bytes());
    }

    /// `$(command)` and `` `command` ``: its output is an input.
    fn substitution(&mut self, end: char, word: &mut Vec<u8>) -> Result<(), String> {
        let inner = if end == ')' { &self.rest[2..] } else { &self.rest[1..] };
        let mut depth = 1;
        for (at, c) in inner.char_indices() {
            match c {
                '(' if end == ')' => depth += 1,
                c if c == end => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                let command = &inner[..at];
                let first = command.split_whitespace().next().unwrap_or_default();
                self.command
                    .notes
                    .push(format!("the output of `{command}`: it is an input"));
                self.push_variable(&format!("{first}_output"), word);
                self.rest = &inner[at + 1..];
                return Ok(());
            }
        }
        Err(format!("`{end}` is missing"))
    }

    /// `$'…'`.
    fn ansi_quoted(&mut self, word: &mut Vec<u8>) -> Result<(), String> {
        let mut rest = &self.rest[2..];
        loop {
            let c = rest.chars().next().ok_or("a quote `$'` is not closed")?;
            rest = &rest[c.len_utf8()..];
            match c {
                '\'' => break,
                '\\' => rest = ansi_escape(rest, word),
                c => word.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        self.rest = rest;
        Ok(())
    }
}

/// One escape after its backslash; returns what follows.
fn ansi_escape<'t>(rest: &'t str, word: &mut Vec<u8>) -> &'t str {
    let Some(c) = rest.chars().next() else {
        word.push(b'\\');
        return rest;
    };
    let after = &rest[c.len_utf8()..];
    // Digits of a number: up to `max` in this base.
    let number = |text: &'t str, base: u32, max: usize| {
        let end = text.chars().take(max).take_while(|c| c.is_digit(base)).count();
        u32::from_str_radix(&text[..end], base)
            .ok()
            .map(|code| (code, &text[end..]))
    };
    let byte = |code: u32| u8::try_from(code & 0xff).unwrap_or_default();
    let simple = match c {
        'n' => b'\n',
        't' => b'\t',
        'r' => b'\r',
        'a' => 0x07,
        'b' => 0x08,
        'e' | 'E' => 0x1b,
        'f' => 0x0c,
        'v' => 0x0b,
        '\\' | '\'' | '"' | '?' => byte(u32::from(c)),
        '0'..='7' => {
            let (code, rest) = number(rest, 8, 3).unwrap_or((0, after));
            word.push(byte(code));
            return rest;
        }
        'x' if let Some((code, rest)) = number(after, 16, 2) => {
            word.push(byte(code));
            return rest;
        }
        'u' | 'U' if let Some((code, rest)) = number(after, 16, if c == 'u' { 4 } else { 8 }) => {
            let c = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
            word.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            return rest;
        }
        other => {
            word.push(b'\\');
            word.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes());
            return after;
        }
    };
    word.push(simple);
    after
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let mut names = Names::default();
        let all = commands(text, &mut names).unwrap();
        let words = all.into_iter().flat_map(|command| command.words);
        words
            .map(|word| names.template(&String::from_utf8_lossy(&word)))
            .collect()
    }

    #[test]
    fn words_are_split_as_by_bash() {
        for (text, expected) in [
            ("curl 'a b' \"c\\\"d\" e\\ f", &["curl", "a b", "c\"d", "e f"][..]),
            ("$ curl -d 'it'\\''s' \\\n  x # note", &["curl", "-d", "it's", "x"]),
            ("curl $'a\\n\\x41\\u00e9\\101\\'' ''", &["curl", "a\nAéA'", ""]),
            (
                "curl \"$TOKEN/${ID}x$\" '$NO' \"\\$no\"",
                &["curl", "{{ token }}/{{ id }}x$", "$NO", "$no"],
            ),
            ("curl a 2>/dev/null | jq .", &["curl", "a"]),
            ("curl a; curl b && curl c", &["curl", "a", "curl", "b", "curl", "c"]),
            ("curl \"$(date +%s)\"", &["curl", "{{ date_output }}"]),
            ("a\r\nb#c", &["a", "b#c"]),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
        for wrong in ["curl 'a", "curl \"a", "curl $'a", "curl `a", "(curl a)"] {
            assert!(commands(wrong, &mut Names::default()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn here_document_is_the_standard_input() {
        let mut names = Names::default();
        let text = "curl -d @- x <<EOF\n{\"a\": \"$B\"}\nEOF\ncurl -d @- y <<'EOF'\n$C\nEOF\n";
        let all = commands(text, &mut names).unwrap();
        let stdin: Vec<_> = all
            .iter()
            .map(|one| String::from_utf8(one.stdin.clone().unwrap()).unwrap())
            .collect();
        assert_eq!(names.template(&stdin[0]), "{\"a\": \"{{ b }}\"}\n");
        assert_eq!(stdin[1], "$C\n");
        assert_eq!(all[1].words.len(), 4);
    }
}
