//! A script for `sh` that sends the requests of cases that did not pass: a function for each case.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    io::{self, Write},
};

use crate::{
    model::{Attempt, Origin, Outcome, Phase, Step, Verdict, Waiting},
    report::{
        curl::{
            CommandContext,
            script::{self, extraction, file_of, variable, word},
        },
        escape::inert_lines,
        limits::NAME,
        model::{End, Execution, Item, Start, Writer},
        plain,
        spool::Spool,
        text::{cases, short},
    },
};

/// The functions of every script.
const FUNCTIONS: &str = include_str!("shell.sh");

/// Collects a function for each case, and writes them in the order of the plan.
pub(in crate::report) struct Script {
    /// The functions, each with its number and the id of its case.
    functions: Spool<(usize, String)>,
    secrets: BTreeSet<String>,
    all: usize,
}

impl Script {
    pub(in crate::report) fn new(functions: Spool<(usize, String)>) -> Self {
        Self {
            functions,
            secrets: BTreeSet::new(),
            all: 0,
        }
    }
}

impl Writer for Script {
    fn item(&mut self, _: &Start, item: &Item<'_>, _: &mut dyn Write) -> io::Result<()> {
        self.all += 1;
        let Some(run) = &item.execution else { return Ok(()) };
        let is_repeated = matches!(run.verdict, Verdict::Failed | Verdict::Errored | Verdict::Flaky);
        if !is_repeated || run.explaining().exchanges().next().is_none() {
            return Ok(());
        }
        let mut function = Function::new(run.shell);
        let text = function.case(item, run);
        self.secrets.append(&mut function.secrets);
        self.functions
            .push(run.index, (run.index + 1, item.title.clone()), text.as_bytes())
    }

    fn end(&mut self, start: &Start, end: &End, out: &mut dyn Write) -> io::Result<()> {
        let number = self.functions.len();
        let mut head = String::from("#!/bin/sh\n");
        let comment = |text: &str, head: &mut String| {
            let _ = writeln!(head, "# {}", inert_lines(&short(text, 4 * NAME)));
        };
        comment(&format!("{} ({})", end.headline, start.tool), &mut head);
        if number == 0 {
            comment(
                &format!("None of {} failed: there is no request to repeat.", cases(self.all)),
                &mut head,
            );
            return out.write_all(head.as_bytes());
        }
        comment(
            &format!(
                "Sends the requests of {} that did not pass, and shows the responses; it judges none.",
                cases(number)
            ),
            &mut head,
        );
        head.push_str("#\n#   sh FILE [CASE]...   sends the requests of these cases, or else of all\n");
        head.push_str("#   sh FILE --list      prints the ids of the cases\n#\n");
        comment(
            "Needs curl, awk, and jq (1.6 or later) for values in JSON and patterns.",
            &mut head,
        );
        for name in &self.secrets {
            comment(
                &format!("Needs the environment variable {name}, a secret of the target."),
                &mut head,
            );
        }
        // A `$` in a request is text, and not every script needs every variable and function.
        head.push_str("# shellcheck disable=SC2016,SC2034,SC2317,SC2329\n");
        head.push_str(FUNCTIONS);
        out.write_all(head.as_bytes())?;
        let mut ids: Vec<(usize, String)> = Vec::new();
        self.functions.each(|id, function| {
            ids.push(id.clone());
            out.write_all(function)
        })?;
        out.write_all(main(&ids).as_bytes())
    }
}

/// Runs the functions of the cases that are asked for.
fn main(ids: &[(usize, String)]) -> String {
    let mut out = String::from("\nif [ \"${1-}\" = --list ]; then\n");
    for (_, id) in ids {
        let _ = writeln!(out, "  printf '%s\\n' {}", word(id));
    }
    out.push_str("  exit\nfi\nif [ $# -eq 0 ]; then\n  set --");
    for (_, id) in ids {
        let _ = write!(out, " \\\n    {}", word(id));
    }
    out.push_str("\nfi\nfor id in \"$@\"; do\n  case $id in\n");
    for (number, id) in ids {
        let _ = writeln!(out, "    {}) case_{number} || failed=1 ;;", word(id));
    }
    out.push_str(
        "    *)\n      printf '%s: there is no such case in this script\\n' \"$id\" >&2\n      exit 2\n      ;;\n",
    );
    out.push_str("  esac\ndone\nexit \"$failed\"\n");
    out
}

/// The function of one case.
struct Function {
    shell: CommandContext,
    secrets: BTreeSet<String>,
    /// Variables of the case.
    variables: Vec<String>,
    out: String,
}

