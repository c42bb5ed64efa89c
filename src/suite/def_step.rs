//! Definitions of steps: what a step of a case may contain besides its request and expectations.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::{
    Template, TemplatePart,
    def::{DurationDef, ExpectDef, RequestDef, SnapshotsDef, Written},
    editor_types::DurationText,
};
use crate::{
    check::{CaptureOrigin, CaptureSource},
    model::Phase,
    source::Span,
};

/// One step of a case: a request and its expected response. It inherits from its case.
// What few steps have is boxed, here and in the request and expectations: there can be 100,000 case files.
#[derive(Clone, Debug, Default, JsonSchema)]
#[schemars(rename = "Step", deny_unknown_fields)]
pub struct StepDef {
    /// The step's name in its case.
    pub id: String,
    /// Its part of the case.
    #[schemars(skip)]
    pub phase: Phase,
    /// Where it was written.
    #[schemars(skip)]
    pub span: Span,
    /// Maximum time for the request, such as `10s`.
    #[schemars(with = "Option<DurationText>")]
    pub timeout: Option<DurationDef>,
    /// The client certificate that the request is sent with: a name of `[targets.NAME.identities.NAME]`, or `none` to send none.
    #[schemars(with = "Option<String>")]
    pub identity: Option<Written<String>>,
    /// The request.
    pub request: RequestDef,
    /// The expected response.
    pub expect: ExpectDef,
    /// The content of the snapshot.
    pub snapshots: SnapshotsDef,
    /// Values of the response for later steps, by name: a JSON pointer, a `JSONPath`, or a mapping.
    #[schemars(with = "BTreeMap<String, CaptureText>")]
    pub capture: Vec<CaptureDef>,
    /// The endpoint of the target that the request is sent to, instead of the target's base URL. Such a step inherits no
    /// request.
    #[schemars(with = "Option<String>")]
    pub endpoint: Option<Written<String>>,
    /// Reads a mailbox instead of sending a request.
    #[schemars(with = "Option<MailText>")]
    pub mail: Option<Box<Written<MailDef>>>,
    /// Requests the `Location` of an earlier step's response.
    #[schemars(with = "Option<FollowText>")]
    pub follow: Option<Written<FollowDef>>,
    /// Repeats the request until the response is as expected, for at most this long.
    #[schemars(with = "Option<EventuallyText>")]
    pub eventually: Option<Box<Written<EventuallyDef>>>,
    /// Repeats the request for this long; every response must be as expected.
    #[schemars(with = "Option<ThroughoutText>")]
    pub throughout: Option<Box<Written<ThroughoutDef>>>,
    /// Whether the following steps are run if this one fails.
    #[schemars(with = "Option<bool>")]
    pub go_on: bool,
    /// The `operationId` in the `OpenAPI` document of the suite that describes the request. By default, it is found by method and
    /// path.
    #[schemars(with = "Option<String>")]
    pub operation: Option<Written<String>>,
    /// The variables and captures that it uses.
    #[schemars(skip)]
    pub uses: BTreeSet<String>,
}

impl StepDef {
    /// The name of its identity, if it needs a certificate.
    pub(crate) fn certificate(&self) -> Option<&str> {
        let identity = self.identity.as_ref().map(|identity| identity.value.as_str());
        identity.filter(|name| *name != "none")
    }

    /// Where the value of one of its captures comes from.
    pub(crate) fn origin_of(&self, capture: &CaptureDef) -> CaptureOrigin {
        let part = |part: &TemplatePart| match part {
            TemplatePart::Text(text) => text.clone(),
            TemplatePart::Variable(name, _) => format!("{{{name}}}"),
        };
        let path = self.request.path.as_ref();
        let path: Option<String> = path.map(|path| path.parts.iter().map(part).collect());
        capture.source.of_request(path.as_deref())
    }

    /// The endpoint that it uses.
    pub fn endpoint(&self) -> Option<&Written<String>> {
        self.endpoint
            .as_ref()
            .or_else(|| Some(&self.mail.as_ref()?.value.endpoint))
    }

