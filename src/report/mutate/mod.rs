//! How the strength of a suite is told: the score first, then what the suite would miss and what to add.

mod html;
mod markdown;
mod terminal;

use std::{
    fmt::Write as _,
    io::{self, Write},
};

pub use terminal::{MeasureOptions, tell};

use super::{
    Format,
    escape::without_marks,
    outcome::{cases, figure},
};
use crate::{
    exit::Exit,
    mutate::{Group, Layer, Measured, Tally},
};

/// The formats that tell of a measurement.
pub const FORMATS: [Format; 3] = [Format::Markdown, Format::Html, Format::Json];

/// Writes a measurement as a report of this format; one that is not of [`FORMATS`] is an error.
pub fn write(format: Format, measured: &Measured, sink: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Json => {
            let text = serde_json::to_string_pretty(measured)?;
            writeln!(sink, "{}", without_marks(&text, "\\u0023"))
        }
        Format::Markdown => markdown::write(measured, sink),
        Format::Html => html::write(measured, sink),
        _ => Err(io::Error::other("this format does not tell of measurements")),
    }
}

/// A score in percent; what is not whole is never shown as whole.
fn percent(score: Option<f64>) -> String {
    match score {
        None => "–".to_owned(),
        Some(score) => format!("{:.1}%", (score * 10.0).floor() / 10.0),
    }
}

/// What the measurement says, in one line.
fn headline(measured: &Measured) -> String {
    let mut score = percent(measured.total.score());
    if measured.total.waived > 0 {
        // Accepted survivors are not noticed either, and are in no score.
        let _ = write!(score, " (without {} accepted survivors)", figure(measured.total.waived));
    }
    match (measured.total.score(), measured.min_score) {
        (None, _) => "No verdict: nothing could be changed".to_owned(),
        (_, Some(least)) if measured.exit_code == Exit::Broken.code() => {
            format!("Too weak: {score} of the changes are noticed, and {least}% must be")
        }
        _ => format!("{score} of the changes are noticed"),
    }
}

/// What was measured, in one line.
fn sentence(measured: &Measured) -> String {
    let Tally {
        killed,
        survived,
        waived,
        equivalent,
    } = measured.total;
    let mut parts = vec![
        format!("{} killed", figure(killed)),
        format!("{} survived", figure(survived)),
    ];
    if waived > 0 {
        parts.push(format!("{} accepted", figure(waived)));
    }
    if equivalent > 0 {
        parts.push(format!("{} mean the same", figure(equivalent)));
    }
    let all = killed + survived + waived + equivalent;
    format!(
        "{} changed answers of {}: {}",
        figure(all),
        cases(measured.cases),
        parts.join(", ")
    )
}

fn layer_name(layer: Layer) -> &'static str {
    match layer {
        Layer::Status => "status",
        Layer::Headers => "headers",
        Layer::Schema => "schema",
        Layer::Body => "body",
        Layer::Other => "same-as, duration",
        Layer::Rules => "HTTP rules",
        Layer::Snapshot => "snapshot",
    }
}

/// How many survivors, and of which cases: `3 survivors in s/a, s/b`.
fn whose(group: &Group) -> String {
    let mut cases: Vec<&str> = group.survivors.iter().map(|survivor| survivor.case.as_str()).collect();
    cases.dedup();
    let more = cases.len().saturating_sub(3);
    let mut text = cases[..cases.len().min(3)].join(", ");
    if more > 0 {
        let _ = write!(text, ", + {more} more");
    }
    text
}

/// What the first survivor was, and is.
fn changed(group: &Group) -> Option<String> {
    let first = group.survivors.first()?;
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "(absent)".to_owned());
    Some(format!("{} → {}", text(&first.before), text(&first.after)))
}
