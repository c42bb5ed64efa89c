//! Limits of reports, in one table.
//!
//! Reports contain texts of servers, so every length and every number of items is bounded. Sizes are in bytes unless the
//! name ends in `_LINES` or `_COUNT`. What is left out is always counted in the report.

// All formats.

/// An id, a name, a pointer, a path.
pub(super) const NAME: usize = 200;
/// One line of text from outside, such as a value of a finding.
pub(super) const LINE: usize = 4 << 10;
/// Findings of one attempt. Readers of XML reject text of 10 MB.
pub(super) const FINDINGS: usize = 256 << 10;
/// A command line; Linux accepts arguments of up to 128 KiB.
pub(super) const COMMAND: usize = 64 << 10;
/// Lines of a diff in a finding.
pub(super) const DIFF_LINES: usize = 200;

// A response as lines.

// Pieces that wait for the end of a report.

/// Size in memory before pieces go to a temporary file.
pub(super) const SPOOL: usize = 128 << 10;

/// The terminal.
pub(super) mod terminal {
    /// Lines of a diff.
    pub(in crate::report) const DIFF_LINES: usize = 60;
    /// Entries of a list, and cases of an item with `--verbose`.
    pub(in crate::report) const NAMED_COUNT: usize = 50;
    /// A body with `--verbose`.
    pub(in crate::report) const BODY: usize = 4096;
    /// Running cases that the progress bar names.
    pub(in crate::report) const RUNNING_COUNT: usize = 3;
}

/// TAP and `JUnit`.
pub(super) mod ci {}

/// Markdown.
pub(super) mod markdown {
    /// The document. A comment on GitHub has at most 65,536 characters.
    pub(in crate::report) const DOCUMENT: usize = 60_000;
    /// The findings of one attempt.
    pub(in crate::report) const FINDINGS: usize = 5000;
    /// A command.
    pub(in crate::report) const COMMAND: usize = 3000;
    /// Attempts before the last one.
    pub(in crate::report) const ATTEMPTS_COUNT: usize = 5;
    /// Entries of a list.
    pub(in crate::report) const LISTED_COUNT: usize = 20;
    /// A list.
    pub(in crate::report) const LIST: usize = 4000;
}

/// Annotations of GitHub Actions.
pub(super) mod github {
    /// Errors that GitHub shows of a step; the others are in the log only.
    pub(in crate::report) const SHOWN_COUNT: usize = 10;
    /// A message. GitHub cuts off after 4096 characters.
    pub(in crate::report) const MESSAGE: usize = 4096;
    /// The first finding in a message.
    pub(in crate::report) const FINDING: usize = 2000;
}

/// SARIF.
pub(super) mod sarif {
    /// Results. GitHub shows this number per run.
    pub(in crate::report) const RESULTS_COUNT: usize = 5000;
    /// A message.
    pub(in crate::report) const MESSAGE: usize = 4000;
    /// A case's id in a message.
    pub(in crate::report) const ID: usize = 400;
    /// A command.
    pub(in crate::report) const COMMAND: usize = 4000;
}

/// HTML pages.
pub(super) mod html {

    /// A body, a diff or a malformed response in the page of a run.
    pub(in crate::report) const BODY: usize = 64 << 10;
    /// The same for passed cases of a large page.
    pub(in crate::report) const BODY_IN_LARGE: usize = 1 << 10;
    /// The size from which on a page is large.
    pub(in crate::report) const LARGE: usize = 128 << 20;
    /// Lines of a diff in the page of a run.
    pub(in crate::report) const DIFF_LINES: usize = 2000;
    /// Findings of an attempt in the page of a run.
    pub(in crate::report) const FINDINGS_COUNT: usize = 200;
    /// Messages of a case that the search of the page finds.
    pub(in crate::report) const MESSAGES: usize = 4 << 10;
    /// Cases named in the page if its script does not run.
    pub(in crate::report) const NAMED_COUNT: usize = 200;
    /// Kinds of warnings in the page of a run.
    pub(in crate::report) const WARNINGS_COUNT: usize = 500;
}
