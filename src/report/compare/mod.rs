//! How a comparison of two versions is told: one file a format. Each takes a [`Comparison`] or a [`Matrix`] as it is, and
//! says first whether the candidate may be released.

mod account;
mod answer;
mod github;
mod html;
mod junit;
mod latency;
mod markdown;
mod release;
mod sarif;
mod tap;
mod terminal;

use std::io::{self, Write};

pub use terminal::{ComparisonOptions, tell, tell_matrix};

use super::{Format, escape::json::inert};
use crate::compare::{Comparison, Matrix};

/// Writes a comparison as a report of this format.
pub fn write(format: Format, comparison: &Comparison, sink: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Json => json(comparison, sink),
        Format::JUnit => junit::write(comparison, sink),
        Format::Tap => tap::write(comparison, sink),
        Format::Markdown => markdown::write(comparison, sink),
        Format::GitHub => github::write(comparison, sink),
        Format::Sarif => sarif::write(comparison, sink),
        Format::Html => html::write(comparison, sink),
    }
}

/// Writes what several targets answer as a report of this format.
pub fn write_matrix(format: Format, matrix: &Matrix, sink: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Json => json(matrix, sink),
        Format::JUnit => junit::write_matrix(matrix, sink),
        Format::Tap => tap::write_matrix(matrix, sink),
        Format::Markdown => markdown::write_matrix(matrix, sink),
        Format::GitHub => github::write_matrix(matrix, sink),
        Format::Sarif => sarif::write_matrix(matrix, sink),
        Format::Html => html::write_matrix(matrix, sink),
    }
}

/// One document, as it is.
fn json(of: &impl serde::Serialize, sink: &mut dyn Write) -> io::Result<()> {
    let text = serde_json::to_string_pretty(of)?;
    // The same JSON: signs stand in strings only. On standard output, CI systems read it too.
    writeln!(sink, "{}", inert(&text))
}
