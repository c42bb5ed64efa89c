//! The parts of a document, each with its location.

use serde_json::Value;

use crate::json;

/// A part of a document: a file and a JSON pointer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DocumentPart {
    /// The file, by number; 0 is the document itself.
    pub(crate) file: usize,
    /// The JSON pointer in it.
    pub pointer: String,
}

impl DocumentPart {
    /// A part of this part.
    #[must_use]
    pub fn at(&self, key: &str) -> Self {
        Self {
            file: self.file,
            pointer: json::step(&self.pointer, key),
        }
    }

    /// A part of this part, by a relative JSON pointer.
    #[must_use]
    pub fn below(&self, pointer: &str) -> Self {
        Self {
            file: self.file,
            pointer: format!("{}{pointer}", self.pointer),
        }
    }

    /// Another part of the same file.
    pub(crate) fn in_file(&self, pointer: &str) -> Self {
        Self {
            file: self.file,
            pointer: pointer.to_owned(),
        }
    }

    /// Whether it is in the document itself, not in a file that the document refers to.
    pub(crate) fn is_in_main_file(&self) -> bool {
        self.file == 0
    }

    /// The last name of the pointer.
    pub fn name(&self) -> String {
        let last = self.pointer.rsplit('/').next().unwrap_or_default();
        json::unescaped(last)
    }
}

/// A version of `OpenAPI`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ApiVersion {
    /// 3.0
    V30,
    /// 3.1
    V31,
    /// 3.2
    V32,
}

/// An operation: a method of a path.
#[derive(Clone, Debug)]
pub struct Operation {
    /// The method in upper case.
    pub method: String,
    /// The path.
    pub path: PathTemplate,
    /// Its `operationId`.
    pub id: Option<String>,
    /// Its summary.
    pub summary: Option<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// Whether it is deprecated.
    pub deprecated: bool,
    /// Its parameters, including those of its path. The header fields `Accept`, `Content-Type` and `Authorization` are left
    /// out, as `OpenAPI` ignores them.
    pub parameters: Vec<Parameter>,
    /// Its request body.
    pub body: Option<RequestBody>,
    /// Its responses.
    pub responses: Vec<DeclaredResponse>,
    /// The alternatives of security schemes; an empty alternative allows requests without credentials.
    pub security: Vec<Vec<String>>,
    /// Its location.
    pub part: DocumentPart,
}

impl Operation {
    /// The method and the path: `GET /orders/{id}`.
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path.text)
    }

    /// The declaration of a status code: its own, that of its range, or the default.
    pub fn response(&self, status: u16) -> Option<&DeclaredResponse> {
        let find = |wanted: DeclaredStatus| self.responses.iter().find(|response| response.status == wanted);
        find(DeclaredStatus::Code(status))
            .or_else(|| find(DeclaredStatus::Range(status / 100)))
            .or_else(|| find(DeclaredStatus::Default))
    }
}

/// A path with parameters in braces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathTemplate {
    /// As written.
    pub text: String,
    /// Its segments, each a list of pieces.
    pub(crate) segments: Vec<Vec<PathPiece>>,
}

/// A piece of a segment of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PathPiece {
    /// Text, percent-decoded.
    Literal(String),
    /// A parameter.
    Parameter(String),
}

impl PathTemplate {
    /// Reads a path; the error is a fragment.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let Some(rest) = text.strip_prefix('/') else {
            return Err(format!("the path `{text}` does not begin with `/`"));
        };
        let mut names = Vec::new();
        let segments = rest
            .split('/')
            .map(|segment| segment_pieces(segment, text, &mut names))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            text: text.to_owned(),
            segments,
        })
    }

    /// The names of its parameters.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().flatten().filter_map(|piece| match piece {
            PathPiece::Parameter(name) => Some(name.as_str()),
            PathPiece::Literal(_) => None,
        })
    }

    /// The path with every parameter name removed: equal for paths that match the same requests.
    pub(crate) fn shape(&self) -> String {
        let piece = |piece: &PathPiece| match piece {
            PathPiece::Literal(text) => text.replace('{', "%7B"),
            PathPiece::Parameter(_) => "{}".to_owned(),
        };
        let segments = self.segments.iter();
        let segments = segments.map(|pieces| pieces.iter().map(piece).collect::<String>());
        segments.collect::<Vec<_>>().join("/")
    }
}

