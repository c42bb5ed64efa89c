//! Limits of reports, in one table.
//!
//! Reports contain texts of servers, so every length and every number of items is bounded. Sizes are in bytes unless the
//! name ends in `_LINES` or `_COUNT`. What is left out is always counted in the report.

// All formats.

/// An id, a name, a pointer, a path.
pub(super) const NAME: usize = 200;
/// A value or a sentence of an item.
pub(super) const VALUE: usize = 500;
/// One line of text from outside, such as a value of a finding.
pub(super) const LINE: usize = 4 << 10;
/// Findings of one attempt. Readers of XML reject text of 10 MB.
pub(super) const FINDINGS: usize = 256 << 10;
/// A command line; Linux accepts arguments of up to 128 KiB.
pub(super) const COMMAND: usize = 64 << 10;
/// Lines of a diff in a finding.
pub(super) const DIFF_LINES: usize = 200;
/// A command of an item that is not a case.
pub(super) const ITEM_COMMAND: usize = 8 << 10;
/// Lines of the difference between two responses.
pub(super) const RESPONSE_DIFF_LINES: usize = 60;
/// Attempts of a case that are named before the one that explains its verdict.
pub(super) const ATTEMPTS_COUNT: usize = 5;
/// A message of an annotation or a result. GitHub cuts off annotations after 4096 characters.
pub(super) const MESSAGE: usize = 4000;
/// Cases of an item, and entries of a short list, that are named before the rest is counted.
pub(super) const CASES_COUNT: usize = 3;
/// Further values of an item.
pub(super) const VALUES_COUNT: usize = 10;
/// Items of a report of a comparison or a measurement. Failing ones come first.
pub const ITEMS_COUNT: usize = 2000;
/// Cases that were not compared or measured.
pub(super) const LEFT_OUT_COUNT: usize = 2000;
/// Causes of failures; cases with further causes share one more.
pub(super) const CAUSES_COUNT: usize = 500;
/// Targets that a headline names.
pub(super) const TARGETS_COUNT: usize = 8;

// A response as lines.

/// The body of a response.
pub(super) const RESPONSE_BODY: usize = 64 << 10;
/// One line of a response.
pub(super) const RESPONSE_LINE: usize = 2000;
/// Lines of a response.
pub(super) const RESPONSE_LINES: usize = 2000;

// Pieces that wait for the end of a report.

/// Size in memory before pieces go to a temporary file.
pub(super) const SPOOL: usize = 128 << 10;

/// The terminal.
pub(super) mod terminal {
    /// Columns of a line. Commands and paths may be longer.
    pub(in crate::report) const WIDTH: usize = 80;
    /// Items in full.
    pub(in crate::report) const ITEMS_COUNT: usize = 100;
    /// Groups of survivors with advice.
    pub const SURVIVORS_COUNT: usize = 10;
    /// Items in full with `--verbose`.
    pub(in crate::report) const ALL_ITEMS_COUNT: usize = 2000;
    /// Above this number of items, failing ones are listed first.
    pub(in crate::report) const LONG_COUNT: usize = 3;
    /// Failing items in that list, and further endpoints with the same change of a header field.
    pub(in crate::report) const LISTED_COUNT: usize = 10;
    /// Lines of a diff in a finding.
    pub(in crate::report) const DIFF_LINES: usize = 60;
    /// Entries of a list, and cases of an item with `--verbose`.
    pub(in crate::report) const NAMED_COUNT: usize = 50;
    /// Rows of cases by target.
    pub(in crate::report) const ROWS_COUNT: usize = 200;
    /// A body with `--verbose`.
    pub(in crate::report) const BODY: usize = 4096;
    /// Running cases that the progress bar names.
    pub(in crate::report) const RUNNING_COUNT: usize = 3;
}

/// Allure.
pub(super) mod allure {
    /// A body in an attachment.
    pub(in crate::report) const BODY: usize = 1 << 20;
}

