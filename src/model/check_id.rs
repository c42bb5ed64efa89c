//! Ids of checks, and what readers of findings have to know about a check.

use std::{borrow::Cow, cmp::Ordering, fmt};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::CREDENTIALS;

/// A kind of check, in the order in which they are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Layer {
    /// The status code.
    Status,
    /// Header fields.
    Headers,
    /// The JSON Schema of the body.
    Schema,
    /// Other demands on the body: JSON, text, empty.
    Body,
    /// The response of another case (`same_as`) and the time limit.
    Other,
    /// The built-in rules of HTTP.
    Rules,
    /// The `OpenAPI` document.
    #[serde(rename = "openapi")]
    OpenApi,
    /// The snapshot.
    Snapshot,
}

impl Layer {
    /// All of them, in order.
    pub const ALL: [Self; 8] = [
        Self::Status,
        Self::Headers,
        Self::Schema,
        Self::Body,
        Self::Other,
        Self::Rules,
        Self::OpenApi,
        Self::Snapshot,
    ];
}

/// The id of a check. It is written and recorded as text, such as `body/json`.
///
/// A new check is a variant, listed in [`CheckId::FIXED`]; the compiler names the other locations that need it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CheckId {
    /// `status`
    Status,
    /// `probe/accepted`: the server rejects a request that the document of the API does not allow.
    Accepted,
    /// `header/NAME`
    Header(HeaderId),
    /// `trailer/NAME`
    Trailer(TrailerId),
    /// `cookie/NAME`
    Cookie(CookieId),
    /// `body/empty`
    BodyEmpty,
    /// `body/schema`
    BodySchema,
    /// `body/json`
    BodyJson,
    /// `body/exact`
    BodyExact,
    /// `body/text`
    BodyText,
    /// `body/xml`
    BodyXml,
    /// `body/lines`
    BodyLines,
    /// `body/sha256`
    BodySha256,
    /// `body/bytes`
    BodyBytes,
    /// `body/file`
    BodyFile,
    /// `events`
    Events,
    /// `duration`
    Duration,
    /// `protocol`
    Protocol,
    /// `tls/refused`
    Tls,
    /// `same-as`
    SameAs,
    /// `capture/none`: the response does not contain the value that is captured.
    CaptureNone,
    /// `capture/many`: the response contains several values where one is captured.
    CaptureMany,
    /// `capture/secret`: the value is too short to be masked.
    CaptureSecret,
    /// `request/value`: a captured value cannot be sent or compared where the step uses it.
    RequestValue,
    /// `follow`: the response that is followed has no usable `Location`.
    Follow,
    /// `eventually/unless`: a response ended the wait.
    Unless,
    /// `http/message`: the response is an HTTP message.
    Message,
    /// `http/NAME` or `openapi/NAME`: a built-in rule. The rules are listed in `check::RULES`.
    Rule(RuleId),
    /// `snapshot`
    Snapshot,
    /// `findings`: the number of findings that were left out.
    Omitted,
    /// An id that only a recording contains.
    Unknown(String),
}

/// The id of a check of a header field.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HeaderId(String);

impl HeaderId {
    const PREFIX: &'static str = "header/";

    /// The field.
    pub fn name(&self) -> &str {
        &self.0[Self::PREFIX.len()..]
    }
}

/// The id of the check of a trailer field, `trailer/NAME`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TrailerId(String);

impl TrailerId {
    const PREFIX: &'static str = "trailer/";

    /// The field.
    pub fn name(&self) -> &str {
        &self.0[Self::PREFIX.len()..]
    }
}

/// The id of the check of a cookie, `cookie/NAME`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CookieId(String);

impl CookieId {
    const PREFIX: &'static str = "cookie/";

    /// The cookie.
    pub fn name(&self) -> &str {
        &self.0[Self::PREFIX.len()..]
    }
}

/// The id of a built-in rule, such as `http/date` or `openapi/status`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RuleId(Cow<'static, str>);

impl RuleId {
    const PREFIXES: [&'static str; 2] = ["http/", RuleId::OPENAPI];
    const OPENAPI: &'static str = "openapi/";
}

/// The part of a response that a check is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckedPart<'a> {
    /// The status code.
    Status,
    /// A header field.
    Header(&'a str),
    /// The body.
    Body,
    /// The response as a whole.
    Response,
}

/// What there is to know about a check.
#[derive(Clone, Copy, Debug)]
pub struct CheckInfo<'a> {
    /// The id as text.
    pub id: &'a str,
    /// Its kind.
    pub layer: Layer,
    /// What it is about.
    pub part: CheckedPart<'a>,
    /// Whether its findings are an expected and an actual value, to which the message adds nothing.
    pub compares: bool,
}

