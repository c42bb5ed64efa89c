//! Definitions read from suite files: one struct for each mapping.
//!
//! The editor schemas are generated from these types, so a field's comment is what an editor shows.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc, time::Duration};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Number, Value};

use super::{
    AuthDef, StepDef, Template,
    def_body::{EventsDef, LinesDef, XmlDef},
    def_probe::{ProbeDef, ProbeRow, ProbeText},
    editor_types::{
        AuthText, CookieText, DurationText, EventsText, ExampleName, HeaderText, InputOrText, LengthOrRelations,
        LinesText, OneOrMany, OneOrManyTexts, Part, ProtocolText, QueryText, RefusedText, RuleTable, StatusText,
        TextTests, XmlText,
    },
    explored::{ExploredDef, ExploredText},
};
use crate::{
    check::{BodyTest, CookieFlag, Protocol, Relation, ResponseTest, SameSite, StatusSet},
    json::JsonType,
    model::{Digest, Level, Phase},
    openapi::ApiDocument,
    probe::Probe,
    schema,
    source::Span,
};

/// A value and where it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Written<T> {
    /// The value.
    pub value: T,
    /// Its location.
    pub span: Span,
}

impl<T: JsonSchema> JsonSchema for Written<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }

    fn inline_schema() -> bool {
        T::inline_schema()
    }
}

/// The named values of `vars` or of a row of `examples`, sorted by name. There can be very many rows:
/// a tree for each would be several times as large.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NamedValue(Box<[(Arc<str>, JsonDef)]>);

impl NamedValue {
    /// The value of this name.
    pub fn get(&self, name: &str) -> Option<&JsonDef> {
        let at = self.0.binary_search_by(|(known, _)| (**known).cmp(name)).ok()?;
        Some(&self.0[at].1)
    }

    /// The names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries().map(|(name, _)| name)
    }

    /// Whether the names are those of another mapping.
    pub(super) fn has_names_of(&self, other: &Self) -> bool {
        self.names().eq(other.names())
    }

    /// Whether no value contains a variable.
    pub(super) fn is_plain(&self) -> bool {
        self.entries().all(|(_, value)| value.is_plain())
    }

    /// The names and their values.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &JsonDef)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }
}

impl FromIterator<(Arc<str>, JsonDef)> for NamedValue {
    fn from_iter<T: IntoIterator<Item = (Arc<str>, JsonDef)>>(entries: T) -> Self {
        let mut entries: Vec<_> = entries.into_iter().collect();
        entries.sort_by(|(one, _), (other, _)| one.cmp(other));
        Self(entries.into_boxed_slice())
    }
}

/// An input that a target must or may supply.
#[derive(Clone, Debug, Default, JsonSchema)]
#[schemars(rename = "Input", deny_unknown_fields)]
pub struct InputDef {
    /// A description for people who set up a target.
    pub description: Option<String>,
    /// Whether it is a secret: never given by a flag, never shown.
    #[schemars(with = "Option<bool>")]
    pub secret: bool,
    /// The value if the target defines none.
    pub default: Option<String>,
    /// Whether cases that need the input are skipped on a target that does not define it; of a case that needs an endpoint in
    /// some of its steps, only these. Otherwise a run is an error.
    #[schemars(with = "Option<bool>")]
    pub optional: bool,
    /// Whether it is an endpoint of the target, such as a mailbox, and not a value.
    #[schemars(with = "Option<bool>")]
    pub endpoint: bool,
}

/// `suite.yaml`: settings shared by the cases in its folder.
#[derive(Clone, Debug, Default, JsonSchema)]
#[schemars(rename = "Suite", deny_unknown_fields)]
pub struct SuiteDef {
    /// The subject of the suite, in a few words.
    pub name: Option<String>,
    /// More about it.
    pub description: Option<String>,
    /// Variables that a target supplies, by name.
    #[schemars(with = "BTreeMap<String, InputOrText>")]
    pub inputs: Vec<(String, Written<InputDef>)>,
    /// Constants of the suite, by name.
    #[schemars(with = "BTreeMap<String, JsonDef>")]
    pub vars: NamedValue,
    /// Tags of every case.
    #[schemars(with = "OneOrMany")]
    pub tags: Vec<String>,
    /// Side effects of every case, such as `email`. See `effects` of a case.
    #[schemars(with = "OneOrMany")]
    pub effects: Vec<String>,
    /// A name that every case has as its `group`.
    pub group: Option<String>,
    /// The `OpenAPI` document that describes the API: a file in the schema folder. Every request and response is compared with
    /// it.
    #[schemars(with = "Option<String>")]
    pub openapi: Option<Arc<ApiDocument>>,
    /// Maximum time for one request, such as `10s`.
    #[schemars(with = "Option<DurationText>")]
    pub timeout: Option<DurationDef>,
    /// The client certificate of every case: a name of `[targets.NAME.identities.NAME]`, or `none` to send none.
    pub identity: Option<String>,
    /// The request that every case starts from.
    pub request: RequestDef,
    /// The expectations that every case starts from.
    pub expect: ExpectDef,
    /// The content of a snapshot.
    pub snapshots: SnapshotsDef,
    /// Changes of responses that `conforme mutate` may find undetected, each with a reason.
    pub survivors: Vec<Written<WaiverDef>>,
}

