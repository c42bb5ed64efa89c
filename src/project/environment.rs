//! The environment, with environment files (`.env`) below it. Files do not change the environment of the process.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::SECRET_PREFIX;
use crate::source::{Diagnostic, Diagnostics, FileKind, read_text};

/// The start of the names of this program's variables.
const PREFIX: &str = "CONFORME_";

/// The environment of the process, and the variables of environment files. A variable of the process that is not empty
/// overrides the files.
#[derive(Clone, Default)]
pub struct Environment(Arc<BTreeMap<String, EnvironmentVariable>>);

#[derive(Clone)]
struct EnvironmentVariable {
    value: String,
    /// The file and the line.
    location: String,
}

impl std::fmt::Debug for Environment {
    /// Names only: values are secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Environment {
    /// Reads environment files, of which later ones override earlier ones. No error contains a value.
    pub fn read(files: &[PathBuf]) -> Result<Self, Diagnostics> {
        let mut errors = Diagnostics::default();
        let mut all = BTreeMap::new();
        for path in files {
            match variables(path, &mut errors) {
                Ok(variables) => all.extend(variables),
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() {
            Ok(Self(Arc::new(all)))
        } else {
            Err(errors)
        }
    }

    /// The value of a variable.
    pub(super) fn value(&self, name: &str) -> Option<OsString> {
        let own = std::env::var_os(name);
        match self.0.get(name) {
            Some(variable) if own.as_ref().is_none_or(|value| value.is_empty()) => Some(variable.value.clone().into()),
            _ => own,
        }
    }

    /// The `CONFORME_SECRET_*` variables that are not empty, by name.
    pub(super) fn secrets(&self) -> Vec<(String, OsString)> {
        let own = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        let mut names: Vec<_> = own.chain(self.0.keys().cloned()).collect();
        names.retain(|name| name.starts_with(SECRET_PREFIX));
        names.sort();
        names.dedup();
        let given = names.into_iter().filter_map(|name| {
            let value = self.value(&name)?;
            Some((name, value))
        });
        given
            .filter(|(_, value)| !value.to_string_lossy().trim().is_empty())
            .collect()
    }

    /// The start of an error about a variable: its file and line, if it is from a file.
    pub(super) fn location(&self, name: &str) -> String {
        match self.0.get(name) {
            Some(variable) if std::env::var_os(name).is_none_or(|value| value.is_empty()) => {
                format!("{}: ", variable.location)
            }
            _ => String::new(),
        }
    }

    /// Advice for a variable that is not set, if there is a `.env` in the folder of the project that was not read.
    pub(super) fn advice(&self, root: &Path) -> Option<&'static str> {
        let is_unread = self.0.is_empty() && root.join(".env").is_file();
        is_unread.then_some("`.env` is read only if it is named: `--env-file .env`")
    }
}

/// The variables of a file.
fn variables(path: &Path, errors: &mut Diagnostics) -> Result<BTreeMap<String, EnvironmentVariable>, Diagnostic> {
    let shown = path.display();
    let text = read_text(path, FileKind::Environment)
        .map_err(|error| Diagnostic::general(format!("failed to read the environment file `{shown}`: {error}")))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text).replace("\r\n", "\n");
    let mut all: BTreeMap<String, EnvironmentVariable> = BTreeMap::new();
    let mut rest = text.as_str();
    while let Some((line, number)) = next_line(&mut rest, &text) {
        let fault =
            |(message, help): (String, &str)| Diagnostic::general(format!("{shown}:{number}: {message}")).help(help);
        let (name, value) = match entry(line, &mut rest) {
            Ok(entry) => entry,
            Err(wrong) => {
                errors.push(fault(wrong));
                continue;
            }
        };
        if name.starts_with(PREFIX) && !name.starts_with(SECRET_PREFIX) {
            let message = format!("`{name}` is not read from an environment file");
            let help = "set it in the environment, or use the flag; a file has secrets: `CONFORME_SECRET_NAME`";
            errors.push(fault((message, help)));
            continue;
        }
        let location = format!("{shown}:{number}");
        if let Some(first) = all.insert(name.clone(), EnvironmentVariable { value, location }) {
            errors.push(fault((
                format!("`{name}` is set twice, first at {}", first.location),
                "remove one of the lines",
            )));
        }
    }
    Ok(all)
}

