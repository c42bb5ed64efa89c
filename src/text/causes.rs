//! Errors with their causes.

use std::error::Error;

/// An error and its causes, in one line: the message of the HTTP client alone is "error sending request".
pub(crate) fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let more = cause.to_string();
        if !text.ends_with(&more) {
            text = format!("{text}: {more}");
        }
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::causes;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct LayeredError(&'static str, #[source] Option<Box<LayeredError>>);

    #[test]
    fn causes_are_listed_unless_the_error_quotes_them() {
        let inner = || Some(Box::new(LayeredError("refused", None)));
        assert_eq!(causes(&LayeredError("not sent", inner())), "not sent: refused");
        assert_eq!(causes(&LayeredError("not sent: refused", inner())), "not sent: refused");
    }
}
