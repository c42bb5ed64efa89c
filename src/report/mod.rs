//! Reports: each takes redacted events and writes them its own way. None of them knows the run.
//!
//! A new report is a type that implements [`Reporter`], a row in [`Format::NAMES`] and a line in [`Format::reporter`].

mod account;
mod colour;
pub mod compare;
mod curl;
mod escape;
mod github;
mod html;
mod human;
mod json;
mod junit;
mod limits;
mod markdown;
pub mod mutate;
mod outcome;
mod progress;
mod sarif;
mod sink;
mod spool;
mod tap;
mod text;

use std::{path::PathBuf, str::FromStr};

pub use colour::Colours;
pub use escape::{inert_lines, visible};
pub use human::{FinalStatusLevel, Human, HumanOptions, StatusLevel};
pub use progress::Progress;
pub use sink::Sink;

use crate::redact::Reporter;

use github::GitHub;
use html::Html;
use json::Json;
use junit::JUnit;
use markdown::Markdown;
use sarif::Sarif;
use tap::Tap;

/// The lines of a unified diff, each made harmless for a terminal, with every difference visible.
pub fn diff_for_people(diff: &str, colors: Colours) -> Vec<String> {
    let lines = account::shown_diff(diff, usize::MAX);
    lines.iter().map(|line| colors.diff(&visible(line))).collect()
}

/// The formats of `--report`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The events as NDJSON.
    Json,
    /// What CI systems read: XML in the manner of `JUnit`.
    JUnit,
    /// The Test Anything Protocol.
    Tap,
    /// A summary for a pull request.
    Markdown,
    /// Annotations of GitHub Actions.
    GitHub,
    /// SARIF, for code scanning.
    Sarif,
    /// A page to look at in a browser.
    Html,
}

impl Format {
    /// All formats by name.
    pub const NAMES: [(&'static str, Format); 7] = [
        ("json", Format::Json),
        ("junit", Format::JUnit),
        ("tap", Format::Tap),
        ("markdown", Format::Markdown),
        ("github", Format::GitHub),
        ("sarif", Format::Sarif),
        ("html", Format::Html),
    ];

    /// Whether it is written in another order than that of the events: what is gathered can take a temporary file.
    pub fn is_gathered(self) -> bool {
        match self {
            Self::JUnit | Self::Html | Self::Markdown | Self::Sarif => true,
            Self::Json | Self::Tap | Self::GitHub => false,
        }
    }

    /// A report of this format that goes to `sink`.
    pub fn reporter(self, sink: Sink) -> Box<dyn Reporter> {
        match self {
            Self::Json => Box::new(Json(sink)),
            Self::JUnit => Box::new(JUnit::new(sink)),
            Self::Tap => Box::new(Tap::new(sink)),
            Self::Markdown => Box::new(Markdown::new(sink)),
            Self::GitHub => Box::new(GitHub::new(sink)),
            Self::Sarif => Box::new(Sarif::new(sink)),
            Self::Html => Box::new(Html::new(sink)),
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
