//! The Test Anything Protocol, version 14: a test point for each item, as it completes.

use std::{
    fmt::Write as _,
    io::{self, Write},
};

use crate::{
    model::{Attempt, Location, Verdict},
    report::{
        escape::tap::plain as escaped,
        limits::{ITEMS_COUNT, ci::COMMAND},
        model::{End, Execution, Item, ItemState, ListKind, Start, Writer},
        plain,
        text::{millis, seconds},
    },
    text::quoted_yaml,
};

/// Writes test points.
#[derive(Default)]
pub(in crate::report) struct Tap {
    points: usize,
    failed: usize,
    left_out: usize,
}

impl Tap {
    fn point(&mut self, is_ok: bool, name: &str) -> String {
        self.points += 1;
        self.failed += usize::from(!is_ok);
        let word = if is_ok { "ok" } else { "not ok" };
        format!("{word} {} - {}", self.points, escaped(name))
    }
}

impl Writer for Tap {
    fn begin(&mut self, start: &Start, out: &mut dyn Write) -> io::Result<()> {
        let planned = if start.has_verdict {
            start.planned.min(ITEMS_COUNT) + 1
        } else {
            start.planned
        };
        let why = if planned == 0 { " # no case was selected" } else { "" };
        writeln!(out, "TAP version 14\n1..{planned}{why}")
    }

    fn item(&mut self, _: &Start, item: &Item<'_>, out: &mut dyn Write) -> io::Result<()> {
        if item.execution.is_none() && self.points >= ITEMS_COUNT {
            self.left_out += 1;
            return Ok(());
        }
        let is_ok = matches!(item.state, ItemState::Passed | ItemState::Skipped);
        let mut text = match item.execution {
            Some(_) => self.point(is_ok, &item.title),
            None => self.point(is_ok, &format!("{}{} of {}", item.prefix, item.title, item.origin)),
        };
        if item.state == ItemState::Skipped {
            let _ = write!(text, " # SKIP {}", escaped(&item.message));
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
        let mut yaml = Yaml {
            out: &mut text,
            indent: 2,
        };
        match &item.execution {
            Some(run) => yaml.run(item, run, is_ok),
            None => yaml.item(item),
        }
        out.write_all(text.as_bytes())
    }

    fn end(&mut self, start: &Start, end: &End, out: &mut dyn Write) -> io::Result<()> {
        let mut comment = |text: &str| writeln!(out, "# {}", escaped(text));
        comment(&end.headline)?;
        for line in &end.summary {
            comment(line)?;
        }
        if self.left_out > 0 {
            comment(&format!("{} more changes are left out", self.left_out))?;
        }
        for section in &end.sections {
            let prefix = &section.prefix;
            for caution in &section.cautions {
                comment(&format!("{prefix}{caution}"))?;
            }
            for list in section.lists.iter().filter(|list| list.kind != ListKind::Info) {
                for entry in list.entries.iter().take(ITEMS_COUNT) {
                    comment(&format!("{prefix}{}: {}", list.label, entry.line()))?;
                }
            }
        }
        let Some(verdict) = &end.verdict else { return Ok(()) };
        if start.has_verdict {
            let point = self.point(verdict.state == ItemState::Passed, &verdict.name);
            return writeln!(out, "{point}");
        }
        // A skipped test point is not a failure, and neither is a missing one for every reader.
        if verdict.state == ItemState::Errored || self.failed == 0 {
            writeln!(out, "Bail out! {}", escaped(&verdict.message))?;
        }
        Ok(())
    }
}

/// A block of YAML. Every text in it is a quoted scalar on one line.
struct Yaml<'o> {
    out: &'o mut String,
    indent: usize,
}

impl Yaml<'_> {
    fn line(&mut self, text: &str) {
        let _ = writeln!(self.out, "{:indent$}{text}", "", indent = self.indent);
    }

    fn text(&mut self, key: &str, value: &str) {
        let value = quoted_yaml(value);
        self.line(&format!("{key}: {value}"));
    }

    /// The keys of one item of a list. Its dash is indented by two columns from the key above: Perl's `TAP::Parser` reads
    /// no other list.
    fn entry(&mut self, keys: impl FnOnce(&mut Yaml<'_>)) {
        let dash = self.out.len() + self.indent + 2;
        keys(&mut Yaml {
            out: self.out,
            indent: self.indent + 4,
        });
        self.out.replace_range(dash..=dash, "-");
    }

    fn location(&mut self, location: &Location) {
        self.line("at:");
        self.indent += 2;
        self.text("file", &location.file);
        self.line(&format!("line: {}", location.line));
        self.line(&format!("column: {}", location.column));
        self.indent -= 2;
    }

    /// Text of several lines as a list.
    fn detail(&mut self, text: &str) {
        if !text.is_empty() {
            self.line("detail:");
        }
        for line in text.lines() {
            self.line(&format!("  - {}", quoted_yaml(line)));
        }
    }

    fn item(&mut self, item: &Item<'_>) {
        self.line("---");
        self.text("level", item.label);
        self.text("message", &item.message);
        self.location(item.location);
        self.text("fingerprint", &item.fingerprint);
        let mut text = plain::item(item);
        for (role, command) in item.evidence.iter().flat_map(|evidence| evidence.commands(COMMAND)) {
            let _ = writeln!(text, "{role}: {command}");
        }
        self.detail(&text);
        self.line("...");
    }

    fn run(&mut self, item: &Item<'_>, run: &Execution<'_>, is_ok: bool) {
        let has_message = !matches!(run.verdict, Verdict::Passed | Verdict::Skipped);
        if !has_message && run.last.findings().next().is_none() {
            return;
        }
        self.line("---");
        self.text("verdict", run.verdict.name());
        if has_message {
            self.text("message", &item.message);
        }
        let severity = match item.state {
            _ if is_ok => "warning",
            ItemState::Errored => "error",
            _ => "fail",
        };
        self.text("severity", severity);
        if let Some(name) = run.name {
            self.text("name", name);
        }
        if !run.tags.is_empty() {
            let tags: Vec<_> = run.tags.iter().map(|tag| quoted_yaml(tag)).collect();
            self.line(&format!("tags: [{}]", tags.join(", ")));
        }
        self.location(item.location);
        if run.verdict != Verdict::NotRun {
            self.attempt(run.last, run);
        }
        if let Some(path) = run.snapshot {
            self.text("snapshot", path);
        }
        if !run.previous.is_empty() {
            self.line("previous:");
        }
        for attempt in run.previous {
            self.entry(|yaml| {
                yaml.text("message", &plain::headline(attempt));
                yaml.attempt(attempt, run);
            });
        }
        self.line("...");
    }

    fn attempt(&mut self, attempt: &Attempt, run: &Execution<'_>) {
        self.line(&format!("seconds: {}", seconds(millis(attempt.elapsed_us()))));
        self.detail(&plain::attempt(attempt, run.shell));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entry_of_a_list_has_its_dash_at_its_first_key() {
        let mut out = "x:\n".to_owned();
        let mut yaml = Yaml {
            out: &mut out,
            indent: 2,
        };
        yaml.entry(|yaml| {
            yaml.text("a", "1");
            yaml.text("b", "2");
        });
        assert_eq!(out, "x:\n    - a: \"1\"\n      b: \"2\"\n");
    }
}
