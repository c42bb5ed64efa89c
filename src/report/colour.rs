//! Colours: one place that knows them, off unless asked for.

use anstyle::{AnsiColor, Style};

/// Styles by meaning.
#[derive(Clone, Copy, Debug)]
pub struct Colours {
    on: bool,
}

impl Colours {
    /// Colours, or none.
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

    /// What is well.
    pub(super) fn good(self, text: &str) -> String {
        self.paint(AnsiColor::Green.on_default().bold(), text)
    }

    /// What is broken.
    pub(super) fn bad(self, text: &str) -> String {
        self.paint(AnsiColor::Red.on_default().bold(), text)
    }

    /// What needs a look.
    pub(super) fn odd(self, text: &str) -> String {
        self.paint(AnsiColor::Yellow.on_default().bold(), text)
    }

    /// What carries the eye.
    pub(super) fn strong(self, text: &str) -> String {
        self.paint(Style::new().bold(), text)
    }

    /// What can be passed over.
    pub(super) fn faint(self, text: &str) -> String {
        self.paint(Style::new().dimmed(), text)
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
