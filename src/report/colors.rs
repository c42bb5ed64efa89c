//! Colors of the terminal.

use anstyle::{AnsiColor, Style};

use super::model::GateResult;

/// Styles by meaning.
#[derive(Clone, Copy, Debug)]
pub struct Colors {
    on: bool,
}

impl Colors {
    /// Colors, or plain text.
    pub fn new(on: bool) -> Self {
        Self { on }
    }

    fn paint(self, style: Style, text: &str) -> String {
        if self.on {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }

    /// Success.
    pub(super) fn good(self, text: &str) -> String {
        self.paint(AnsiColor::Green.on_default().bold(), text)
    }

    /// Failure.
    pub(super) fn bad(self, text: &str) -> String {
        self.paint(AnsiColor::Red.on_default().bold(), text)
    }

    /// A warning, or no verdict.
    pub(super) fn odd(self, text: &str) -> String {
        self.paint(AnsiColor::Yellow.on_default().bold(), text)
    }

    /// A heading.
    pub fn strong(self, text: &str) -> String {
        self.paint(Style::new().bold(), text)
    }

    /// Details.
    pub fn faint(self, text: &str) -> String {
        self.paint(Style::new().dimmed(), text)
    }

    /// A result.
    pub(super) fn outcome(self, outcome: GateResult, text: &str) -> String {
        match outcome {
            GateResult::Passed => self.good(text),
            GateResult::Failed => self.bad(text),
            GateResult::NoVerdict => self.odd(text),
        }
    }

    /// A line of a unified diff.
    pub(super) fn diff(self, line: &str) -> String {
        match line.as_bytes().first() {
            Some(b'-') => self.paint(AnsiColor::Red.on_default(), line),
            Some(b'+') => self.paint(AnsiColor::Green.on_default(), line),
            Some(b'@') => self.faint(line),
            _ => line.to_owned(),
        }
    }
}
