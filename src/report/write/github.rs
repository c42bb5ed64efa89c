//! Annotations of GitHub Actions, as workflow commands.

use std::io::{self, Write};

use crate::{
    model::Location,
    report::{
        escape::github::{data, property},
        limits::{
            LEFT_OUT_COUNT, MESSAGE, NAME, VALUE,
            github::{ITEMS_COUNT, SHOWN_COUNT},
        },
        model::{End, Entry, GateResult, Item, List, ListKind, Severity, Start, Writer},
        paths::in_repository,
        plain,
        text::{clip, figure, short},
    },
};

/// Writes an annotation for each item that is not merely a passed case, on the line that explains it.
#[derive(Default)]
pub(in crate::report) struct GitHub {
    /// Annotations of each severity, from note to error.
    shown: [usize; 3],
    left_out: usize,
}

impl GitHub {
    fn annotate(
        &mut self,
        (severity, title): (Severity, &str),
        (start, location): (&Start, Option<&Location>),
        message: &str,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        self.shown[severity as usize] += 1;
        let word = match severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "notice",
        };
        let location = location.map_or_else(String::new, |location| {
            let file = short(&in_repository(start.folder.as_deref(), &location.file), NAME);
            format!(
                "file={},line={},col={},",
                property(&file),
                location.line,
                location.column
            )
        });
        let (title, message) = (property(title), data(message.trim_end()));
        writeln!(out, "::{word} {location}title={title}::{message}")
    }

    fn list(&mut self, start: &Start, prefix: &str, list: &List, out: &mut dyn Write) -> io::Result<()> {
        let max = if list.kind == ListKind::LeftOut {
            LEFT_OUT_COUNT
        } else {
            ITEMS_COUNT
        };
        let located = |entry: &&Entry| entry.location.is_some() || list.kind == ListKind::LeftOut;
        for entry in list.entries.iter().filter(located).take(max) {
            let title = match list.kind {
                ListKind::Warnings => short(&entry.what, NAME),
                _ => list.label.to_owned(),
            };
            let message = format!("{prefix}{}", entry.text());
            self.annotate(
                (entry.severity, &title),
                (start, entry.location.as_ref()),
                &message,
                out,
            )?;
        }
        Ok(())
    }
}

impl Writer for GitHub {
    fn item(&mut self, start: &Start, item: &Item<'_>, out: &mut dyn Write) -> io::Result<()> {
        let (title, location) = match &item.execution {
            // Findings of passed cases are in the list of warnings.
            Some(_) if item.severity == Severity::Note => return Ok(()),
            Some(run) => (
                format!("{} {}", short(&item.title, NAME), item.label),
                plain::location(run.explaining(), item.location),
            ),
            None if self.shown[item.severity as usize] >= ITEMS_COUNT => {
                self.left_out += 1;
                return Ok(());
            }
            None => (format!("{}{}", item.prefix, item.title), item.location),
        };
        let first = match item.execution {
            Some(_) => short(&item.message, VALUE),
            None => format!("{} in {}", item.label, item.origin),
        };
        let message = format!("{first}\n{}", plain::item(item, MESSAGE - first.len()));
        self.annotate((item.severity, &title), (start, Some(location)), &message, out)
    }

    fn end(&mut self, start: &Start, end: &End, out: &mut dyn Write) -> io::Result<()> {
        if self.left_out > 0 {
            let text = format!("{} more changes are left out", figure(self.left_out));
            self.annotate((Severity::Note, start.name), (start, None), &text, out)?;
        }
        for section in &end.sections {
            for list in &section.lists {
                self.list(start, &section.prefix, list, out)?;
            }
        }
        let mut text = format!("{} ({})", end.headline, end.summary.join(". "));
        for heading in end.sections.iter().filter_map(|section| section.heading.as_ref()) {
            text.push('\n');
            text.push_str(heading);
        }
        // GitHub would not show one more error.
        let is_hidden = self.shown[Severity::Error as usize] >= SHOWN_COUNT;
        let severity = if end.outcome == GateResult::Passed || is_hidden {
            Severity::Note
        } else {
            Severity::Error
        };
        self.annotate((severity, start.name), (start, None), &clip(&text, MESSAGE), out)
    }
}