/// The next line that is neither empty nor a comment, and its number. `rest` is an end of `text`.
fn next_line<'t>(rest: &mut &'t str, text: &str) -> Option<(&'t str, usize)> {
    while !rest.is_empty() {
        let number = text[..text.len() - rest.len()].matches('\n').count() + 1;
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        if !line.trim().is_empty() && !line.trim_start().starts_with('#') {
            return Some((std::mem::replace(rest, after).split('\n').next()?, number));
        }
        *rest = after;
    }
    None
}

/// Advice for a value that would not be read as it is written.
const SINGLE: &str = "put the value in single quotes, in which every character is literal";

type LineFault = (String, &'static str);

/// The name and value of a line, or of several if the value is in quotes; `rest` is the text after the line.
///
/// What the library would change silently, or read in another way than a shell does, is an error: substitutions, quotes in
/// the middle of a value, and backslashes outside of double quotes.
fn entry(line: &str, rest: &mut &str) -> Result<(String, String), LineFault> {
    let fault = |message: &str, help| Err((message.to_owned(), help));
    let Some((before, value)) = line.split_once('=') else {
        return fault("this line is not `NAME=value`", "comments begin with `#`");
    };
    let value = value.trim_start();
    let quote = value.chars().next().filter(|first| matches!(first, '\'' | '"'));
    let Some(quote) = quote else {
        let plain = value
            .split(" #")
            .next()
            .unwrap_or_default()
            .split("\t#")
            .next()
            .unwrap_or_default();
        let plain = if value.starts_with('#') { "" } else { plain.trim_end() };
        if plain.contains(['\'', '"', '\\', '$']) || plain.contains(char::is_whitespace) {
            let message = "the value contains whitespace, quotes, `$` or `\\`, and is not in quotes";
            return fault(message, SINGLE);
        }
        return parsed(&format!("{before}={plain}\n"));
    };
    let mut text = value.to_owned();
    let end = loop {
        if let Some(end) = end_of_quoted(&text, quote) {
            break end;
        }
        if rest.is_empty() {
            return fault("the quote of this value is not closed", SINGLE);
        }
        let (next, after) = rest.split_once('\n').unwrap_or((rest, ""));
        text.push('\n');
        text.push_str(next);
        *rest = after;
    };
    let after = text[end..].trim_start();
    if !after.is_empty() && (!after.starts_with('#') || text[end..].starts_with('#')) {
        return fault("text follows the closing quote of the value", SINGLE);
    }
    if quote == '"' && has_substitution(&text[1..end - 1]) {
        return fault(
            "`$` in double quotes is not substituted",
            "write `\\$`, or use single quotes",
        );
    }
    if quote == '\'' {
        // The library takes a backslash before the closing quote for an escape.
        let name = parsed(&format!("{before}=\n"))?.0;
        return Ok((name, text[1..end - 1].to_owned()));
    }
    parsed(&format!("{before}={}\n", &text[..end]))
}

/// The position after the quote that closes a quoted text.
fn end_of_quoted(text: &str, quote: char) -> Option<usize> {
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' if quote == '"' => is_escaped = true,
            c if c == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}

fn has_substitution(text: &str) -> bool {
    let mut is_escaped = false;
    text.chars().any(|c| {
        let is_sign = c == '$' && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
        is_sign
    })
}

fn parsed(line: &str) -> Result<(String, String), LineFault> {
    match dotenvy::from_read_iter(line.as_bytes()).next() {
        Some(Ok(entry)) => Ok(entry),
        // The library's error contains the value.
        _ => Err((
            "this is not `NAME=value` with a name of letters, digits and `_`".to_owned(),
            "in double quotes, the escapes are `\\n`, `\\\\`, `\\\"`, `\\'` and `\\$`",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(String, String)>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("e");
        std::fs::write(&path, text).unwrap();
        let mut errors = Diagnostics::default();
        let all = variables(&path, &mut errors).unwrap();
        if errors.is_empty() {
            return Ok(all.into_iter().map(|(name, one)| (name, one.value)).collect());
        }
        let shown = format!("{}", path.display());
        Err(errors
            .render(&crate::source::Sources::default(), false)
            .replace(&shown, "e"))
    }

    fn one(text: &str) -> Result<String, String> {
        read(text).map(|mut all| all.remove(0).1)
    }

    #[test]
    fn values_are_read_as_shells_read_them() {
        for (text, value) in [
            ("A=plain", "plain"),
            ("\u{feff}A=bom\r\n", "bom"),
            ("export A=x", "x"),
            ("  A = x  ", "x"),
            ("A=", ""),
            ("A= # none", ""),
            ("A=a#b", "a#b"),
            ("A=a #b's", "a"),
            ("A=a=b==", "a=b=="),
            ("# it's\n\nA=\"a b\" # c", "a b"),
            ("A='a $b \\n \"c\"'", "a $b \\n \"c\""),
            ("A='ends in \\'", "ends in \\"),
            ("A=\"a\\n\\\"b\\\" \\$c \\\\\"", "a\n\"b\" $c \\"),
            (
                "A=\"-----BEGIN\r\nAB # c\r\n-----END\"\r\n",
                "-----BEGIN\nAB # c\n-----END",
            ),
            ("A='x\n\ny'", "x\n\ny"),
            ("A=größe", "größe"),
        ] {
            assert_eq!(one(text).as_deref(), Ok(value), "{text:?}");
        }
        let all = read("A=1\nB='2\n3'\n# c\nexport C=4").unwrap();
        let names: Vec<_> = all.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["A", "B", "C"]);
    }

    #[test]
    fn faults_are_reported_with_their_line_and_without_values() {
        for (text, line, message) in [
            ("A=1\nsecretvalue", 2, "not `NAME=value`"),
            ("A=secretvalue x", 1, "not in quotes"),
            ("A=it'secretvalue\nB=don't", 1, "not in quotes"),
            ("A=secretvalue$B", 1, "not in quotes"),
            ("A=C:\\new\\secretvalue", 1, "not in quotes"),
            ("\n\nA='secretvalue\nB=1\n", 3, "not closed"),
            ("A=\"secretvalue", 1, "not closed"),
            ("A=\"secretvalue\"x", 1, "text follows the closing quote"),
            ("A='secretvalue'#x", 1, "text follows the closing quote"),
            ("A=\"secretvalue $B\"", 1, "`$` in double quotes"),
            ("A=\"secretvalue \\x\"", 1, "not `NAME=value`"),
            ("1A=secretvalue", 1, "not `NAME=value`"),
            ("A B=secretvalue", 1, "not `NAME=value`"),
            ("=secretvalue", 1, "not `NAME=value`"),
            ("A=1\nB=2\nA=secretvalue", 3, "`A` is set twice, first at e:1"),
            ("CONFORME_TARGET=secretvalue", 1, "not read from an environment file"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(&format!("e:{line}: ")), "{text:?}: {error}");
            assert!(error.contains(message), "{text:?}: {error}");
            assert!(!error.contains("secretvalue"), "{text:?}: {error}");
        }
    }

    #[test]
    fn later_files_win_and_the_environment_wins_over_all() {
        let folder = tempfile::tempdir().unwrap();
        let paths = ["a", "b"].map(|name| folder.path().join(name));
        std::fs::write(&paths[0], "X_OF_A=1\nX_OF_BOTH=1\nPATH=x\nCONFORME_SECRET_A=aaaaaa\n").unwrap();
        std::fs::write(&paths[1], "X_OF_BOTH=2\n").unwrap();
        let environment = Environment::read(&paths).unwrap();
        let value = |name| environment.value(name).and_then(|value| value.into_string().ok());
        assert_eq!(value("X_OF_A").as_deref(), Some("1"));
        assert_eq!(value("X_OF_BOTH").as_deref(), Some("2"));
        assert_eq!(value("PATH"), std::env::var("PATH").ok());
        assert_eq!(std::env::var_os("X_OF_A"), None);
        assert!(
            environment
                .secrets()
                .iter()
                .any(|(name, _)| name == "CONFORME_SECRET_A")
        );
        assert!(!format!("{environment:?}").contains("aaaaaa"));
        assert!(Environment::read(&[folder.path().join("none")]).is_err());
    }
}
