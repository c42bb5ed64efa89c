//! Suites as people write them: folders of YAML files, loaded strictly; all errors are reported together with their
//! locations.
//!
//! `load` finds the files, merges each case into its `suite.yaml`, and decodes the result into [`Case`]s whose values
//! are still [`Template`]s. This module does not depend on targets and sends no requests.

mod amend;
mod auth;
mod decode;
mod decode_body;
mod decode_content;
mod decode_cookie;
mod decode_expect;
mod decode_pattern;
mod decode_probe;
mod def;
mod def_body;
mod def_probe;
mod def_step;
mod editor_schema;
mod editor_types;
mod explored;
mod inherit;
mod load;
mod ready;
mod steps;
mod template;
mod vacuous;

pub(crate) use amend::{Amended, CaseFile};
pub use auth::{AuthDef, BasicDef};
pub(crate) use decode::wrong_query;
pub(crate) use decode_body::{MAX_EVENTS, fewer_events, wrong_count};
pub(crate) use decode_expect::{
    contains_nothing, every_status, is_sha256, matches_everything, status_item, wrong_sha256,
};
pub(crate) use decode_pattern::{not_comparable, wrong_size};
pub use def::{
    BodyDef, Case, CaseDef, ContentDef, CookieDef, CookieTestDef, DurationDef, ExampleRow, ExpectDef, HeaderDef,
    InputDef, JsonDef, MatcherDef, NamedValue, PartContent, PartDef, PatternDef, PatternDefKind, QueryDef, RequestDef,
    SnapshotsDef, StatusDef, Suite, SuiteDef, TextTestDef, WaiverDef, Written,
};
pub use def_body::{EventsDef, LinesDef, XmlDef};
pub use def_probe::{ProbeDef, ProbeRow};
pub use def_step::{CaptureDef, EventuallyDef, FollowDef, MailDef, StepDef, ThroughoutDef};
pub(crate) use editor_schema::describe_keys;
pub use editor_schema::{case_schema, suite_schema};
pub use explored::ExploredDef;
pub(crate) use explored::ExploredFile;
pub(crate) use inherit::{inherit, inherit_step};
pub(crate) use load::load_files;
pub use load::{BrokenSuite, Suites, load};
pub use ready::ready;
pub(crate) use template::{BASE_URL, ENCODED, RESERVED, is_name, is_reserved};
pub use template::{Filter, Template, TemplatePart};
pub(crate) use vacuous::never_reached;
