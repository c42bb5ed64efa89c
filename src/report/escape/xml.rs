//! Text of XML elements. The characters of markup are escaped by the XML writer.

use super::{inert_lines, lines};

/// Text without characters that XML forbids and without commands of CI systems. Jenkins and GitLab attach the file that `[[ATTACHMENT|path]]` names, so that
/// is escaped too: a response must not choose a file.
pub(in crate::report) fn text(text: &str) -> String {
    inert_lines(&lines(text)).replace("[[ATTACHMENT|", "[[ATTACHMENT\\u{7c}")
}