    /// Whether its response is compared with a stored snapshot.
    pub fn has_snapshot(&self) -> bool {
        self.expect.snapshot.as_ref().is_some_and(|asked| asked.value)
    }
}

/// A value of a response that later steps use by name.
#[derive(Clone, Debug)]
pub struct CaptureDef {
    /// The name.
    pub name: Arc<str>,
    /// The part of the response.
    pub source: CaptureSource,
    /// Whether it is masked in all output.
    pub secret: bool,
    /// Where it was written.
    pub span: Span,
}

/// `mail`: the messages that are read from a mailbox.
#[derive(Clone, Debug)]
pub struct MailDef {
    /// The endpoint of the mailbox.
    pub endpoint: Written<String>,
    /// The address that the messages are sent to.
    pub to: Template,
    /// The earlier step since whose request messages count; by default the start of the case.
    pub since: Option<Written<String>>,
}

/// `follow`: the step whose response names the URL.
#[derive(Clone, Debug)]
pub struct FollowDef {
    /// The id of that step.
    pub step: String,
    /// Whether a URL of another origin is requested, without credentials and cookies.
    pub allow_other_origin: bool,
}

/// `eventually`: the expectations must be met by one response within a time.
#[derive(Clone, Debug)]
pub struct EventuallyDef {
    /// Maximum time from the first request on.
    pub within: DurationDef,
    /// Time between two requests.
    pub every: DurationDef,
    /// A response that meets these expectations ends the wait: the step fails.
    pub unless: Option<ExpectDef>,
}

/// `throughout`: the expectations must be met by every response for a time.
#[derive(Clone, Debug)]
pub struct ThroughoutDef {
    /// The time.
    pub period: DurationDef,
    /// Time between two requests.
    pub every: DurationDef,
}

/// What may be written for a capture.
pub(super) struct CaptureText;

impl JsonSchema for CaptureText {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Capture".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let secret = serde_json::json!({ "type": "boolean", "description": "Masked in all output." });
        let text = |about: &str| serde_json::json!({ "type": "string", "description": about });
        let with = |name: &str, about: &str| {
            let mut properties = serde_json::Map::new();
            properties.insert(name.to_owned(), text(about));
            properties.insert("secret".to_owned(), secret.clone());
            if name == "header" {
                let about = "A regular expression with one group, which is captured.";
                properties.insert("matches".to_owned(), text(about));
            }
            serde_json::json!({
                "type": "object", "properties": properties, "required": [name], "additionalProperties": false
            })
        };
        json_schema!({
            "description": "A value of the response for later steps; it must be exactly one.",
            "oneOf": [
                text("A JSON pointer such as `/id`, or a JSONPath such as `$.items[0].id`."),
                with("json", "A JSON pointer, or a JSONPath (RFC 9535)."),
                with("header", "The name of a header field."),
                with("cookie", "The name of a cookie that the response sets."),
                with("xml", "A path to the node of an XML body whose text is captured, such as `/order/@id`."),
                with("text", "A regular expression with one group over the body as text."),
                { "type": "null" }
            ]
        })
    }
}

/// What may be written for `follow`.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "it describes what may be written, for editors")]
pub(super) enum FollowText {
    Step(String),
    Options {
        step: String,
        allow_other_origin: Option<bool>,
    },
}

/// What may be written for `mail`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "it describes what may be written, for editors")]
pub(super) struct MailText {
    /// The endpoint of the mailbox.
    endpoint: String,
    /// The address that the messages are sent to.
    to: Template,
    /// The earlier step since whose request messages count.
    since: Option<String>,
}

/// What may be written for `eventually`.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "it describes what may be written, for editors")]
pub(super) enum EventuallyText {
    Within(DurationText),
    Options {
        within: DurationText,
        every: Option<DurationText>,
        unless: Option<Box<ExpectDef>>,
    },
}

/// What may be written for `throughout`.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "it describes what may be written, for editors")]
pub(super) enum ThroughoutText {
    Period(DurationText),
    Options {
        r#for: DurationText,
        every: Option<DurationText>,
    },
}