/// Changes that no case has to detect.
#[derive(Clone, Debug, Default, JsonSchema)]
#[schemars(rename = "Survivors", deny_unknown_fields)]
pub struct WaiverDef {
    /// The operator, as `conforme mutate` names it; `*` matches any text: `header/*`.
    pub operator: String,
    /// The changed part: `status`, `header date`, `body /message`, `response`; `*` matches any text. If absent, all.
    pub at: Option<String>,
    /// Cases by id; `*` matches any text. If absent, all cases of the suite.
    pub case: Option<String>,
    /// The reason why no case has to detect it.
    pub reason: String,
}

impl WaiverDef {
    /// Whether it covers the changes that this operator makes to the target.
    pub fn covers(&self, operator: &str, target: &str, case: &str) -> bool {
        let is = |pattern: &Option<String>, text: &str| pattern.as_ref().is_none_or(|pattern| is_like(pattern, text));
        is_like(&self.operator, operator) && is(&self.at, target) && is(&self.case, case)
    }
}

impl std::fmt::Display for WaiverDef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.operator)?;
        self.at.as_ref().map_or(Ok(()), |at| write!(f, " at {at}"))?;
        self.case.as_ref().map_or(Ok(()), |case| write!(f, " in {case}"))
    }
}

/// Whether a text matches a pattern in which `*` matches any text.
fn is_like(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<_> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// One case: a request and its expectations. It inherits from `suite.yaml`; `null` removes an inherited entry.
#[derive(Clone, Debug, Default, JsonSchema)]
#[schemars(rename = "Case", deny_unknown_fields)]
pub struct CaseDef {
    /// The case's purpose, in one sentence.
    pub name: Option<String>,
    /// More about it.
    pub description: Option<String>,
    /// Tags for selection: `--tag WORD`.
    #[schemars(with = "OneOrMany")]
    pub tags: Vec<String>,
    /// Why the case is skipped.
    pub skip: Option<String>,
    /// Side effects of the request, such as `email`. On targets other than loopback the case runs only if they are
    /// allowed.
    #[schemars(with = "OneOrMany")]
    pub effects: Vec<String>,
    /// Cases of one group never run at the same time, even across suites: a name for the shared resource.
    pub group: Option<String>,
    /// Constants of the case, by name.
    #[schemars(with = "BTreeMap<String, JsonDef>")]
    pub vars: NamedValue,
    /// A table that makes one case of each row: the row's name, and its values by variable.
    #[schemars(with = "BTreeMap<ExampleName, BTreeMap<String, JsonDef>>")]
    pub examples: Vec<NamedValue>,
    /// Whether cookies that responses set are sent in later steps; `true` by default.
    #[schemars(with = "Option<bool>")]
    pub cookies: Option<bool>,
    /// Near misses of the request, each a row of its own that the server must reject: what the `openapi` document of the suite
    /// does not allow.
    #[schemars(with = "Option<ProbeText>")]
    pub probe: Option<Box<Written<ProbeDef>>>,
    /// The expected response to each row of `probe`; by default status 400, 404, 405, 415 or 422.
    #[schemars(with = "Option<ExpectDef>")]
    pub expect_probe: Option<Box<Written<ExpectDef>>>,
    /// Requests that `conforme explore` found, each a row of its own: what differs from the request of the case, and the expected
    /// response.
    #[schemars(with = "BTreeMap<ExampleName, ExploredText>")]
    pub explored: Vec<ExploredDef>,
    /// The steps, in order, instead of one `request`.
    pub steps: Vec<StepDef>,
}

impl CaseDef {
    /// Whether it can send several requests, takes values from its response, or uses an endpoint.
    pub(crate) fn is_flow(&self) -> bool {
        match self.steps.as_slice() {
            [step] => {
                let is_repeated = step.eventually.is_some() || step.throughout.is_some();
                is_repeated || !step.capture.is_empty() || step.endpoint().is_some()
            }
            _ => true,
        }
    }

    /// Whether a step captures this name.
    pub(crate) fn captures(&self, name: &str) -> bool {
        self.steps
            .iter()
            .flat_map(|step| &step.capture)
            .any(|capture| *capture.name == *name)
    }

    /// The step of a case with `request`, or else the first step that tests the contract.
    pub(crate) fn main(&self) -> Option<&StepDef> {
        self.steps.iter().find(|step| step.phase == Phase::Main)
    }
}

/// A request, still with variables in it.
#[derive(Clone, Debug, Default, JsonSchema)]
#[schemars(rename = "Request", deny_unknown_fields)]
pub struct RequestDef {
    /// The method, `GET` by default.
    pub method: Option<Template>,
    /// The path below the target's base URL, such as `/users/{id}`: `{id}` is a path parameter.
    pub path: Option<Template>,
    /// Path parameters by name; each is percent-encoded as one segment.
    #[schemars(with = "BTreeMap<String, Template>")]
    pub params: Vec<(String, Template)>,
    /// Query parameters by name; a list repeats the parameter. Or the whole query as text, sent unchanged.
    #[schemars(with = "QueryText")]
    pub query: QueryDef,
    /// Header fields by name; a list repeats the field.
    #[schemars(with = "BTreeMap<String, OneOrManyTexts>")]
    pub headers: Vec<(String, Vec<Template>)>,
    /// The credentials, instead of an `Authorization` header field. `none` sends none, not even those of the target; `null`
    /// removes inherited ones.
    #[schemars(with = "Option<AuthText>")]
    pub auth: Option<Box<Written<AuthDef>>>,
    /// The content.
    pub body: Option<ContentDef>,
}

/// A query.
#[derive(Clone, Debug)]
pub enum QueryDef {
    /// Parameters by name, to be percent-encoded.
    Fields(Vec<(String, Vec<Template>)>),
    /// The whole query, sent as written.
    Raw(Template),
}

impl Default for QueryDef {
    fn default() -> Self {
        Self::Fields(Vec::new())
    }
}

/// The content of a request: exactly one of these.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(rename = "Content", deny_unknown_fields, rename_all = "kebab-case")]
pub enum ContentDef {
    /// A JSON value; sets `content-type: application/json` unless a header says otherwise.
    Json(JsonDef),
    /// Text; sets `content-type: text/plain; charset=utf-8` unless a header says otherwise.
    Text(Template),
    /// Form fields; sets `content-type: application/x-www-form-urlencoded` unless a header says otherwise.
    #[schemars(with = "BTreeMap<String, OneOrManyTexts>")]
    Form(Vec<(String, Vec<Template>)>),
    /// Parts in order (RFC 7578); sets `content-type: multipart/form-data` with a boundary unless a header says otherwise.
    Multipart(Vec<PartDef>),
    /// The bytes of a file, by its path from the case's folder; anywhere in the project.
    #[schemars(with = "String")]
    File(bytes::Bytes),
}

/// A part of a multipart body.
#[derive(Clone, Debug)]
pub struct PartDef {
    /// The name of the field.
    pub name: Template,
    /// The content.
    pub content: PartContent,
    /// The media type.
    pub content_type: Option<Template>,
    /// The name of the file.
    pub filename: Option<Template>,
}

/// The content of a part.
#[derive(Clone, Debug)]
pub enum PartContent {
    /// The bytes of a file.
    File(bytes::Bytes),
    /// Text.
    Text(Template),
    /// A JSON value.
    Json(JsonDef),
}

impl JsonSchema for PartDef {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        Part::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Part::json_schema(generator)
    }
}

