//! Texts as people read them.

mod lookalike;

pub(crate) use lookalike::{alone, distinct, excerpts};
