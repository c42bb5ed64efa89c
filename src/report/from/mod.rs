//! Sources: each makes a report of one subject.

mod comparison;
mod coverage;
mod documents;
mod matrix;
mod measurement;
mod response;
pub(super) mod run;
