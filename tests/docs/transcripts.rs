//! Transcripts: `console run` blocks are run, and their output is compared.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use crate::server;

/// The address that the pages use for the API under test.
const SHOWN: [&str; 2] = ["localhost:8080", "127.0.0.1:8080"];

/// Where the commands of a page run.
pub(crate) struct Terminal {
    address: String,
    reference: Option<Child>,
    setup: String,
    code: i32,
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Some(child) = &mut self.reference {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

impl Terminal {
    /// With the reference API of the program at the address of the page, or a small API.
    pub(crate) fn new(with_reference: bool) -> Self {
        let (address, reference) = if with_reference {
            reference()
        } else {
            (server::start(), None)
        };
        Self {
            address,
            reference,
            setup: String::new(),
            code: 0,
        }
    }

    /// A text of the page with the real address.
    pub(crate) fn with_address(&self, text: &str) -> String {
        SHOWN
            .iter()
            .fold(text.to_owned(), |text, shown| text.replace(shown, &self.address))
    }

    /// Runs the commands of a block in a folder, and returns the block with the real output.
    pub(crate) fn run(&mut self, block: &str, folder: &Path) -> String {
        let mut shown = String::new();
        for (command, _) in commands(block) {
            let output = self.output(&command, folder);
            let output = output.replace(&self.address, SHOWN[usize::from(block.contains(SHOWN[1]))]);
            shown += &format!("$ {command}\n{output}");
        }
        shown
    }

    fn output(&mut self, command: &str, folder: &Path) -> String {
        if command == "echo $?" {
            return format!("{}\n", self.code);
        }
        if command.starts_with("export ") {
            self.setup += &format!("{command}\n");
            return String::new();
        }
        let program = Path::new(env!("CARGO_BIN_EXE_conforme"));
        let path = std::env::var("PATH").unwrap_or_default();
        let path = format!("{}:{path}", program.parent().expect("a folder").display());
        let script = self.with_address(&format!("{}{command}", self.setup));
        let mut bash = Command::new("bash");
        bash.args(["--noprofile", "--norc", "-c", &format!("exec 2>&1\n{script}")]);
        bash.env_clear()
            .env("PATH", path)
            .current_dir(folder)
            .stdin(Stdio::null());
        let output = bash.output().expect("bash starts");
        self.code = output.status.code().unwrap_or(-1);
        let text = String::from_utf8_lossy(&output.stdout);
        text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
    }
}

/// Starts the reference API on a free port.
fn reference() -> (String, Option<Child>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_conforme"));
    command.arg("serve").stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let mut line = String::new();
    let stdout = child.stdout.take().expect("its output");
    BufReader::new(stdout).read_line(&mut line).expect("its first line");
    let address = line.split("http://").nth(1).and_then(|rest| rest.split('/').next());
    (address.expect("an address").to_owned(), Some(child))
}

/// The commands of a block, each with its output.
pub(crate) fn commands(block: &str) -> Vec<(String, String)> {
    let mut commands: Vec<(String, String)> = Vec::new();
    for line in block.lines() {
        match (line.strip_prefix("$ "), commands.last_mut()) {
            (None, Some((command, output))) if output.is_empty() && command.ends_with('\\') => {
                *command += &format!("\n{line}");
            }
            (None, Some((_, output))) => *output += &format!("{line}\n"),
            (Some(command), _) => commands.push((command.to_owned(), String::new())),
            (None, None) => panic!("output without a command: {line}"),
        }
    }
    commands
}

/// The block without what differs in each run: times.
fn stable(text: &str) -> String {
    let mut stable = String::new();
    for line in text.lines() {
        match (line.find('['), line.find("s]")) {
            (Some(start), Some(end)) if line[start + 1..end].trim().parse::<f64>().is_ok() => {
                stable += &format!("{}[TIME]{}\n", &line[..start], &line[end + 2..]);
            }
            _ => stable += &format!("{line}\n"),
        }
    }
    // Cases finish in any order.
    let mut lines: Vec<&str> = stable.lines().collect();
    for group in lines.chunk_by_mut(|one, other| [one, other].iter().all(|line| line.starts_with("        PASS "))) {
        group.sort_unstable();
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// Whether the output of a page is the real one; a line `...` represents any number of lines.
pub(crate) fn is_same(shown: &str, real: &str) -> bool {
    let (shown, real) = (stable(shown), stable(real));
    let mut rest: Vec<&str> = real.lines().collect();
    let parts: Vec<&str> = shown.split("...\n").collect();
    for (number, part) in parts.iter().enumerate() {
        let lines: Vec<&str> = part.lines().collect();
        let found = if number == 0 {
            rest.starts_with(&lines).then_some(0)
        } else if number + 1 == parts.len() {
            rest.len().checked_sub(lines.len()).filter(|at| rest[*at..] == lines)
        } else {
            (0..=rest.len()).find(|at| rest[*at..].starts_with(&lines))
        };
        let Some(at) = found else { return false };
        rest.drain(..at + lines.len());
    }
    rest.is_empty() || parts.len() > 1
}

#[test]
fn transcript_is_compared_without_times_and_omitted_lines() {
    assert!(is_same("$ a\n PASS [   0.017s] x\n", "$ a\n PASS [   1.500s] x\n"));
    assert!(!is_same("$ a\n1\n", "$ a\n2\n"));
    assert!(!is_same("$ a\n1\n", "$ a\n1\n2\n"));
    assert!(is_same("$ a\n1\n...\n4\n", "$ a\n1\n2\n3\n4\n"));
    assert!(!is_same("$ a\n1\n...\n4\n", "$ a\n1\n2\n3\n"));
}
