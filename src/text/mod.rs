//! Text for human readers, and searching in text.

mod causes;
mod escape;
mod ids;
mod lookalike;
mod prefilter;
mod regex;

pub(crate) use causes::causes;
pub(crate) use escape::{is_unsafe, quoted_yaml, without_marks};
pub(crate) use ids::is_id;
pub(crate) use lookalike::{alone, distinct, excerpts};
pub(crate) use prefilter::Prefilter;
pub(crate) use regex::{Budget, MAX_REGEX, bounded_regex, matches_every_text, regex, regex_once};