impl Function {
    fn new(shell: &CommandContext) -> Self {
        Self {
            shell: shell.for_script(),
            secrets: BTreeSet::new(),
            variables: Vec::new(),
            out: String::new(),
        }
    }

    fn line(&mut self, indent: usize, text: &str) {
        let _ = writeln!(self.out, "{:indent$}{text}", "", indent = 2 * indent);
    }

    fn comment(&mut self, indent: usize, text: &str) {
        let text = inert_lines(&short(text, 4 * NAME));
        self.line(indent, &format!("# {text}"));
    }

    fn case(&mut self, item: &Item<'_>, run: &Execution<'_>) -> String {
        let attempt = run.explaining();
        let (teardown, steps): (Vec<&Step>, Vec<&Step>) =
            attempt.steps.iter().partition(|step| step.phase == Phase::Teardown);
        self.steps(&steps, attempt, false);
        let main = std::mem::take(&mut self.out);
        self.steps(&teardown, attempt, true);
        let cleanup = std::mem::take(&mut self.out);
        self.out.push('\n');
        self.comment(0, &format!("{} ({}): {}", item.title, item.label, item.message));
        self.comment(0, &item.location.to_string());
        let function = format!("case_{}", run.index + 1);
        self.line(0, &format!("{function}() {{"));
        self.line(1, &format!("begin {}", word(&item.title)));
        for name in &self.variables.clone() {
            self.line(1, &format!("{name}=''"));
        }
        for name in &self.secrets.clone() {
            self.line(1, &format!(": \"${{{name}:?set it to the secret of the target}}\""));
        }
        if teardown.is_empty() {
            self.line(1, &format!("{function}_steps"));
        } else {
            self.line(1, "result=0");
            self.line(1, &format!("{function}_steps || result=1"));
            self.line(1, &format!("{function}_teardown"));
            self.line(1, "return \"$result\"");
        }
        let _ = writeln!(self.out, "}}\n\n{function}_steps() {{");
        self.out.push_str(&main);
        self.out.push_str("}\n");
        if !teardown.is_empty() {
            let _ = writeln!(self.out, "\n{function}_teardown() {{");
            self.out.push_str(&cleanup);
            self.out.push_str("}\n");
        }
        std::mem::take(&mut self.out)
    }

    fn steps(&mut self, steps: &[&Step], attempt: &Attempt, is_teardown: bool) {
        let mut is_empty = true;
        for step in steps {
            is_empty &= !self.step(step, attempt, is_teardown);
        }
        if is_empty {
            self.line(1, ":");
        }
    }

    /// Writes a step, and returns whether it is more than comments.
    fn step(&mut self, step: &Step, attempt: &Attempt, is_teardown: bool) -> bool {
        self.comment(1, &format!("{}{}", plain::step_title(step), response(step)));
        for finding in step.findings.iter().filter(|_| step.fails()).take(3) {
            self.comment(1, &plain::title(finding));
        }
        let Some(exchange) = &step.exchange else { return false };
        let repeat = step.repeat.as_deref();
        if exchange.request.is_mail() {
            return self.mail(step);
        }
        let request = &exchange.request;
        if request.body.is_cut() {
            self.comment(
                1,
                "The body of this request is too large for the recording: the request cannot be repeated.",
            );
            return false;
        }
        let origin = repeat.and_then(|repeat| repeat.follow.as_deref());
        let followed = origin.and_then(|id| attempt.steps.iter().find(|step| step.id == id));
        let origin = followed.and_then(|step| Some(origin_of(&step.exchange.as_ref()?.request.url)));
        let command = script::command(step, request, &self.shell, origin.unwrap_or_default());
        for note in &command.notes {
            self.comment(1, note);
        }
        let command = command.line;
        self.secrets.append(&mut self.shell.secret_variables(&command));
        let captured = self.shell.captured_by(&command);
        for (name, id) in &captured {
            self.comment(1, &format!("${name} is captured by the step `{id}`"));
        }
        let condition: Vec<_> = captured.iter().map(|(name, _)| format!("[ -n \"${name}\" ]")).collect();
        let indent = if is_teardown && !condition.is_empty() {
            self.line(1, &format!("if {}; then", condition.join(" && ")));
            2
        } else {
            1
        };
        if command.contains("\"$UUID\"") {
            self.line(indent, "UUID=$(new_uuid)");
        }
        let otherwise = if is_teardown { "lost" } else { "lost || return" };
        match repeat.and_then(|repeat| repeat.waiting) {
            Some(waiting) => self.poll(indent, step, waiting, &format!("{command} || {otherwise}")),
            None => self.line(indent, &format!("{command} || {otherwise}")),
        }
        self.line(indent, &format!("show {}", word(&file_of(&step.id))));
        self.captures(indent, step, is_teardown);
        if indent == 2 {
            self.line(1, "fi");
        }
        self.shell.add_captures(step);
        true
    }