/// The expected response.
#[derive(Clone, Debug, Default, JsonSchema)]
#[schemars(rename = "Expect", deny_unknown_fields)]
pub struct ExpectDef {
    /// The status code: one, a class such as `2xx`, or a list of them.
    #[schemars(with = "Option<StatusText>")]
    pub status: Option<Written<StatusDef>>,
    /// Header fields by name: the value, or tests of it. Media types are compared by meaning.
    #[schemars(with = "BTreeMap<String, HeaderText>")]
    pub headers: Vec<(String, Written<HeaderDef>)>,
    /// Trailer fields by name: the value, or tests of it, as in `headers`.
    #[schemars(with = "BTreeMap<String, HeaderText>")]
    pub trailers: Vec<(String, Written<HeaderDef>)>,
    /// Cookies that the response sets, by name: tests of each, of which all must pass for the same cookie.
    #[schemars(with = "BTreeMap<String, CookieText>")]
    pub cookies: Vec<(String, Written<CookieDef>)>,
    /// The body.
    pub body: BodyDef,
    /// Maximum time from the start of the request to the end of the response, such as `2s`.
    #[schemars(with = "Option<DurationText>")]
    pub duration: Option<Written<DurationDef>>,
    /// The first events of an event stream (`text/event-stream`), after which the connection is closed.
    #[schemars(with = "Option<EventsText>")]
    pub events: Option<Box<Written<EventsDef>>>,
    /// The version of HTTP of the response: `http/1.1` or `http/2`.
    #[schemars(with = "Option<ProtocolText>")]
    pub protocol: Option<Written<Protocol>>,
    /// The id of an earlier step whose response must be indistinguishable from this one's.
    #[schemars(with = "Option<String>")]
    pub same_as: Option<Written<String>>,
    /// Whether the response is compared with a stored snapshot.
    #[schemars(with = "Option<bool>")]
    pub snapshot: Option<Written<bool>>,
    /// `refused`: the server rejects the client certificate, or its absence, by a TLS alert, so that there is no response. It
    /// excludes all other expectations, and replaces inherited ones.
    #[schemars(with = "Option<RefusedText>")]
    pub tls: Option<Span>,
    /// Levels of the built-in HTTP rules, by id.
    #[schemars(with = "RuleTable")]
    pub rules: Vec<(String, Level)>,
}

