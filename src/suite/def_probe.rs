//! Definitions of near misses: what `probe` of a case may contain.

use schemars::JsonSchema;

use super::def::Written;
use crate::probe::{Probe, ProbeChoice};

/// `probe`: near misses of the request of a case.
#[derive(Clone, Debug)]
pub struct ProbeDef {
    /// The step whose request is changed; by default the last one.
    pub step: Option<Written<String>>,
    /// What is changed.
    pub choice: ProbeChoice,
    /// The names in `parameters`.
    pub parameters: Vec<Written<String>>,
    /// The pointers in `body`.
    pub body: Vec<Written<String>>,
    /// Maximum number of rows.
    pub max: usize,
    /// Rows that are left out, by name; `*` matches any text.
    pub except: Vec<Written<String>>,
}

/// A near miss as a row of a case.
#[derive(Clone, Debug)]
pub struct ProbeRow {
    /// The near miss.
    pub probe: Probe,
    /// The index of the step whose request is changed.
    pub step: usize,
}

/// What may be written for `probe`.
#[derive(JsonSchema)]
#[schemars(rename = "Probe", deny_unknown_fields)]
#[expect(dead_code, reason = "it describes what may be written, for editors")]
pub(super) struct ProbeText {
    /// The parameters that are changed, one at a time: `all` (the default), `none`, or a list of names.
    parameters: Option<PartsText>,
    /// The parts of the body that are changed, one at a time: `all` (the default), `none`, or a list of JSON pointers, each with
    /// everything below it.
    body: Option<PartsText>,
    /// Whether methods are sent that the path does not declare; `true` by default.
    methods: Option<bool>,
    /// Maximum number of rows, 200 by default. If there are more, the rows are spread over all parts, and the number of others
    /// is reported.
    #[schemars(range(min = 1, max = 5000))]
    max: Option<u64>,
    /// Rows that are left out, by their names without the case; `*` matches any text: `"*~duplicate-key"`.
    except: Option<PartsText>,
    /// The step whose request is changed; by default the last one.
    step: Option<String>,
}

/// A word, or a list of names.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "it describes what may be written, for editors")]
pub(super) enum PartsText {
    One(String),
    Many(Vec<String>),
}
