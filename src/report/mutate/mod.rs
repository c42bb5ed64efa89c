//! How the strength of a suite is told: the score first, then what the suite would miss and what to add.

mod html;
mod markdown;
mod terminal;

use std::{
    fmt::Write as _,
    io::{self, Write},
};

pub use terminal::{MeasureOptions, TOLD, tell};

use super::{
    Format,
    escape::json::inert,
    outcome::{cases, figure},
};
use crate::mutate::{self, Group, Layer, Measured, Tally};

/// The formats that tell of a measurement.
pub const FORMATS: [Format; 3] = [Format::Markdown, Format::Html, Format::Json];

/// Maximum number of groups of survivors that a report shows with advice.
pub const ADVISED: usize = 2000;

/// Writes a measurement as a report of this format; one that is not of [`FORMATS`] is an error.
pub fn write(format: Format, measured: &Measured, sink: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Json => {
            let text = serde_json::to_string_pretty(measured)?;
            writeln!(sink, "{}", inert(&text))
        }
        Format::Markdown => markdown::write(measured, sink),
        Format::Html => html::write(measured, sink),
        _ => Err(io::Error::other("this format does not tell of measurements")),
    }
}

/// A score in percent; what is not whole is never shown as whole.
fn percent(tally: Tally) -> String {
    mutate::percent(tally).unwrap_or_else(|| "–".to_owned())
}

/// How the score is made.
const FORMULA: &str = "Score: killed / (killed + survived). A change is killed if a check fails for the changed response. \
                       Accepted survivors, changes that mean the same, and incidental header fields do not count.";

/// What was measured, in one line.
fn sentence(measured: &Measured) -> String {
    let Tally {
        killed,
        survived,
        accepted,
        equivalent,
    } = measured.total;
    let mut parts = vec![
        format!("{} killed", figure(killed)),
        format!("{} survived", figure(survived)),
    ];
    if accepted > 0 {
        parts.push(format!("{} accepted", figure(accepted)));
    }
    if equivalent > 0 {
        parts.push(format!("{} mean the same", figure(equivalent)));
    }
    let all = killed + survived + accepted + equivalent;
    format!(
        "{} changed responses of {}: {}",
        figure(all),
        of_cases(measured),
        parts.join(", ")
    )
}

fn of_cases(measured: &Measured) -> String {
    if measured.cases < measured.selected {
        format!("{} of {}", figure(measured.cases), cases(measured.selected))
    } else {
        cases(measured.cases)
    }
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

/// The cases of the survivors: `s/a, s/b, + 2 more`.
fn whose(group: &Group) -> String {
    let mut cases: Vec<&str> = group.survivors.iter().map(|survivor| survivor.case.as_str()).collect();
    cases.dedup();
    cases.truncate(3);
    let more = group.cases.saturating_sub(cases.len());
    let mut text = cases.join(", ");
    if more > 0 {
        let _ = write!(text, ", + {more} more");
    }
    text
}

/// What is said of a group without advice.
fn without_advice(group: &Group) -> String {
    let hint = group.hint.clone();
    hint.unwrap_or_else(|| "no check was found that passes for the recorded response and fails for this".to_owned())
}

/// What the first survivor was, and is.
fn changed(group: &Group) -> Option<String> {
    let first = group.survivors.first()?;
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "(absent)".to_owned());
    Some(format!("{} → {}", text(&first.before), text(&first.after)))
}
