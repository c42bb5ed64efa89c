//! What a script needs to send a step again with the values of its own responses.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Request;

/// How a step is sent again with new captured and generated values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Repeat {
    /// The request with `{{ name }}` in place of captured and generated values, if it contains any. Cookies that earlier
    /// responses have set are not in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Request>,
    /// The names of the cookies of earlier responses that were sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cookies: Vec<String>,
    /// The step whose `Location` was requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follow: Option<String>,
    /// Where captured values are in the response.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub captures: BTreeMap<String, Origin>,
    /// How the request was repeated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Waiting>,
}

/// Where a captured value is in a response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// A JSON pointer or a `JSONPath` into the body.
    Json(String),
    /// A header field.
    Header {
        /// Its name.
        name: String,
        /// The pattern whose only group is the value.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        matches: Option<String>,
    },
    /// A cookie that the response sets.
    Cookie(String),
    /// The path to the node of an XML body whose text is the value.
    Xml(String),
    /// The pattern whose only group in the body is the value.
    Text(String),
}

/// How the request of a step was repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Waiting {
    /// Whether every response had to be as expected, and not only the last.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub throughout: bool,
    /// Maximum time in milliseconds; with `throughout`, the time.
    pub limit_ms: u64,
    /// Time between two requests in milliseconds.
    pub every_ms: u64,
}

impl Repeat {
    /// Whether the step is one request without values of other steps.
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    /// `{{ name }}` or `{{ name | filter }}`, the place of a value in [`Repeat::request`].
    pub fn place_of(name: &str, filter: Option<&str>) -> String {
        match filter {
            Some(filter) => format!("{{{{ {name} | {filter} }}}}"),
            None => format!("{{{{ {name} }}}}"),
        }
    }

    /// The name of the URL that [`Repeat::follow`] requests.
    pub const LOCATION: &str = "followed location";

    /// Precedes the name of a cookie that an earlier response has set.
    pub const COOKIE: &str = "cookie ";
}
