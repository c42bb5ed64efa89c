//! `conforme` fires declarative cases at an HTTP API and says whether it keeps its contract.
//!
//! Data flows one way: [`suite`] and [`project`] are read from files, bound to a target by [`plan`], fired by [`run`],
//! judged by [`check`], and reported as events of [`model`], masked by [`redact`], by the reporters of [`report`]. Nothing flows back.
//!
//! | room | knows | does not know |
//! |---|---|---|
//! | [`source`] | files that people write, and places in them | what they mean |
//! | [`suite`] | cases as written, inheritance, templates | targets |
//! | [`project`] | `conforme.toml`, targets, secrets | cases |
//! | [`plan`] | which case runs where, with which values | sockets |
//! | [`run`] | time, concurrency, connections | expectations |
//! | [`check`] | what an answer must be | files, sockets, the clock |
//! | [`snapshot`] | snapshot files | how answers are compared |
//! | [`model`] | events, requests, responses, findings, exit codes: the data that the modules share | |
//! | [`redact`] | every form of every secret | who reads what is left |
//! | [`recording`] | a run written down | the suite it was of |
//! | [`merge`] | several recordings as one | sockets |
//! | [`recheck`] | judging recorded answers again | sockets |
//! | [`mutate`] | what a suite would miss | sockets |
//! | [`compare`] | what differs between two recordings, and whom it breaks | sockets |
//! | [`report`] | how a run is told | the run |
//! | [`cli`] | flags, output streams | |
//! | [`fuzzing`] | what holds for any bytes, for those who try to break it | |
//! | `reference` | the API that the shipped suite is for | the rest of this crate |

pub mod check;
pub mod cli;
pub mod compare;
#[doc(hidden)]
pub mod fuzzing;
pub mod merge;
pub mod model;
pub mod mutate;
pub mod plan;
pub mod project;
pub mod recheck;
pub mod recording;
pub mod redact;
#[cfg(feature = "reference")]
pub mod reference;
pub mod report;
pub mod run;
pub mod snapshot;
pub mod source;
pub mod suite;
mod text;
