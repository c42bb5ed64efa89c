//! The Test Anything Protocol, version 14: a test point for each item, as it completes.

use std::{
    fmt::Write as _,
    io::{self, Write},
};

use crate::{
    model::{Location, Verdict},
    report::{
        escape::tap::plain as escaped,
        limits::{FINDINGS, ITEMS_COUNT},
        model::{End, Item, ItemState, ListKind, Severity, Start, Writer},
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
        yaml.item(item, is_ok);
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
            for list in section
                .lists
                .iter()
                .filter(|list| !matches!(list.kind, ListKind::Info | ListKind::Gaps))
            {
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

    fn location(&mut self, location: &Location) {
        self.line("at:");
        self.indent += 2;
        self.text("file", &location.file);
        self.line(&format!("line: {}", location.line));
        self.line(&format!("column: {}", location.column));
        self.indent -= 2;
    }

    /// Text of several lines as a list. Its dashes are indented by two columns from the key above: Perl's `TAP::Parser`
    /// reads no other list.
    fn detail(&mut self, text: &str) {
        if !text.is_empty() {
            self.line("detail:");
        }
        for line in text.lines() {
            self.line(&format!("  - {}", quoted_yaml(line)));
        }
    }

    fn item(&mut self, item: &Item<'_>, is_ok: bool) {
        let run = item.execution.as_ref();
        let has_message = run.is_none_or(|run| !matches!(run.verdict, Verdict::Passed | Verdict::Skipped));
        let has_detail =
            run.is_some_and(|run| run.last.findings().next().is_some() || run.last.skipped_steps().next().is_some());
        if !has_message && !has_detail {
            return;
        }
        self.line("---");
        self.text(if run.is_some() { "verdict" } else { "level" }, item.label);
        if has_message {
            self.text("message", &item.message);
        }
        let severity = match (item.severity, item.state) {
            (_, ItemState::Errored) => "error",
            _ if !is_ok => "fail",
            (Severity::Note, _) if run.is_none() => "comment",
            _ => "warning",
        };
        self.text("severity", severity);
        self.location(item.location);
        match run {
            Some(run) => self.line(&format!("seconds: {}", seconds(millis(run.last.elapsed_us())))),
            None => self.text("fingerprint", &item.fingerprint),
        }
        self.detail(&plain::item(item, FINDINGS));
        self.line("...");
    }
}
