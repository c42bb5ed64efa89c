//! Tests through the binary, against real servers on loopback. One test binary, one module a subject.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by a panic, in its helpers too"
)]
#![expect(clippy::print_stderr, reason = "a test that cannot run here says that it skipped")]

mod accessibility;
mod adopting;
mod authenticating;
mod bodies;
mod ci_action;
mod ci_files;
mod ci_releases;
mod ci_templates;
mod comparing;
mod comparison_reports;
mod connections;
mod contents;
mod coverage;
mod curl_commands;
mod decoding;
mod editor_schemas;
mod ending;
mod examples;
mod exploring;
mod flows;
mod fuzzing;
mod hostile;
#[cfg(target_os = "linux")]
mod hostile_files;
#[cfg(target_os = "linux")]
mod hostile_system;
mod html;
mod html_views;
mod importing;
mod inputs;
mod judged;
mod judging;
mod late_bytes;
mod laws;
mod loading;
mod log_commands;
mod lsp;
mod mail;
#[cfg(unix)]
mod mail_servers;
mod masking;
mod mutating;
mod mutating_advice;
mod openapi;
mod output;
mod partitions;
mod probes;
mod programs;
mod recordings;
mod reports_allure;
mod reports_ci;
mod reports_review;
mod retrying;
mod running;
mod shipped_mail;
mod snapshots;
mod starting;
mod streams;
mod support;
mod targeting;
mod tokens;
mod value_files;
mod waiting;
mod watching;
