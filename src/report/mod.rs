//! Reports: a source makes a report of a subject, and a writer writes it in a format.
//!
//! ```text
//! run ────────┐                                     ┌► tap, junit, markdown
//! comparison ─┤► from/ ► Start, Item..., End ► write/ ├► github, sarif, shell, har
//! matrix ─────┤          (model.rs)                   └► html, terminal
//! measurement ┘
//! ```
//!
//! `plain.rs` makes the lines of an item, which all formats but pages show. A page and the terminal read a whole report;
//! those of a run are exceptions that show the events themselves. A new format is a file in `write/` with a type that
//! implements `Writer`, and a variant of [`Format`]; the compiler names the locations that must handle it.

mod causes;
mod colors;
mod curl;
mod escape;
mod from;
mod limits;
mod links;
mod model;
mod paths;
mod plain;
mod progress;
mod run_allure;
mod run_page;
mod run_terminal;
mod sink;
mod spool;
mod stream;
mod summary;
mod text;
/// Writers: one for each format. None of them depends on a subject.
mod write {
    pub(super) mod github;
    pub(super) mod har;
    pub(super) mod html;
    pub(super) mod json;
    pub(super) mod junit;
    pub(super) mod markdown;
    pub(super) mod page;
    pub(super) mod sarif;
    pub(super) mod shell;
    pub(super) mod tap;
    pub(super) mod terminal;
}

use std::{io, path::PathBuf, str::FromStr};

pub use colors::Colors;
pub use escape::{inert_lines, visible};
pub use limits::{ITEMS_COUNT as MAX_ADVISED, terminal::SURVIVORS_COUNT as MAX_SHOWN_SURVIVORS};
pub use model::Report;
pub use progress::Progress;
pub use run_terminal::{FinalStatusLevel, RunTerminal, StatusLevel, TerminalOptions};
pub use sink::ReportOutput;
pub(crate) use text::count;
pub use write::terminal::ShowOptions;

use crate::mask::Reporter;
use model::Writer;
use spool::Spool;
use stream::RunStream;

/// The lines of a unified diff, escaped for a terminal, with every difference visible.
pub fn diff_for_people(diff: &str, colors: Colors) -> Vec<String> {
    let lines = plain::shown_diff(diff, usize::MAX);
    lines.iter().map(|line| colors.diff(&visible(line))).collect()
}

impl Report<'_> {
    /// Writes the report in a format.
    pub fn write(&self, format: Format, out: &mut dyn io::Write) -> io::Result<()> {
        match (format, format.writer(None)) {
            (_, Some(mut writer)) => self.to(&mut *writer, out),
            (Format::Html, None) => write::html::write(self, out),
            (Format::Allure, None) => Err(io::Error::other("this format is a folder")),
            (_, None) => write::json::write(self.data, out),
        }
    }

    /// Shows the report on a terminal.
    pub fn show(&self, out: &mut dyn io::Write, colors: Colors, options: ShowOptions) -> io::Result<()> {
        write::terminal::Terminal::new(colors, options, self).write(out)
    }
}

/// The formats of `--report`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// The events of a run as NDJSON, any other subject as one JSON document.
    Json,
    /// XML in the manner of `JUnit`, for CI systems.
    JUnit,
    /// The Test Anything Protocol.
    Tap,
    /// A summary for a pull request.
    Markdown,
    /// Annotations of GitHub Actions.
    GitHub,
    /// SARIF, for code scanning.
    Sarif,
    /// A page for a browser.
    Html,
    /// The exchanges of a run as an HTTP Archive.
    Har,
    /// A script of a run that sends the requests of the cases that did not pass.
    Shell,
    /// A folder with the results of a run for Allure.
    Allure,
}

