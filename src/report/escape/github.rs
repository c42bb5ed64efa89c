//! Workflow commands of GitHub Actions.

use super::visible;

/// The message of a command.
pub(in crate::report) fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property of a command.
pub(in crate::report) fn property(text: &str) -> String {
    data(&visible(text)).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_and_property_contain_no_separator() {
        assert_eq!(data("100%0A\r\n::x, y"), "100%250A%0D%0A::x, y");
        assert_eq!(property("a,line=1::b%\n\u{1b}"), "a%2Cline=1%3A%3Ab%25\\n\\u{1b}");
    }
}