    /// A step that reads a mailbox. Its captures come from the environment.
    fn mail(&mut self, step: &Step) -> bool {
        self.comment(1, "Only conforme reads the mailbox.");
        self.read_environment(1, step, step.captures.keys());
        self.shell.add_captures(step);
        !step.captures.is_empty()
    }

    /// Repeats a command as often as in the run, and until its status is that of the run.
    fn poll(&mut self, indent: usize, step: &Step, waiting: Waiting, command: &str) {
        let sent = u64::from(step.polls) + 1;
        let (every, limit) = (seconds(waiting.every_ms), seconds(waiting.limit_ms));
        let status = match step.exchange.as_ref().map(|exchange| &exchange.outcome) {
            Some(Outcome::Response(response)) if !step.fails() && !waiting.throughout => Some(response.status),
            _ => None,
        };
        let most = match status {
            Some(_) => sent.max(waiting.limit_ms / waiting.every_ms.max(1) + 1),
            None => sent,
        };
        let until = match status {
            Some(status) => format!("at least {sent} times, until the status is {status}, for up to {limit} s"),
            None => format!("{sent} times"),
        };
        self.comment(indent, &format!("Sent every {every} s, {until}."));
        self.line(indent, "poll=0");
        self.line(indent, "while :; do");
        self.line(indent + 1, command);
        self.line(indent + 1, "poll=$((poll + 1))");
        if let Some(status) = status {
            let file = word(&file_of(&step.id));
            let is_there = format!("[ \"$poll\" -ge {sent} ] && [ \"$(status {file})\" = {status} ]");
            self.line(indent + 1, &format!("if {is_there}; then break; fi"));
        }
        self.line(indent + 1, &format!("if [ \"$poll\" -ge {most} ]; then break; fi"));
        self.line(indent + 1, &format!("sleep {every}"));
        self.line(indent, "done");
    }

    fn captures(&mut self, indent: usize, step: &Step, is_teardown: bool) {
        let Some(repeat) = step.repeat.as_deref() else { return };
        for (name, origin) in &repeat.captures {
            // One that the run did not find is not needed by what follows.
            let Some(known) = step.captures.get(name) else {
                self.comment(indent, &format!("`{name}` was not found in the response"));
                continue;
            };
            let Some(command) = extraction(&step.id, origin) else {
                let path = match origin {
                    Origin::Json(text) | Origin::Cookie(text) | Origin::Xml(text) | Origin::Text(text) => text,
                    Origin::Header { name, .. } => name,
                };
                self.comment(indent, &format!("The script cannot find {path} in a response."));
                self.read_environment(indent, step, [name]);
                continue;
            };
            let variable = variable(name);
            self.line(indent, &format!("{variable}=$({command})"));
            let is_secret = known.as_str() == Some(crate::model::marks_of(name)[0].as_str());
            let secret = if is_secret { " secret" } else { "" };
            let otherwise = if is_teardown { "" } else { " || return" };
            let shown = format!("captured {variable} \"${variable}\"{secret}{otherwise}");
            self.line(indent, &shown);
            self.variables.push(variable);
        }
    }

    /// Values that the environment must contain.
    fn read_environment<'n>(&mut self, indent: usize, step: &Step, names: impl IntoIterator<Item = &'n String>) {
        for name in names {
            let (variable, id) = (variable(name), &step.id);
            let message = format!("set it to the value of {name} in the response of the step {id}");
            self.line(indent, &format!(": \"${{{variable}:?{message}}}\""));
        }
    }
}

/// The status of a response, after the title of its step.
fn response(step: &Step) -> String {
    match step
        .exchange
        .as_ref()
        .map(|exchange| (&exchange.request, &exchange.outcome))
    {
        Some((request, Outcome::Response(response))) if !request.is_mail() => {
            format!(" with status {}", response.status)
        }
        _ => String::new(),
    }
}

/// Scheme, host and port of a URL.
fn origin_of(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    let end = url[host..].find(['/', '?', '#']).map_or(url.len(), |at| host + at);
    &url[..end]
}

/// Milliseconds as seconds: `0.5`.
fn seconds(ms: u64) -> String {
    let text = format!("{}.{:03}", ms / 1000, ms % 1000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
