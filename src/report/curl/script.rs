//! Commands of a script for `sh`: values that earlier responses contain are variables of the script.

use std::{collections::BTreeSet, fmt::Write as _};

use super::{CommandContext, CurlCommand, Syntax, ValueSource, remarks, single, words};
use crate::{
    json,
    model::{Origin, Outcome, Request, Step},
    report::escape::inert_lines,
};

/// Names that a shell or the script itself uses.
const TAKEN: [&str; 12] = [
    "PATH", "HOME", "IFS", "ENV", "PS1", "PS2", "PS4", "PWD", "OLDPWD", "TMPDIR", "PPID", "OPTIND",
];

/// The variable of a captured or generated value: `ORDER_ID`.
pub(in crate::report) fn variable(name: &str) -> String {
    let upper = variable_of(name);
    if TAKEN.contains(&upper.as_str()) {
        return format!("CAPTURED_{upper}");
    }
    upper
}

/// A text in upper case, with `_` in place of what the name of a variable cannot contain.
pub(super) fn variable_of(text: &str) -> String {
    let sign = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_uppercase()
        } else {
            '_'
        }
    };
    text.chars().map(sign).collect()
}

/// The command that filters its input.
pub(super) fn filter(name: &str) -> Option<&'static str> {
    Some(match name {
        "url_encode" => "jq -sRr @uri",
        "json" => "jq -sRr 'tojson | .[1:-1]'",
        "base64" => "base64 | tr -d '\\n'",
        "base64url" => "base64 | tr -d '=\\n' | tr +/ -_",
        "sha256" => "sha256sum | cut -c-64",
        "swap_case" => "tr a-zA-Z A-Za-z",
        "drop_last" => "sed 's/.$//'",
        "lower" => "tr A-Z a-z",
        "upper" => "tr a-z A-Z",
        _ => return None,
    })
}

/// A word of a script.
pub(in crate::report) fn word(text: &str) -> String {
    let mut out = String::new();
    single(text, Syntax::Posix, &mut out);
    if out.is_empty() { "''".to_owned() } else { out }
}

/// Text with characters that must not be in the script as they are.
pub(super) fn spelled(text: &str, out: &mut String) {
    // The substitution of a command drops line breaks at its end.
    let kept = text.trim_end_matches('\n');
    if !kept.is_empty() {
        out.push_str("\"$(printf '");
        let mut before = None;
        for c in kept.chars() {
            let is_pair = matches!(c, ':' | '#') && before == Some(c);
            before = Some(c).filter(|_| !is_pair);
            match c {
                '%' => out.push_str("%%"),
                '\\' => out.push_str("\\\\"),
                '\'' => out.push_str("'\\''"),
                c if is_pair || super::is_spelled(c) => {
                    let mut bytes = [0; 4];
                    for byte in c.encode_utf8(&mut bytes).bytes() {
                        let _ = write!(out, "\\{byte:03o}");
                    }
                }
                c => out.push(c),
            }
        }
        out.push_str("')\"");
    }
    for _ in kept.len()..text.len() {
        out.push_str("\"$nl\"");
    }
}

impl CommandContext {
    /// The same for a script.
    pub(in crate::report) fn for_script(&self) -> Self {
        let mut shell = self.clone();
        shell.syntax = Syntax::Posix;
        for mark in &mut shell.marks {
            mark.read = posix(&mark.read);
        }
        shell
    }

    /// The variables of secrets of the target that a command reads.
    pub(in crate::report) fn secret_variables(&self, command: &str) -> BTreeSet<String> {
        let variables = self.secrets_in(command).map(|mark| variable_in(&mark.read).to_owned());
        variables.collect()
    }

    /// The captured values that a command reads: variables without `$`, and the step of each.
    pub(in crate::report) fn captured_by(&self, command: &str) -> Vec<(String, String)> {
        let captured = self.values_in(command).filter_map(|value| match &value.source {
            ValueSource::Captured(step) => Some((value.read[1..].to_owned(), step.clone())),
            _ => None,
        });
        captured.collect()
    }
}

/// The expansion of the URL in the `Location` of a step.
pub(super) fn location(step: &str, origin: &str) -> String {
    format!("$(location {} {})", word(&file_of(step)), word(origin))
}

/// The name of the variable that a word reads: `$TOKEN`, `${TOKEN%?}`, `$(upper "$TOKEN")`.
pub(super) fn variable_in(read: &str) -> &str {
    let after = read.rsplit_once('$').map_or(read, |(_, after)| after);
    let after = after.strip_prefix('{').unwrap_or(after);
    let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    &after[..end.unwrap_or(after.len())]
}

/// A variable with a change, for POSIX: `${TOKEN~~}` is only known to bash.
pub(super) fn posix(read: &str) -> String {
    for (suffix, function) in [("~~}", "swap_case"), (",,}", "lower_case"), ("^^}", "upper_case")] {
        if let Some(name) = read.strip_suffix(suffix).and_then(|rest| rest.strip_prefix("${")) {
            return format!("$({function} \"${name}\")");
        }
    }
    read.to_owned()
}

/// The time in seconds after which curl leaves an event stream that was not read to its end.
fn stream_seconds(step: &Step) -> Option<u64> {
    match step.exchange.as_ref().map(|exchange| &exchange.outcome) {
        Some(Outcome::Response(response)) if response.stopped.is_some() => Some(response.elapsed_us / 1_000_000 + 2),
        _ => None,
    }
}

