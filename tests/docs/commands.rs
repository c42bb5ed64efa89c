//! Command lines: split as a shell does, and read by the real parser of flags.

use clap::CommandFactory as _;

/// Programs other than `conforme` that a page may call.
const OTHERS: [&str; 31] = [
    "cargo",
    "git",
    "curl",
    "callgrind_annotate",
    "strace",
    "valgrind",
    "export",
    "echo",
    "cd",
    "cat",
    "mkdir",
    "just",
    "node",
    "npm",
    "docker-registry",
    "cp",
    ".ci/run",
    ".ci/setup",
    "true",
    "jq",
    "diff",
    "rustup",
    "mdbook",
    "npx",
    "apt-get",
    "brew",
    "docker",
    "gh",
    "nm",
    "sh",
    "sha256sum",
];

/// The text without variables of the shell and expressions of CI systems: each becomes `1`.
fn without_variables(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        plain.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let (skipped, is_variable) = if let Some(inside) = rest.strip_prefix("{{") {
            (inside.find("}}").map_or(rest.len(), |end| end + 4), true)
        } else if let Some(inside) = rest.strip_prefix("((") {
            (inside.find("))").map_or(rest.len(), |end| end + 4), true)
        } else if let Some(inside) = rest.strip_prefix('{') {
            (inside.find('}').map_or(rest.len(), |end| end + 2), true)
        } else if let Some(inside) = rest.strip_prefix('(') {
            (inside.find(')').map_or(rest.len(), |end| end + 2), true)
        } else if rest.starts_with('?') {
            (1, true)
        } else {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            let end = end.unwrap_or(rest.len());
            (end, end > 0)
        };
        plain.push(if is_variable { '1' } else { '$' });
        rest = &rest[skipped..];
    }
    plain + rest
}

/// The commands of a line, as words.
fn split(line: &str) -> Vec<Vec<String>> {
    let text = without_variables(line);
    let mut commands = vec![Vec::new()];
    let mut word: Option<String> = None;
    let mut characters = text.chars().peekable();
    let mut skips_next = false;
    while let Some(c) = characters.next() {
        match c {
            '\'' | '"' => {
                let inside = word.get_or_insert_default();
                inside.extend(characters.by_ref().take_while(|next| *next != c));
            }
            '\\' => word.get_or_insert_default().extend(characters.next()),
            '#' if word.is_none() => break,
            ' ' | '|' | '&' | ';' | '>' | '<' => {
                if let Some(word) = word.take() {
                    let is_stream = c == '>' && word == "2";
                    if !skips_next && !is_stream {
                        commands.last_mut().unwrap().push(word);
                    }
                    skips_next = false;
                }
                match c {
                    '>' | '<' => skips_next = true,
                    '|' | '&' | ';' if !skips_next => commands.push(Vec::new()),
                    _ => {}
                }
            }
            c => word.get_or_insert_default().push(c),
        }
    }
    if let Some(word) = word.filter(|_| !skips_next) {
        commands.last_mut().unwrap().push(word);
    }
    for command in &mut commands {
        let is_assignment = |word: &String| {
            word.split_once('=')
                .is_some_and(|(name, _)| !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
        };
        let first = command
            .iter()
            .position(|word| !is_assignment(word))
            .unwrap_or(command.len());
        command.drain(..first);
    }
    commands.retain(|command| !command.is_empty());
    commands
}

/// Checks the commands of a line, and returns how many of them are `conforme`'s.
pub(crate) fn check(line: &str, allows_others: bool) -> Result<usize, String> {
    let mut checked = 0;
    for words in split(line) {
        let arguments = match words[0].as_str() {
            "conforme" => &words[1..],
            "cargo" if words.starts_with(&["cargo", "run", "--release", "--"].map(str::to_owned)) => &words[4..],
            other if allows_others || OTHERS.contains(&other) => continue,
            other => return Err(format!("`{other}` is not a known program: {line}")),
        };
        let command = conforme::cli::Cli::command();
        let all = std::iter::once("conforme").chain(arguments.iter().map(String::as_str));
        if let Err(error) = command.try_get_matches_from(all)
            && error.use_stderr()
        {
            return Err(format!("{line}\n{error}"));
        }
        checked += 1;
    }
    Ok(checked)
}

/// The lines of a script, with continued lines joined.
pub(crate) fn lines(script: &str) -> Vec<String> {
    let joined = script.replace("\\\n", " ");
    joined.lines().map(|line| line.trim().to_owned()).collect()
}

#[test]
fn command_line_is_split_as_a_shell_does() {
    assert_eq!(
        split("A=1 conforme run 'a b' --var x=\"$Y\" || true"),
        [vec!["conforme", "run", "a b", "--var", "x=1"], vec!["true"]]
    );
    assert_eq!(split("conforme list > out # text"), [vec!["conforme", "list"]]);
    assert_eq!(split("echo hash:${{ m.n }}/3 $((I + 1))"), [["echo", "hash:1/3", "1"]]);
    assert!(check("conforme run --no-such-flag", false).is_err());
    assert!(check("conform run", false).is_err());
    assert_eq!(check("conforme run --target x && conforme list", false), Ok(2));
}