impl CheckId {
    /// The ids that contain no name.
    pub const FIXED: [Self; 26] = [
        Self::Status,
        Self::Accepted,
        Self::BodyEmpty,
        Self::BodySchema,
        Self::BodyJson,
        Self::BodyExact,
        Self::BodyText,
        Self::BodyXml,
        Self::BodyLines,
        Self::BodySha256,
        Self::BodyBytes,
        Self::BodyFile,
        Self::Events,
        Self::Duration,
        Self::Protocol,
        Self::Tls,
        Self::SameAs,
        Self::CaptureNone,
        Self::CaptureMany,
        Self::CaptureSecret,
        Self::RequestValue,
        Self::Follow,
        Self::Unless,
        Self::Message,
        Self::Snapshot,
        Self::Omitted,
    ];

    /// The id of the check of a header field.
    pub fn header(name: &str) -> Self {
        Self::Header(HeaderId(format!("{}{name}", HeaderId::PREFIX)))
    }

    /// The id of the check of a trailer field.
    pub fn trailer(name: &str) -> Self {
        Self::Trailer(TrailerId(format!("{}{name}", TrailerId::PREFIX)))
    }

    /// The id of the check of a cookie.
    pub fn cookie(name: &str) -> Self {
        Self::Cookie(CookieId(format!("{}{name}", CookieId::PREFIX)))
    }

    /// The id of a built-in rule, `http/NAME` or `openapi/NAME`.
    pub(crate) fn rule(id: &'static str) -> Self {
        Self::Rule(RuleId(Cow::Borrowed(id)))
    }

    /// What there is to know about the check.
    pub fn info(&self) -> CheckInfo<'_> {
        use CheckedPart::{Body, Header, Response, Status};
        let info = |id, layer, part, compares| CheckInfo {
            id,
            layer,
            part,
            compares,
        };
        match self {
            Self::Status => info("status", Layer::Status, Status, true),
            Self::Header(id) => info(&id.0, Layer::Headers, Header(id.name()), true),
            Self::Accepted => info("probe/accepted", Layer::Status, Status, false),
            // The id is also the name of the field in a response with both sections.
            Self::Trailer(id) => info(&id.0, Layer::Headers, Header(&id.0), true),
            Self::Cookie(id) => info(&id.0, Layer::Headers, Header("set-cookie"), true),
            Self::BodyEmpty => info("body/empty", Layer::Body, Body, true),
            Self::BodySchema => info("body/schema", Layer::Schema, Body, false),
            Self::BodyJson => info("body/json", Layer::Body, Body, true),
            Self::BodyExact => info("body/exact", Layer::Body, Body, true),
            Self::BodyText => info("body/text", Layer::Body, Body, true),
            Self::BodyXml => info("body/xml", Layer::Body, Body, false),
            Self::BodyLines => info("body/lines", Layer::Body, Body, true),
            Self::BodySha256 => info("body/sha256", Layer::Body, Body, true),
            Self::BodyBytes => info("body/bytes", Layer::Body, Body, true),
            Self::BodyFile => info("body/file", Layer::Body, Body, true),
            Self::Events => info("events", Layer::Body, Body, false),
            Self::Duration => info("duration", Layer::Other, Response, true),
            Self::Protocol => info("protocol", Layer::Other, Response, true),
            Self::Tls => info("tls/refused", Layer::Other, Response, true),
            Self::SameAs => info("same-as", Layer::Other, Response, false),
            Self::CaptureNone => info("capture/none", Layer::Other, Response, false),
            Self::CaptureMany => info("capture/many", Layer::Other, Response, false),
            Self::CaptureSecret => info("capture/secret", Layer::Other, Response, false),
            Self::RequestValue => info("request/value", Layer::Other, Response, false),
            Self::Follow => info("follow", Layer::Other, Response, false),
            Self::Unless => info("eventually/unless", Layer::Other, Response, false),
            Self::Message => info("http/message", Layer::Rules, Response, false),
            Self::Rule(RuleId(id)) if id.starts_with(RuleId::OPENAPI) => info(id, Layer::OpenApi, Response, false),
            Self::Rule(RuleId(id)) => info(id, Layer::Rules, Response, false),
            Self::Snapshot => info("snapshot", Layer::Snapshot, Response, false),
            Self::Omitted => info("findings", Layer::Other, Response, false),
            Self::Unknown(id) => info(id, Layer::Other, Response, false),
        }
    }

    /// What it checks, as a sentence.
    pub fn title(&self) -> String {
        let title = match self {
            Self::Status => "The status is the expected one.",
            Self::Accepted => "The server rejects a request that its OpenAPI document does not allow.",
            Self::Header(id) => return format!("The header field `{}` is the expected one.", id.name()),
            Self::Trailer(id) => return format!("The trailer field `{}` is the expected one.", id.name()),
            Self::Cookie(id) => return format!("The cookie `{}` is set as expected.", id.name()),
            Self::BodySchema => "The body is valid under its schema.",
            Self::BodyEmpty => "The response has a body or none, as expected.",
            Self::BodyJson => "The JSON body contains what is expected.",
            Self::BodyExact => "The JSON body is the expected one.",
            Self::BodyText => "The text of the body is the expected one.",
            Self::BodyXml => "The XML body contains what is expected.",
            Self::BodyLines => "The lines of the body are the expected ones.",
            Self::BodySha256 => "The body has the expected SHA-256 digest.",
            Self::BodyBytes => "The body has the expected number of bytes.",
            Self::BodyFile => "The body is the same as a file.",
            Self::Events => "The event stream begins with the expected events.",
            Self::Duration => "The response is complete in time.",
            Self::Protocol => "The response has the expected version of HTTP.",
            Self::Tls => "The server rejects the client certificate.",
            Self::Message => "The response is a well-formed HTTP message (RFC 9112 §2).",
            Self::Snapshot => "The response equals its snapshot.",
            Self::SameAs => "The response equals that of another step.",
            Self::CaptureNone | Self::CaptureMany => "The response contains exactly one value to capture.",
            Self::CaptureSecret => "A value that is captured as a secret is long enough to be masked.",
            Self::RequestValue => "Captured values can be sent where the step uses them.",
            Self::Follow => "The response that is followed has a usable `Location`.",
            Self::Unless => "No response meets the expectations of `unless`.",
            Self::Omitted => "The number of findings that are not listed.",
            Self::Rule(_) | Self::Unknown(_) => return format!("The check `{self}` passes."),
        };
        title.to_owned()
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        self.info().id
    }

    /// Whether the values of its findings are credentials.
    pub fn quotes_credentials(&self) -> bool {
        // Findings of cookies do not contain their values.
        let (CheckedPart::Header(name), false) = (self.info().part, matches!(self, Self::Cookie(_))) else {
            return false;
        };
        CREDENTIALS.iter().any(|known| name.eq_ignore_ascii_case(known))
    }
}

