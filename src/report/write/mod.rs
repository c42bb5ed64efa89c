//! Writers: one for each format. None of them depends on a subject.

pub(super) mod github;
pub(super) mod html;
pub(super) mod json;
pub(super) mod junit;
pub(super) mod markdown;
pub(super) mod page;
pub(super) mod sarif;
pub(super) mod shell;
pub(super) mod tap;
pub(super) mod terminal;