/// Markdown.
pub(super) mod markdown {
    /// The document. A comment on GitHub has at most 65,536 characters.
    pub(in crate::report) const DOCUMENT: usize = 60_000;
    /// Reserved for the lines that state what is left out.
    pub(in crate::report) const REST: usize = 200;
    /// The table of items of a section.
    pub(in crate::report) const ITEMS: usize = 20_000;
    /// The table of cases by target.
    pub(in crate::report) const GRID: usize = 15_000;
    /// The list of cases that were not compared.
    pub(in crate::report) const LEFT_OUT: usize = 20_000;
    /// The findings of one attempt.
    pub(in crate::report) const FINDINGS: usize = 5000;
    /// A command.
    pub(in crate::report) const COMMAND: usize = 3000;
    /// A value in a table.
    pub(in crate::report) const CELL: usize = 80;
    /// Entries of a list.
    pub(in crate::report) const LISTED_COUNT: usize = 20;
    /// A list.
    pub(in crate::report) const LIST: usize = 4000;
    /// Rows of a table.
    pub(in crate::report) const ROWS_COUNT: usize = 100;
}

/// Annotations of GitHub Actions.
pub(super) mod github {
    /// Errors that GitHub shows of a step; the others are in the log only.
    pub(in crate::report) const SHOWN_COUNT: usize = 10;
    /// Annotations of one level for the items of a comparison or a measurement, and for the entries of one list.
    pub(in crate::report) const ITEMS_COUNT: usize = 50;
}

/// SARIF.
pub(super) mod sarif {
    /// Results. GitHub shows this number per run.
    pub(in crate::report) const RESULTS_COUNT: usize = 5000;
    /// Cases of a result.
    pub(in crate::report) const CASES_COUNT: usize = 20;
}

/// HTML pages.
pub(super) mod html {
    /// Items of a page.
    pub(in crate::report) const ITEMS_COUNT: usize = 3000;
    /// Cases of an item.
    pub(in crate::report) const CASES_COUNT: usize = 200;
    /// Rows of cases by target. Those that pass everywhere are left out first.
    pub(in crate::report) const ROWS_COUNT: usize = 5000;
    /// Cells of that table that can be opened.
    pub(in crate::report) const CELLS_COUNT: usize = 20_000;
    /// Changes that an open cell lists.
    pub(in crate::report) const CELL_CHANGES_COUNT: usize = 20;
    /// Entries of a list, rows of a table.
    pub(in crate::report) const LISTED_COUNT: usize = 2000;
    /// A sentence.
    pub(in crate::report) const TEXT: usize = 2000;
    /// A value in the row of an item.
    pub(in crate::report) const CELL: usize = 120;
    /// All responses: a browser must be able to hold the page.
    pub(in crate::report) const EVIDENCE: usize = 24 << 20;
    /// From this number of equal lines on, those in the middle are folded.
    pub(in crate::report) const FOLD_LINES: usize = 12;
    /// Lines around a difference that are not folded.
    pub(in crate::report) const CONTEXT_LINES: usize = 3;

    /// Cases whose details share an element of the page of a run, one a line.
    pub(in crate::report) const BLOCK_COUNT: usize = 200;
    /// A body, a diff or a malformed response in the page of a run.
    pub(in crate::report) const BODY: usize = 64 << 10;
    /// The same for passed cases of a large page.
    pub(in crate::report) const BODY_IN_LARGE: usize = 1 << 10;
    /// The size from which on a page is large.
    pub(in crate::report) const LARGE: usize = 128 << 20;
    /// Findings of an attempt in the page of a run.
    pub(in crate::report) const FINDINGS_COUNT: usize = 200;
    /// Messages of a case that the search of the page finds.
    pub(in crate::report) const MESSAGES: usize = 4 << 10;
    /// Cases named in the page if its script does not run.
    pub(in crate::report) const NAMED_COUNT: usize = 200;
    /// Requests of a case in the timeline.
    pub(in crate::report) const TIMED_COUNT: usize = 100;
    /// Kinds of warnings in the page of a run.
    pub(in crate::report) const WARNINGS_COUNT: usize = 500;
}