/// The pieces of one segment.
fn segment_pieces(segment: &str, path: &str, names: &mut Vec<String>) -> Result<Vec<PathPiece>, String> {
    let mut pieces = Vec::new();
    let mut rest = segment;
    while !rest.is_empty() {
        let Some(open) = rest.find('{') else {
            if rest.contains('}') {
                return Err(format!("`}}` without `{{` in the path `{path}`"));
            }
            pieces.push(PathPiece::Literal(decoded(rest)));
            break;
        };
        let Some(close) = rest[open..].find('}').map(|at| open + at) else {
            return Err(format!("`{{` without `}}` in the path `{path}`"));
        };
        let name = &rest[open + 1..close];
        if name.is_empty() || name.contains('{') {
            return Err(format!("a parameter without a name in the path `{path}`"));
        }
        if names.iter().any(|known| known == name) {
            return Err(format!("`{{{name}}}` appears twice in the path `{path}`"));
        }
        if open > 0 {
            pieces.push(PathPiece::Literal(decoded(&rest[..open])));
        }
        names.push(name.to_owned());
        pieces.push(PathPiece::Parameter(name.to_owned()));
        rest = &rest[close + 1..];
    }
    Ok(pieces)
}

/// Percent-decoded, if the result is text.
pub(crate) fn decoded(text: &str) -> String {
    let decoded = percent_encoding::percent_decode_str(text).decode_utf8();
    decoded.map_or_else(|_| text.to_owned(), Into::into)
}

/// Where a parameter is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ParameterIn {
    /// In the path.
    Path,
    /// In the query.
    Query,
    /// It is the whole query (3.2).
    QueryString,
    /// A header field.
    Header,
    /// A cookie.
    Cookie,
}

impl ParameterIn {
    /// The names in documents.
    pub const NAMES: [(&'static str, Self); 5] = [
        ("path", Self::Path),
        ("query", Self::Query),
        ("querystring", Self::QueryString),
        ("header", Self::Header),
        ("cookie", Self::Cookie),
    ];

    /// Its name in documents.
    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize].0
    }
}

/// How a list or an object is written in a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterStyle {
    /// `a,b`
    Simple,
    /// `.a.b`
    Label,
    /// `;name=a,b`
    Matrix,
    /// `name=a&name=b`
    Form,
    /// `name=a%20b`
    SpaceDelimited,
    /// `name=a|b`
    PipeDelimited,
    /// `name[key]=a`
    DeepObject,
}

impl ParameterStyle {
    /// The names in documents.
    pub const NAMES: [(&'static str, Self); 8] = [
        ("simple", Self::Simple),
        ("label", Self::Label),
        ("matrix", Self::Matrix),
        ("form", Self::Form),
        ("spaceDelimited", Self::SpaceDelimited),
        ("pipeDelimited", Self::PipeDelimited),
        ("deepObject", Self::DeepObject),
        ("cookie", Self::Form),
    ];
}

/// A parameter of an operation.
#[expect(clippy::struct_excessive_bools, reason = "each is a keyword of the document")]
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Where it is sent.
    pub place: ParameterIn,
    /// Whether it must be sent.
    pub required: bool,
    /// Whether it is deprecated.
    pub deprecated: bool,
    /// How a list or an object is written.
    pub style: ParameterStyle,
    /// Whether each item or property is written separately.
    pub explode: bool,
    /// Whether reserved characters are sent as they are.
    pub allow_reserved: bool,
    /// Whether an empty value is allowed.
    pub allow_empty: bool,
    /// Its schema.
    pub schema: Option<DocumentPart>,
    /// Its content, in place of a schema and a style.
    pub content: Option<DeclaredContent>,
    /// Its examples.
    pub examples: Vec<DeclaredExample>,
    /// Its location.
    pub part: DocumentPart,
}

/// The body of a request.
#[derive(Clone, Debug)]
pub struct RequestBody {
    /// Whether it must be sent.
    pub required: bool,
    /// Its media types.
    pub content: Vec<DeclaredContent>,
    /// Its location.
    pub part: DocumentPart,
}