impl ExpectDef {
    /// The expectations of the response as a whole that need no more than the values of variables.
    pub(crate) fn tests(&self, _: VariableValues<'_>) -> impl Iterator<Item = (ResponseTest, Span)> {
        let protocol = self.protocol.as_ref();
        let protocol = protocol.map(|protocol| (ResponseTest::Protocol(protocol.value), protocol.span));
        let refused = self.tls.map(|span| (ResponseTest::Refused, span));
        protocol.into_iter().chain(refused)
    }
}

/// The value of an expectation with the values of its variables.
pub(crate) type VariableValues<'v> = &'v dyn Fn(&JsonDef) -> Value;

/// Acceptable status codes.
#[derive(Clone, Debug)]
pub enum StatusDef {
    /// These.
    Fixed(StatusSet),
    /// Statuses from variables, such as the status of each row of a table, and these.
    Variable(Vec<Template>, StatusSet),
}

/// Expectations for the body; all of them are checked.
#[derive(Clone, Debug, Default, JsonSchema)]
#[schemars(rename = "Body", deny_unknown_fields)]
pub struct BodyDef {
    /// `true`: there is no body. `false`: there is one.
    #[schemars(with = "Option<bool>")]
    pub empty: Option<Written<bool>>,
    /// A JSON Schema: a file of the schema folder, with `#/pointer` to a part of it.
    #[schemars(with = "Option<String>")]
    pub schema: Option<Written<Arc<schema::Schema>>>,
    /// Part of the JSON body: the listed properties must be present, others may be. `$`-keys are matchers.
    pub json: Option<PatternDef>,
    /// The whole JSON body: nothing more, nothing less.
    pub exact: Option<Written<JsonDef>>,
    /// The body as text: the text itself, or tests of it.
    #[schemars(with = "Option<TextTests>")]
    pub text: Option<Written<Vec<TextTestDef>>>,
    /// The XML body: a path to nodes, and the value that is expected there.
    #[schemars(with = "Option<XmlText>")]
    pub xml: Option<Box<Written<XmlDef>>>,
    /// The body as a list of JSON documents, one a line, or of the rows of a CSV document: a pattern of the list.
    #[schemars(with = "Option<LinesText>")]
    pub lines: Option<Box<Written<LinesDef>>>,
    /// The SHA-256 digest of the body, content codings removed, as 64 hexadecimal digits.
    #[schemars(with = "Option<Template>")]
    pub sha256: Option<Box<Written<Template>>>,
    /// Number of bytes of the body, content codings removed: a number, or comparisons (`{ $lte: 4096 }`).
    #[schemars(with = "Option<LengthOrRelations>")]
    pub bytes: Option<Box<Written<RelationsDef>>>,
    /// The body is the same as this file, by its path from the case's folder; anywhere in the project.
    #[schemars(with = "Option<String>")]
    pub file: Option<Box<Written<BodyFile>>>,
}

