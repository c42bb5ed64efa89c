//! Definitions of expectations of bodies with a format of their own: XML, lines, and event streams.

use super::def::{DurationDef, JsonDef, PatternDef, Written};
use crate::check::{LineFormat, XmlPath};

/// `xml`: values of an XML body.
#[derive(Clone, Debug)]
pub struct XmlDef {
    /// Paths, and what is expected there.
    pub tests: Vec<(XmlPath, PatternDef)>,
}

/// `lines`: a body of lines.
#[derive(Clone, Debug)]
pub struct LinesDef {
    /// The form; by default that of the media type.
    pub format: Option<LineFormat>,
    /// The separator of the fields of CSV.
    pub separator: Option<char>,
    /// A pattern of the list of all lines.
    pub pattern: PatternDef,
}

/// `events`: the first events of an event stream.
#[derive(Clone, Debug)]
pub struct EventsDef {
    /// A pattern of the first events: an array.
    pub first: Option<PatternDef>,
    /// The number of events; by default that of `first`.
    pub count: Option<Written<JsonDef>>,
    /// A pattern of each event.
    pub each: Option<PatternDef>,
    /// Maximum time from the start of the request; by default that of the request.
    pub within: Option<DurationDef>,
}
