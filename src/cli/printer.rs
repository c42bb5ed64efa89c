//! Standard output and standard error.

use std::{
    cell::{Cell, RefCell},
    io::{self, IsTerminal, Write},
    sync::Arc,
};

use anstream::ColorChoice;
use anstyle::AnsiColor;

use super::{Exit, args::Color};
use crate::{
    project::{Project, SecretSource, known_secrets},
    redact::Redactor,
    report::{Colours, inert_lines, visible},
    source::{Diagnostics, Sources, without_credentials},
};

/// Writes to the two streams. Once the secrets are known, nothing leaves without going through the redactor.
#[derive(Debug)]
pub(super) struct Printer {
    color: Color,
    hide: Option<Arc<Redactor>>,
    /// Secrets that are known before a target is chosen: `CONFORME_SECRET_*`, and sources that only have to be read.
    sources: RefCell<Vec<(String, SecretSource)>>,
    /// Whether the command sends requests, and has not sent any yet.
    is_before_sending: Cell<bool>,
    /// Why something did not get to standard output.
    lost: RefCell<Option<io::Error>>,
}

impl Printer {
    pub(super) fn new(color: Color) -> Self {
        Self {
            color,
            hide: None,
            sources: RefCell::default(),
            is_before_sending: Cell::new(false),
            lost: RefCell::new(None),
        }
    }

    /// Errors from now on state that nothing was sent, or no longer do.
    pub(super) fn before_sending(&self, is_before: bool) {
        self.is_before_sending.set(is_before);
    }

    /// An error that ends the command before it sends anything, if it is one that sends.
    pub(super) fn refuse(&self, text: &str) {
        self.error(&format!("{text}{}", self.nothing_sent()));
    }

    fn nothing_sent(&self) -> &'static str {
        if self.is_before_sending.get() {
            "; nothing was sent"
        } else {
            ""
        }
    }

    /// Sources of secrets that must not be shown, as long as [`Printer::hide`] has not been called.
    pub(super) fn learn(&self, project: &Project) {
        self.sources.replace(project.secret_sources());
    }

    /// From now on every secret is hidden.
    pub(super) fn hide(&mut self, redactor: &Arc<Redactor>) {
        self.hide = Some(Arc::clone(redactor));
    }

    fn is_coloured(&self, stream: &(impl anstream::stream::RawStream + IsTerminal)) -> bool {
        match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => !matches!(anstream::AutoStream::choice(stream), ColorChoice::Never),
        }
    }

    /// Whether a person watches both streams on one terminal. A log that CI keeps is not watched.
    pub(super) fn is_watched() -> bool {
        io::stdout().is_terminal() && io::stderr().is_terminal() && !super::in_ci()
    }

    /// Colours for standard output.
    pub(super) fn out_colours(&self) -> Colours {
        Colours::new(self.is_coloured(&io::stdout()))
    }

    /// Colours for standard error.
    pub(super) fn err_colours(&self) -> Colours {
        Colours::new(self.is_coloured(&io::stderr()))
    }

    fn hidden(&self, text: &str) -> String {
        let text = without_credentials(text);
        if let Some(redactor) = &self.hide {
            return redactor.text(&text);
        }
        let known = known_secrets(&self.sources.borrow());
        if known.is_empty() {
            return text.into_owned();
        }
        Redactor::new(known.iter().map(|(name, secret)| (name.as_str(), secret))).text(&text)
    }

    /// Text without secrets, and without a line that a CI system would take for a command.
    fn clean(&self, text: &str) -> String {
        inert_lines(&self.hidden(text))
    }

    /// A line on standard output. A reader that has gone away is no error.
    pub(super) fn out(&self, text: &str) {
        match writeln!(io::stdout(), "{}", self.clean(text)) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => drop(self.lost.replace(Some(error))),
            _ => {}
        }
    }

    /// The exit of the command: what was to be on standard output and is not there is no success.
    pub(super) fn conclude(&self, exit: Exit) -> Exit {
        let Some(error) = self.lost.take() else { return exit };
        self.error(&format!("failed to write to standard output: {error}"));
        exit.reported(false)
    }

    /// An error without a place in a file.
    pub(super) fn error(&self, text: &str) {
        self.labelled("error", AnsiColor::Red, text);
    }

    /// Something worth knowing that is no error.
    pub(super) fn note(&self, text: &str) {
        self.labelled("note", AnsiColor::Cyan, text);
    }

    fn labelled(&self, label: &str, color: AnsiColor, text: &str) {
        let label = if self.is_coloured(&io::stderr()) {
            let style = color.on_default().bold();
            format!("{style}{label}{style:#}")
        } else {
            label.to_owned()
        };
        // A message may quote what came over the wire, or what a recording holds. Secrets first: spelled out, one would
        // not be found.
        let text = self.hidden(text);
        let lines: Vec<_> = text.lines().map(visible).collect();
        drop(writeln!(io::stderr(), "{label}: {}", inert_lines(&lines.join("\n"))));
    }

    /// Warnings with their places on standard error; the first ones, if there are many.
    pub(super) fn warnings(&self, warnings: &Diagnostics, sources: &Sources) {
        const MOST: usize = 20;
        if warnings.is_empty() {
            return;
        }
        let text = warnings.render_warnings(sources, self.is_coloured(&io::stderr()), MOST);
        drop(writeln!(io::stderr(), "{}\n", self.clean(&text)));
        if warnings.len() > MOST {
            self.note(&format!("{} more warnings are not shown", warnings.len() - MOST));
        }
    }

    /// All mistakes with their places, and how many there are.
    pub(super) fn diagnostics(&self, errors: &Diagnostics, sources: &Sources) -> Exit {
        let text = errors.render(sources, self.is_coloured(&io::stderr()));
        drop(writeln!(io::stderr(), "{}\n", self.clean(&text)));
        let number = match errors.len() {
            1 => "1 error".to_owned(),
            number => format!("{number} errors"),
        };
        self.refuse(&number);
        Exit::Usage
    }
}