/// The content for a media type or a range of them.
#[derive(Clone, Debug)]
pub struct DeclaredContent {
    /// The media type or range as written.
    pub media_type: String,
    /// The schema of the content.
    pub schema: Option<DocumentPart>,
    /// The schema of each item of a stream (3.2).
    pub item_schema: Option<DocumentPart>,
    /// The examples.
    pub examples: Vec<DeclaredExample>,
    /// Its location.
    pub part: DocumentPart,
}

/// How the items of a stream are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamKind {
    /// A JSON document in each line.
    Lines,
    /// JSON documents after record separators (RFC 7464).
    Records,
    /// Server-sent events.
    Events,
}

impl StreamKind {
    /// The kind of a media type; parameters are ignored.
    pub fn of(media_type: &str) -> Option<Self> {
        let essence = media_type
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        match essence.as_str() {
            "application/jsonl"
            | "application/x-jsonl"
            | "application/jsonlines"
            | "application/x-jsonlines"
            | "application/ndjson"
            | "application/x-ndjson" => Some(Self::Lines),
            "application/json-seq" => Some(Self::Records),
            "text/event-stream" => Some(Self::Events),
            _ if essence.ends_with("+json-seq") => Some(Self::Records),
            _ => None,
        }
    }
}

/// An example.
#[derive(Clone, Debug)]
pub struct DeclaredExample {
    /// Its name, if it is one of several.
    pub name: Option<String>,
    /// The value.
    pub value: Value,
    /// Its location.
    pub part: DocumentPart,
}

/// The key of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DeclaredStatus {
    /// A status code.
    Code(u16),
    /// A range such as `2XX`, by its first digit.
    Range(u16),
    /// `default`
    Default,
}

impl std::fmt::Display for DeclaredStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Code(code) => write!(f, "{code}"),
            Self::Range(digit) => write!(f, "{digit}XX"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// A response of an operation.
#[derive(Clone, Debug)]
pub struct DeclaredResponse {
    /// Its status code or range.
    pub status: DeclaredStatus,
    /// Its description.
    pub description: Option<String>,
    /// Its header fields; `Content-Type` is left out, as `OpenAPI` ignores it.
    pub headers: Vec<DeclaredHeader>,
    /// Its media types; empty for a response without a declared body.
    pub content: Vec<DeclaredContent>,
    /// Its links.
    pub links: Vec<DeclaredLink>,
    /// Its location.
    pub part: DocumentPart,
}

/// A header field of a response.
#[derive(Clone, Debug)]
pub struct DeclaredHeader {
    /// Its name as written.
    pub name: String,
    /// Whether the response must have it.
    pub required: bool,
    /// Whether properties of an object are written as `key=value`.
    pub explode: bool,
    /// Its schema.
    pub schema: Option<DocumentPart>,
    /// Its content, in place of a schema.
    pub content: Option<DeclaredContent>,
    /// Its location.
    pub part: DocumentPart,
}

/// A link from a response to another operation.
#[derive(Clone, Debug)]
pub struct DeclaredLink {
    /// Its name.
    pub name: String,
    /// The operation, by its `operationId`.
    pub operation_id: Option<String>,
    /// The operation, by a reference to it.
    pub operation_ref: Option<String>,
    /// The parameters of the operation, each a runtime expression or a value.
    pub parameters: Vec<(String, Value)>,
    /// The request body of the operation.
    pub body: Option<Value>,
    /// Its location.
    pub part: DocumentPart,
}

/// A way to authenticate.
#[derive(Clone, Debug)]
pub struct SecurityScheme {
    /// Its name.
    pub name: String,
    /// Its type: `apiKey`, `http`, `oauth2`, `openIdConnect`, `mutualTLS`.
    pub kind: String,
    /// Of `http`: the scheme in lower case, such as `bearer`.
    pub scheme: Option<String>,
    /// Of `apiKey`: where it is sent, and under which name.
    pub key: Option<(ParameterIn, String)>,
    /// Its location.
    pub part: DocumentPart,
}