/// The command of a script that sends a request of a step and keeps the response under a name in `$work`; `origin` is that of
/// the step that it follows.
pub(in crate::report) fn command(step: &Step, request: &Request, shell: &CommandContext, origin: &str) -> CurlCommand {
    let (request, shell) = shell.of_step(step, request, origin);
    let file = file_of(&step.id);
    let mut output = format!("-D \"$work/{file}.head\" -o \"$work/{file}.body\"");
    let stopped = stream_seconds(step);
    if let Some(seconds) = stopped {
        let _ = write!(output, " -N -m {seconds}");
    }
    let (input, words) = words(&request, &shell, Some(&output));
    // The end of the time is no failure.
    let end = stopped.map_or("", |_| " || [ $? -eq 28 ]");
    let line = inert_lines(&format!("{}{}{end}", input.unwrap_or_default(), words.join(" ")));
    let notes = remarks(&request, &line, &shell);
    CurlCommand { line, notes }
}

/// The name of the files with a step's response.
pub(in crate::report) fn file_of(step: &str) -> String {
    if step.is_empty() {
        return "response".to_owned();
    }
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    step.chars().map(|c| if is_plain(c) { c } else { '_' }).collect()
}

/// The command that prints a captured value; none if plain tools cannot find it.
pub(in crate::report) fn extraction(step: &str, origin: &Origin) -> Option<String> {
    let file = word(&file_of(step));
    Some(match origin {
        Origin::Json(path) => format!(
            "json_at {file} {}",
            pointer(path)?
                .iter()
                .map(|part| word(part))
                .collect::<Vec<_>>()
                .join(" ")
        ),
        Origin::Header { name, matches: None } => format!("header {file} {}", word(&name.to_ascii_lowercase())),
        Origin::Header {
            name,
            matches: Some(pattern),
        } => format!(
            "header {file} {} | group {}",
            word(&name.to_ascii_lowercase()),
            plain_pattern(pattern)?
        ),
        Origin::Cookie(name) => format!("set_cookie {file} {}", word(name)),
        // There is no plain tool for it.
        Origin::Xml(_) => return None,
        Origin::Text(pattern) => format!("group {} <\"$work/{}.body\"", plain_pattern(pattern)?, file_of(step)),
    })
}

/// A pattern that jq reads in the same way: without flags, classes of Unicode and named groups.
fn plain_pattern(pattern: &str) -> Option<String> {
    let is_other = [
        "(?P", "(?<", "(?i", "(?s", "(?m", "(?x", "(?U", "(?u", "(?-", "\\p", "\\P", "&&", "[[",
    ]
    .iter()
    .any(|other| pattern.contains(other));
    (!is_other).then(|| word(pattern))
}

/// The keys to a value: of a JSON pointer, or of a `JSONPath` with names and indices only.
fn pointer(path: &str) -> Option<Vec<String>> {
    let Some(mut rest) = path.strip_prefix('$') else {
        let keys = path.split('/').skip(1);
        return Some(keys.map(json::unescaped).collect());
    };
    let mut keys = Vec::new();
    while !rest.is_empty() {
        let (key, after) = if let Some(name) = rest.strip_prefix('.') {
            let end = name.find(['.', '[']).unwrap_or(name.len());
            let is_name = |c: char| c.is_alphanumeric() || c == '_';
            (
                Some(&name[..end]).filter(|key| !key.is_empty() && key.chars().all(is_name))?,
                &name[end..],
            )
        } else {
            let inner = rest.strip_prefix('[')?;
            let quoted = inner.strip_prefix('\'').map(|inner| ('\'', inner));
            let quoted = quoted.or_else(|| inner.strip_prefix('"').map(|inner| ('"', inner)));
            if let Some((mark, inner)) = quoted {
                let (key, after) = inner.split_once(mark)?;
                (Some(key).filter(|key| !key.contains('\\'))?, after.strip_prefix(']')?)
            } else {
                let (key, after) = inner.split_once(']')?;
                let is_index = !key.is_empty() && key.bytes().all(|b| b.is_ascii_digit());
                (Some(key).filter(|_| is_index)?, after)
            }
        };
        keys.push(key.to_owned());
        rest = after;
    }
    Some(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointer_reads_paths_of_names_and_indices() {
        let keys = |path: &str| pointer(path).map(|keys| keys.join("|"));
        assert_eq!(keys("/a~1b/0").as_deref(), Some("a/b|0"));
        assert_eq!(keys("").as_deref(), Some(""));
        assert_eq!(keys("$.items[0]['x y'].id").as_deref(), Some("items|0|x y|id"));
        for other in [
            "$..id",
            "$.items[*].id",
            "$.items[?@.sku == 'A1'].n",
            "$.a[-1]",
            "$.a[0:1]",
        ] {
            assert_eq!(keys(other), None, "{other}");
        }
    }

    #[test]
    fn words_of_a_script_need_no_other_shell_than_sh() {
        assert_eq!(word("a b's"), "'a b'\\''s'");
        assert_eq!(word("a\nb\n\n"), "\"$(printf 'a\\012b')\"\"$nl\"\"$nl\"");
        assert_eq!(word("100%\t\\"), "\"$(printf '100%%\\011\\\\')\"");
        assert_eq!(posix("${TOKEN~~}"), "$(swap_case \"$TOKEN\")");
        for read in ["$TOKEN", "${TOKEN%?}", "$(swap_case \"$TOKEN\")"] {
            assert_eq!(variable_in(read), "TOKEN");
        }
        assert_eq!(variable("path"), "CAPTURED_PATH");
    }
}
