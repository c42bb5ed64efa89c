//! Escaping: one module for each language that a report is written in.

pub(super) mod github;
pub(super) mod html;
pub(super) mod json;
pub(super) mod markdown;
pub(super) mod sarif;
pub(super) mod tap;
mod terminal;
pub(super) mod xml;

pub(super) use terminal::{LogCommandFilter, lines};
pub use terminal::{inert_lines, visible};