impl From<Cow<'_, str>> for CheckId {
    fn from(text: Cow<'_, str>) -> Self {
        if let Some(known) = Self::FIXED.into_iter().find(|known| known.as_str() == text) {
            return known;
        }
        let text = text.into_owned();
        if text.starts_with(HeaderId::PREFIX) {
            Self::Header(HeaderId(text))
        } else if text.starts_with(TrailerId::PREFIX) {
            Self::Trailer(TrailerId(text))
        } else if text.starts_with(CookieId::PREFIX) {
            Self::Cookie(CookieId(text))
        } else if RuleId::PREFIXES.iter().any(|prefix| text.starts_with(prefix)) {
            Self::Rule(RuleId(text.into()))
        } else {
            Self::Unknown(text)
        }
    }
}

impl From<&str> for CheckId {
    fn from(text: &str) -> Self {
        Cow::Borrowed(text).into()
    }
}

impl fmt::Display for CheckId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Ord for CheckId {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl PartialOrd for CheckId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Serialize for CheckId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for CheckId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<str>::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_id_is_written_and_read_as_the_same_text() {
        for id in CheckId::FIXED {
            let text = serde_json::to_string(&id).unwrap();
            assert_eq!(text, format!("\"{id}\""));
            assert_eq!(serde_json::from_str::<CheckId>(&text).unwrap(), id);
            assert!(!matches!(id, CheckId::Unknown(_)));
        }
        for text in [
            "header/",
            "header/etag",
            "trailer/",
            "trailer/x-checksum",
            "cookie/",
            "cookie/sid",
            "http/date",
            "http/",
            "openapi/status",
            "openapi/",
            "body/other",
            "x",
            "",
        ] {
            assert_eq!(CheckId::from(text).as_str(), text);
        }
        assert_eq!(CheckId::from("header/etag"), CheckId::header("etag"));
        assert_eq!(CheckId::from("http/date"), CheckId::rule("http/date"));
        assert_eq!(CheckId::from("x"), CheckId::Unknown("x".to_owned()));
    }

    #[test]
    fn credentials_are_quoted_by_checks_of_their_fields() {
        for (text, quotes) in [
            ("header/Authorization", true),
            ("header/set-cookie", true),
            ("header/etag", false),
            ("http/recommended", false),
            ("cookie", false),
        ] {
            assert_eq!(CheckId::from(text).quotes_credentials(), quotes, "{text}");
        }
    }
}
