//! Standard output and standard error.

use std::{
    cell::RefCell,
    io::{self, IsTerminal, Write},
    path::PathBuf,
    sync::Arc,
};

use anstyle::AnsiColor;

use super::{
    args::Color,
    ci_colors::{self, StandardStream},
};
use crate::{
    mask::Masker,
    model::Exit,
    project::{Environment, SecretSource},
    report::{Colors, inert_lines, visible},
    session::{self, Notices, OutputMask, SessionError},
    source::{Diagnostics, Sources},
};

/// Writes to the two streams. Known secrets are masked in everything that it writes.
#[derive(Debug)]
pub(super) struct Printer {
    color: Color,
    mask: OutputMask,
    /// Whether the command sends requests, and has not sent any yet.
    is_before_sending: bool,
    /// The first error of a write to standard output.
    lost: RefCell<Option<io::Error>>,
}

impl Notices for Printer {
    fn note(&mut self, text: &str) {
        self.labelled("note", AnsiColor::Cyan, text);
    }

    fn error(&mut self, text: &str) {
        self.labelled("error", AnsiColor::Red, text);
    }

    /// The first warnings, if there are many.
    fn warnings(&mut self, warnings: &Diagnostics, sources: &Sources) {
        const MAX_SHOWN: usize = 20;
        if warnings.is_empty() {
            return;
        }
        let text = warnings.render_warnings(sources, self.is_colored(&io::stderr()), MAX_SHOWN);
        drop(writeln!(io::stderr(), "{}\n", self.clean(&text)));
        if warnings.len() > MAX_SHOWN {
            self.note(&format!("{} more warnings are not shown", warnings.len() - MAX_SHOWN));
        }
    }

    fn secret_sources(&mut self, sources: Vec<(String, SecretSource)>) {
        self.mask.secret_sources(sources);
    }

    fn mask(&mut self, masker: &Arc<Masker>) {
        self.mask.mask(masker);
    }

    fn sending(&mut self) {
        self.is_before_sending = false;
    }
}

impl Printer {
    pub(super) fn new(color: Color) -> Self {
        Self {
            color,
            mask: OutputMask::default(),
            is_before_sending: false,
            lost: RefCell::default(),
        }
    }

    /// Reads environment files. Their secrets are masked from now on.
    pub(super) fn environment(&mut self, files: &[PathBuf]) -> Result<Environment, SessionError> {
        let environment = Environment::read(files).map_err(|errors| SessionError::Invalid {
            errors,
            sources: Arc::default(),
        })?;
        self.mask.environment(&environment);
        Ok(environment)
    }

    /// Whether errors state that nothing was sent, until [`Notices::sending`].
    pub(super) fn before_sending(&mut self, is_before: bool) {
        self.is_before_sending = is_before;
    }

    /// Prints the error that ends the command, and returns its exit code.
    pub(super) fn fail(&self, error: &SessionError) -> Exit {
        let print = |text: &str| self.labelled("error", AnsiColor::Red, text);
        if let SessionError::UnknownNames(messages) = error {
            for message in messages {
                print(message);
            }
            return error.exit();
        }
        if let SessionError::Invalid { errors, sources } = error {
            let text = errors.render(sources, self.is_colored(&io::stderr()));
            drop(writeln!(io::stderr(), "{}\n", self.clean(&text)));
        }
        let nothing_sent = if self.is_before_sending {
            "; nothing was sent"
        } else {
            ""
        };
        let help = error.help().map(|help| format!("\nhelp: {help}")).unwrap_or_default();
        print(&format!("{error}{nothing_sent}{help}"));
        error.exit()
    }

    fn is_colored(&self, stream: &impl StandardStream) -> bool {
        match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => ci_colors::is_colored(stream),
        }
    }

    /// Whether both streams are a terminal outside of CI.
    pub(super) fn is_interactive() -> bool {
        io::stdout().is_terminal() && io::stderr().is_terminal() && !session::in_ci()
    }

    /// Colors for standard output.
    pub(super) fn out_colors(&self) -> Colors {
        Colors::new(self.is_colored(&io::stdout()))
    }

    /// Colors for standard error.
    pub(super) fn err_colors(&self) -> Colors {
        Colors::new(self.is_colored(&io::stderr()))
    }

    /// Text with secrets masked, and without lines that a CI system would execute as commands.
    fn clean(&self, text: &str) -> String {
        inert_lines(&self.mask.text(text))
    }

    /// A line on standard output. A closed pipe is not an error.
    pub(super) fn out(&self, text: &str) {
        self.out_masked(&self.mask.text(text));
    }

    /// Writes a line whose secrets are masked already. Queries of URLs, which [`Printer::out`] hides, are shown.
    pub(super) fn out_masked(&self, text: &str) {
        match writeln!(io::stdout(), "{}", inert_lines(text)) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => drop(self.lost.replace(Some(error))),
            _ => {}
        }
    }

    /// The exit code of the command, given whether standard output was written.
    pub(super) fn conclude(&self, exit: Exit) -> Exit {
        let Some(error) = self.lost.take() else { return exit };
        self.labelled(
            "error",
            AnsiColor::Red,
            &format!("failed to write to standard output: {error}"),
        );
        exit.reported(false)
    }

    fn labelled(&self, label: &str, color: AnsiColor, text: &str) {
        let label = if self.is_colored(&io::stderr()) {
            let style = color.on_default().bold();
            format!("{style}{label}{style:#}")
        } else {
            label.to_owned()
        };
        // A message may quote a response or a recording. Secrets are masked first: an escaped one would not be found.
        let text = self.mask.text(text);
        let lines: Vec<_> = text.lines().map(visible).collect();
        drop(writeln!(io::stderr(), "{label}: {}", inert_lines(&lines.join("\n"))));
    }
}