impl Format {
    /// All formats by name.
    pub const NAMES: [(&'static str, Format); 10] = [
        ("junit", Format::JUnit),
        ("html", Format::Html),
        ("markdown", Format::Markdown),
        ("github", Format::GitHub),
        ("sarif", Format::Sarif),
        ("tap", Format::Tap),
        ("json", Format::Json),
        ("shell", Format::Shell),
        ("har", Format::Har),
        ("allure", Format::Allure),
    ];

    /// The help of `--report`, which lists the formats.
    pub fn flag_help() -> String {
        let [first @ .., last] = Self::NAMES.map(|(name, _)| name);
        format!(
            "Write a report: {} or {last}; without a path, to standard output",
            first.join(", ")
        )
    }

    /// What it contains and what it is for, in one sentence without a period.
    pub fn purpose(self) -> &'static str {
        match self {
            Self::Json => {
                "for programs: every event of a run as one JSON object per line, and any other subject as one JSON document"
            }
            Self::JUnit => "for CI systems: one `testcase` for each case, with the suite as its `classname`",
            Self::Tap => "TAP 14 with YAML diagnostics",
            Self::Markdown => {
                "a summary for a pull request or a job summary, below the size limit of a comment on GitHub"
            }
            Self::GitHub => "annotations of GitHub Actions on the lines of the case files",
            Self::Sarif => "SARIF 2.1.0 for code scanning, with check ids as rule ids",
            Self::Html => "one page for a browser that loads nothing else, with filters, exchanges and differences",
            Self::Har => "HTTP Archive 1.2 of a run: every request and response, for browsers and proxies",
            Self::Allure => {
                "a folder of results of a run for Allure, with steps, requests and responses; its path is required"
            }
            Self::Shell => "a script for `sh` that sends the requests of the cases of a run that did not pass",
        }
    }

    /// Whether a run is written in another order than that of its events, so that a temporary file may be needed.
    pub fn is_gathered(self) -> bool {
        match self {
            Self::JUnit | Self::Html | Self::Markdown | Self::Sarif | Self::Shell | Self::Har => true,
            Self::Json | Self::Tap | Self::GitHub | Self::Allure => false,
        }
    }

    /// Whether it is a folder of files.
    pub fn is_folder(self) -> bool {
        self == Self::Allure
    }

    /// Whether it is only about a run: about its requests, or its cases one by one.
    pub fn is_of_runs(self) -> bool {
        matches!(self, Self::Shell | Self::Allure)
    }

    /// A writer of this format with temporary files in `folder`; none for JSON, which is the subject itself, for
    /// pages, which are made of a whole subject, and for folders.
    fn writer(self, folder: Option<PathBuf>) -> Option<Box<dyn Writer>> {
        Some(match self {
            Self::Json | Self::Html | Self::Allure => return None,
            Self::JUnit => Box::new(write::junit::JUnit::new(Spool::new(folder))),
            Self::Tap => Box::new(write::tap::Tap::default()),
            Self::Markdown => Box::new(write::markdown::Markdown::new(Spool::new(folder))),
            Self::GitHub => Box::new(write::github::GitHub::default()),
            Self::Sarif => Box::new(write::sarif::Sarif::new(Spool::new(folder))),
            Self::Shell => Box::new(write::shell::Script::new(Spool::new(folder))),
            Self::Har => Box::new(write::har::HarWriter::new(Spool::new(folder))),
        })
    }

    /// A report of a run in this format.
    pub fn reporter(self, sink: ReportOutput) -> Box<dyn Reporter> {
        let reads_passed_exchanges = matches!(self, Self::Sarif | Self::Har);
        let sink = if self == Self::Shell { sink.executable() } else { sink };
        match (self, self.writer(sink.folder())) {
            (Self::Html, None) => Box::new(run_page::RunPage::new(sink)),
            (Self::Allure, None) => Box::new(run_allure::AllureResults::new(sink)),
            (_, Some(writer)) => Box::new(RunStream::new(writer, sink, reads_passed_exchanges)),
            (_, None) => Box::new(write::json::Json(sink)),
        }
    }
}

/// `FORMAT` or `FORMAT=PATH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportSpec {
    /// The format.
    pub format: Format,
    /// The file; standard output where there is none.
    pub path: Option<PathBuf>,
}

impl FromStr for ReportSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, path) = match text.split_once('=') {
            Some((name, path)) => (name, Some(path)),
            None => (text, None),
        };
        let Some((_, format)) = Format::NAMES.iter().find(|(known, _)| *known == name) else {
            let known: Vec<_> = Format::NAMES.iter().map(|(name, _)| *name).collect();
            return Err(format!("no report format `{name}`; there is: {}", known.join(", ")));
        };
        if path.is_some_and(str::is_empty) {
            return Err("the path after `=` is empty".to_owned());
        }
        Ok(Self {
            format: *format,
            path: path.map(PathBuf::from),
        })
    }
}
