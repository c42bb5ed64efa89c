//! `conforme` sends declarative cases to an HTTP API and checks that it keeps its contract.
//!
//! Data flows one way: [`suite`] and [`project`] are read from files, bound to a target by [`plan`], sent by [`run`] through [`http`],
//! judged by [`check`], and reported as events of [`model`], masked by [`mask`], by the writers of [`report`].
//! `docs/architecture.md` lists the modules, and which may import which.

pub mod check;
pub mod cli;
pub mod compare;
pub mod explain;
#[doc(hidden)]
pub mod fuzzing;
pub mod http;
pub mod json;
pub mod mail;
pub mod mask;
pub mod model;
pub mod mutate;
pub mod plan;
pub mod project;
pub mod recording;
#[cfg(feature = "reference")]
pub mod reference;
pub mod report;
pub mod run;
pub mod schema;
pub mod session;
pub mod snapshot;
pub mod source;
pub mod suite;
mod text;
