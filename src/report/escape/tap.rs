//! Lines of the Test Anything Protocol.

use super::visible;

/// Text on a line, in which nothing is a directive.
pub(in crate::report) fn plain(text: &str) -> String {
    visible(text).replace('\\', "\\\\").replace('#', "\\#")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::quoted_yaml;

    #[test]
    fn text_stays_on_its_line_without_a_directive() {
        assert_eq!(plain("a/b[c # SKIP]\\\nnot ok 2"), "a/b[c \\# SKIP]\\\\\\\\nnot ok 2");
        assert_eq!(
            quoted_yaml("\u{0}\u{1b}\u{85}\u{2028}\u{202e}\u{feff}\u{ffff}\u{e0041}\"\\\r\n  ...\n\t漢"),
            "\"\\u0000\\u001b\\u0085\\u2028\\u202e\\ufeff\\uffff\\U000e0041\\\"\\\\\\r\\n  ...\\n\\t漢\""
        );
    }
}
