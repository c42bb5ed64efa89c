//! `conforme` sends declarative cases to an HTTP API and checks that it keeps its contract.
//!
//! The command line is the usual way to use it. A Rust program can do the same: each command is a function of the same name
//! that takes a struct of options and returns a value or a [`SessionError`]. Nothing is printed.
//!
//! ```
//! use conforme::{CaseFilter, Exit, RunRequest};
//!
//! // One case of this repository, against the embedded reference API.
//! let request = RunRequest {
//!     project: Some(env!("CARGO_MANIFEST_DIR").into()),
//!     filter: CaseFilter { names: vec!["send-activation-email/missing-token".to_owned()], ..CaseFilter::default() },
//!     targets: vec!["reference".to_owned()],
//!     ..RunRequest::default()
//! };
//! let exit = conforme::run(&request, Box::new(()), &mut ())?;
//! assert_eq!(exit, Exit::Success);
//! # Ok::<(), conforme::SessionError>(())
//! ```
//!
//! A [`Reporter`] receives each [`Event`] of a run as it happens, with secrets masked:
//!
//! ```
//! use std::{io, sync::mpsc};
//!
//! use conforme::{Event, Masked, Reporter, RunRequest, Verdict};
//!
//! struct Verdicts(mpsc::Sender<(String, Verdict)>);
//!
//! impl Reporter for Verdicts {
//!     fn event(&mut self, event: &Masked<Event>) -> io::Result<()> {
//!         if let Event::CaseFinished(case) = &**event {
//!             self.0.send((case.id.clone(), case.verdict)).map_err(io::Error::other)?;
//!         }
//!         Ok(())
//!     }
//!
//!     fn finish(&mut self) -> io::Result<()> {
//!         Ok(())
//!     }
//! }
//!
//! let (sender, verdicts) = mpsc::channel();
//! let request = RunRequest {
//!     project: Some(env!("CARGO_MANIFEST_DIR").into()),
//!     targets: vec!["reference".to_owned()],
//!     ..RunRequest::default()
//! };
//! conforme::run(&request, Box::new(Verdicts(sender)), &mut ())?;
//! assert!(verdicts.iter().all(|(_, verdict)| verdict == Verdict::Passed));
//! # Ok::<(), conforme::SessionError>(())
//! ```
//!
//! Two recordings are compared without requests, here one with itself:
//!
//! ```
//! use conforme::{CompareRequest, RecheckRequest, RunRequest};
//!
//! let folder = tempfile::tempdir()?;
//! let recording = folder.path().join("run.ndjson");
//! let project = Some(env!("CARGO_MANIFEST_DIR").into());
//! let request = RunRequest {
//!     project,
//!     targets: vec!["reference".to_owned()],
//!     record: Some(recording.clone()),
//!     ..RunRequest::default()
//! };
//! conforme::run(&request, Box::new(()), &mut ())?;
//!
//! let path = recording.display().to_string();
//! let request = CompareRequest {
//!     project: request.project,
//!     baseline: path.clone(),
//!     candidate: path,
//!     ..CompareRequest::default()
//! };
//! let (comparison, _) = conforme::compare(&request, &mut ())?;
//! assert!(comparison.changes.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! New versions add fields to the structs of options: write `..Default::default()` after the fields that you set. Enums and
//! results are `non_exhaustive`.
//!
//! The tests of a Rust API can show every case as a test of `cargo test`: see [`libtest`].
//!
//! The names at the root of the crate, and `libtest`, are its API. The modules are public only for the tests, benchmarks and fuzzers of this
//! repository; `docs/architecture.md` lists them, and which may import which.

pub use compare::ChangeLevel;
pub use mask::{Masked, Reporter};
pub use model::{Event, Exit, Partition, Verdict};
pub use project::{Secret, TargetOptions};
pub use report::{Format, ReportSpec};
pub use run::SnapshotMode;
pub use session::{
    CaseFilter, CiSystem, CompareRequest, CoverageRequest, ImportRequest, InitRequest, LockstepOptions, MergeRequest,
    MutateRequest, Notices, RecheckRequest, ReportRequest, RunRequest, SessionError, TeardownRequest, compare,
    compare_documents, coverage, draft_of_curl, import, init, merge, mutate, recheck, report, run, teardown, validate,
};

#[doc(hidden)]
pub mod check;
#[doc(hidden)]
pub mod cli;
#[doc(hidden)]
pub mod compare;
#[doc(hidden)]
pub mod coverage;
#[doc(hidden)]
pub mod explain;
pub mod explore;
#[doc(hidden)]
pub mod fuzzing;
#[doc(hidden)]
pub mod http;
#[doc(hidden)]
pub mod import;
#[doc(hidden)]
pub mod json;
pub mod libtest;
#[doc(hidden)]
pub mod lsp;
#[doc(hidden)]
pub mod mail;
#[doc(hidden)]
pub mod mask;
#[doc(hidden)]
pub mod model;
#[doc(hidden)]
pub mod mutate;
#[doc(hidden)]
pub mod oauth;
#[doc(hidden)]
pub mod openapi;
#[doc(hidden)]
pub mod plan;
#[doc(hidden)]
pub mod probe;
#[doc(hidden)]
pub mod project;
#[doc(hidden)]
pub mod recording;
#[cfg(feature = "reference")]
#[doc(hidden)]
pub mod reference;
#[doc(hidden)]
pub mod report;
#[doc(hidden)]
pub mod run;
#[doc(hidden)]
pub mod schema;
#[doc(hidden)]
pub mod session;
#[doc(hidden)]
pub mod snapshot;
#[doc(hidden)]
pub mod source;
#[doc(hidden)]
pub mod suite;
mod text;