/// A file that a body is compared with.
#[derive(Clone, Debug)]
pub struct BodyFile {
    /// Its path as written.
    pub name: String,
    /// Its bytes.
    pub bytes: bytes::Bytes,
}

impl BodyDef {
    /// The expectations that need no more than the values of variables.
    pub(crate) fn tests(&self, values: VariableValues<'_>) -> impl Iterator<Item = (BodyTest, Span)> {
        let empty = self
            .empty
            .as_ref()
            .map(|empty| (BodyTest::Empty(empty.value), empty.span));
        let schema = self.schema.as_ref();
        let schema = schema.map(|schema| (BodyTest::Schema(Arc::clone(&schema.value)), schema.span));
        let exact = self.exact.as_ref();
        let exact = exact.map(|exact| (BodyTest::Exact(values(&exact.value)), exact.span));
        let file = self.file.as_ref().map(|file| {
            let BodyFile { name, bytes } = file.value.clone();
            (BodyTest::File { name, bytes }, file.span)
        });
        empty.into_iter().chain(schema).chain(exact).chain(file)
    }
}

/// The content of a snapshot.
#[derive(Clone, Debug, Default, JsonSchema)]
#[schemars(rename = "Snapshots", deny_unknown_fields)]
pub struct SnapshotsDef {
    /// Header fields that belong to it, by name.
    #[schemars(with = "OneOrMany")]
    pub headers: Vec<String>,
    /// JSON pointers to values that differ each time, such as `/timestamp`; `*` matches any one step.
    #[schemars(with = "OneOrMany")]
    pub redact: Vec<String>,
}

/// Expectations for a header field.
#[derive(Clone, Debug)]
pub enum HeaderDef {
    /// It is present.
    Present,
    /// It is absent.
    Absent,
    /// It is present and passes all of these.
    Value(Vec<TextTestDef>),
}

/// Expectations for a cookie: tests, or none if the response must not set it.
pub type CookieDef = Option<Vec<CookieTestDef>>;

/// A test of a cookie.
#[derive(Clone, Debug)]
pub enum CookieTestDef {
    /// The value.
    Value(Vec<TextTestDef>),
    /// `Path`
    Path(Template),
    /// `Domain`
    Domain(Template),
    /// `HttpOnly`, `Secure` or `Partitioned`
    Flag(CookieFlag, bool),
    /// `SameSite`
    SameSite(SameSite),
    /// `Max-Age`
    MaxAge(RelationsDef),
}

/// Relations to whole numbers; all must be true.
pub(super) type RelationsDef = Vec<(Relation, Written<JsonDef>)>;

/// A duration.
#[derive(Clone, Debug)]
pub enum DurationDef {
    /// This one.
    Fixed(Duration),
    /// The value of a variable, such as the duration of each row of a table.
    Variable(Template),
}

impl DurationDef {
    /// The duration, if it does not depend on variables.
    pub(crate) fn fixed(&self) -> Option<Duration> {
        match self {
            Self::Fixed(duration) => Some(*duration),
            Self::Variable(_) => None,
        }
    }
}

/// A test of a text.
#[derive(Clone, Debug)]
pub enum TextTestDef {
    /// The same text.
    Equals(Template),
    /// It matches a pattern.
    Matches(Template),
    /// It contains the text.
    Contains(Template),
    /// It is one of these.
    OneOf(Vec<Template>),
    /// It is a date at most this far from the time of the response.
    Within(DurationDef),
}

/// A JSON value with variables in its strings.
#[derive(Clone, Debug, PartialEq)]
pub enum JsonDef {
    /// `null`, a boolean or a number.
    Plain(Value),
    /// A string. If it consists of one variable, it takes the variable's type.
    Text(Template),
    /// An array.
    List(Vec<JsonDef>),
    /// An object.
    Map(Vec<(String, JsonDef)>),
}

impl JsonDef {
    fn is_plain(&self) -> bool {
        match self {
            Self::Plain(_) => true,
            Self::Text(template) => template.variables().next().is_none(),
            Self::List(items) => items.iter().all(Self::is_plain),
            Self::Map(entries) => entries.iter().all(|(_, value)| value.is_plain()),
        }
    }

