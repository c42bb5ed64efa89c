//! The behavior of the commands as a library: everything between flags and the engine.
//!
//! A command takes a plain struct of options, reports what happens on the way through [`Notices`], and returns a value or
//! a [`SessionError`]. Nothing here reads flags or writes to a terminal.

mod accepted_schema;
mod compare;
mod config_schema;
mod coverage;
mod documents;
mod dry_run;
mod environment;
mod error;
mod explore;
mod import;
mod init;
mod inspect;
mod list;
mod lockstep;
mod masked_values;
mod matrix;
mod merge;
mod mutate;
mod names;
mod notices;
mod output_mask;
mod outputs;
mod prepared;
mod recheck;
mod report;
mod reports;
mod run;
mod schemas;
mod scratch;
mod selection;
mod snapshots;
mod target;
mod teardown;
mod toml_schema;
mod watch;
mod watched_files;
mod workspace;

pub use accepted_schema::accepted_schema;
pub use compare::{CompareRequest, compare};
pub use config_schema::config_schema;
pub use coverage::{CoverageRequest, coverage};
pub use documents::{compare_documents, is_of_documents};
pub use dry_run::{PlannedRequest, dry_run};
pub use environment::in_ci;
pub use error::SessionError;
pub use explore::{EXPLORE_EFFECT, ExploreRequest, ExploreStop, Explored, ExploredFailure, explore};
pub use import::{
    ImportRequest, Imported, OpenApiGaps, SourceFormat, document_of_recordings, draft_of, draft_of_arazzo,
    draft_of_bruno, draft_of_curl, draft_of_openapi, import, openapi_gaps, standard_input, write_document,
};
pub use init::{CiSystem, InitRequest, Initialized, init};
pub use inspect::{Inspected, inspect};
pub use list::{Counted, list, validate};
pub use lockstep::LockstepOptions;
pub use matrix::{MatrixRun, run_matrix};
pub use merge::{MergeRequest, merge};
pub use mutate::{Measurement, MutateRequest, mutate};
pub use names::{ProjectNames, names_of_project};
pub use notices::Notices;
pub use output_mask::OutputMask;
pub use recheck::{RecheckRequest, Rechecked, judge_recording, recheck, recheck_in};
pub use report::{ReportRequest, report};
pub use reports::Documents;
pub use run::{RunRequest, run, run_in, run_measured};
pub use schemas::published_schema;
pub use selection::CaseFilter;
pub use snapshots::{locations_of_project, pending_snapshots, settle_snapshots};
pub use target::TARGET_VARIABLE;
pub use teardown::{TeardownRequest, teardown};
pub use watch::WatchedProject;
pub use workspace::Workspace;
