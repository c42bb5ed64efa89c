//! Checks of the response as a whole whose expectation contains no variables.

use std::time::Duration;

use super::{Finding, ResponseView, show_duration, sink::FindingSink};
use crate::model::{CheckId, Location};

/// An expectation of the response as a whole.
#[derive(Clone, Debug)]
pub enum ResponseTest {
    /// `duration`: the maximum time from the start of the request to the end of the response.
    Duration(Duration),
}

pub(super) fn check(test: &ResponseTest, location: &Location, view: &ResponseView<'_>, sink: &mut impl FindingSink) {
    match test {
        ResponseTest::Duration(limit) if view.elapsed() > *limit => sink.fail(CheckId::Duration.info().layer, || {
            Finding::new(CheckId::Duration, "the response took too long")
                .expected(format!("at most {}", show_duration(*limit)))
                .actual(show_duration(view.elapsed()))
                .location(location)
        }),
        ResponseTest::Duration(_) => {}
    }
}