    /// The texts in it.
    pub(crate) fn templates(&self) -> Vec<&Template> {
        match self {
            Self::Plain(_) => Vec::new(),
            Self::Text(text) => vec![text],
            Self::List(items) => items.iter().flat_map(Self::templates).collect(),
            Self::Map(entries) => entries.iter().flat_map(|(_, value)| value.templates()).collect(),
        }
    }

    /// A number, for tests and defaults.
    pub fn number(number: impl Into<Number>) -> Self {
        Self::Plain(Value::Number(number.into()))
    }
}

/// A part of a body that may contain matchers.
#[derive(Clone, Debug)]
pub struct PatternDef {
    /// The expectation.
    pub kind: PatternDefKind,
    /// Its location.
    pub span: Span,
}

/// The expectation of a [`PatternDef`].
#[derive(Clone, Debug)]
pub enum PatternDefKind {
    /// This value.
    Value(JsonDef),
    /// An object with at least these properties.
    Object(Vec<(String, PatternDef)>),
    /// An array with these items.
    Array(Vec<PatternDef>),
    /// All of these matchers.
    Match(Vec<MatcherDef>),
}

/// A matcher: a `$`-key.
#[derive(Clone, Debug)]
pub enum MatcherDef {
    /// `$equals`
    Equals(JsonDef),
    /// `$matches`
    Matches(Template),
    /// `$type`
    Type(Vec<JsonType>),
    /// `$any`
    Any(bool),
    /// `$one_of`
    OneOf(Vec<JsonDef>),
    /// `$within`
    Within(DurationDef),
    /// `$status`
    Status,
    /// `$contains`
    Contains(Box<PatternDef>),
    /// `$each`
    Each(Box<PatternDef>),
    /// `$length`
    Length(RelationsDef),
    /// `$gt`, `$gte`, `$lt`, `$lte`
    Compare(Relation, Written<JsonDef>),
    /// `$not`
    Not(Box<PatternDef>),
    /// `$only`
    Only(Vec<(String, PatternDef)>),
    /// `$unordered`
    Unordered(Vec<PatternDef>),
    /// `$schema`
    Schema(Arc<schema::Schema>),
}

/// A case to run: one file, or one row of its table.
#[derive(Clone, Debug)]
pub struct Case {
    /// `suite/file` or `suite/file[example]`.
    pub id: String,
    /// The suite's id.
    pub suite: Arc<Suite>,
    /// The definition after inheritance.
    pub def: Arc<CaseDef>,
    /// The row of the table.
    pub example: Option<ExampleRow>,
    /// The near miss, if it is a row of `probe`.
    pub probe: Option<Arc<ProbeRow>>,
    /// Whether it is a row of `explored`.
    pub is_explored: bool,
    /// The inputs that its values come from, directly or through other variables.
    pub needs: Arc<[String]>,
    /// The schema files that it names.
    pub schemas: Arc<[String]>,
    /// A digest of its definition without rows: its file, its inherited values, the files it sends.
    pub digest: Digest,
    /// Where it was written.
    pub span: Span,
}

/// A row of `def.examples`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExampleRow(pub u32);

impl Case {
    /// The id of one of its steps: `folder/file:step`, or the id of the case if it has no steps.
    pub fn step_id(&self, step: &StepDef) -> String {
        if step.id.is_empty() {
            return self.id.clone();
        }
        format!("{}:{}", self.id, step.id)
    }

    /// Its id without the row: that of its file.
    pub(crate) fn file_id(&self) -> &str {
        self.id.split('[').next().unwrap_or_default()
    }

    /// Its name for people.
    pub fn name(&self) -> Option<Cow<'_, str>> {
        match &self.probe {
            Some(row) => Some(Cow::Owned(format!("Near miss: {}", row.probe.sentence()))),
            None => self.def.name.as_deref().map(Cow::Borrowed),
        }
    }

    /// The near miss, if it is of this step.
    pub(crate) fn probe_at(&self, step: usize) -> Option<&Probe> {
        let row = self.probe.as_ref()?;
        (row.step == step).then_some(&row.probe)
    }

    /// Whether it is one of several cases of a file.
    pub(crate) fn is_row(&self) -> bool {
        self.example.is_some() || self.probe.is_some() || self.is_explored
    }

    /// The row's values.
    pub fn row(&self) -> Option<&NamedValue> {
        self.def.examples.get(self.example?.0 as usize)
    }
}

/// A suite.
#[derive(Clone, Debug)]
pub struct Suite {
    /// Its folder below the case folder, `/` between names.
    pub id: String,
    /// The content of `suite.yaml`.
    pub def: SuiteDef,
}
