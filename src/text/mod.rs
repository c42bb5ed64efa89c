//! Text for human readers, and regular expressions.

mod lookalike;
mod regex;

pub(crate) use lookalike::{alone, distinct, excerpts};
pub(crate) use regex::{Budget, MAX_REGEX, bounded_regex, matches_every_text, regex, regex_once};
