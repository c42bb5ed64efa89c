//! `.http` and `.rest` files of the REST Client of VS Code and of the HTTP Client of `JetBrains`.

mod environment;

use std::collections::HashMap;

use serde_json::{Value as Json, json};

use super::{
    DraftCapture, DraftStep, ImportError, ReadFile, SuiteDraft,
    body::FORM,
    credentials::is_credential,
    groups::{ImportedStep, groups},
    names::short,
    source_text,
    tool_request::{ToolContent, ToolRequest},
    url::UrlStyle,
    variables::Variables,
};

const HELP: &str = "expected requests separated by lines that begin with `###`";

/// A request of a file.
#[derive(Debug, Default)]
struct HttpRequest {
    title: String,
    /// The name in `# @name`.
    name: Option<String>,
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body: Vec<String>,
    notes: Vec<String>,
}

/// Reads a file. `environments` are the names and contents of `http-client.env.json` and `http-client.private.env.json`,
/// `name` is that of an environment in them, and `read` reads the files of contents.
pub fn http(
    bytes: Vec<u8>,
    environments: Vec<(String, Vec<u8>)>,
    name: Option<&str>,
    read: ReadFile<'_>,
) -> Result<SuiteDraft, ImportError> {
    let text = source_text::text_of(bytes)?;
    // Variables of the file override those of an environment.
    let mut variables = Variables::default();
    let notes = environment::add(environments, name, &mut variables)?;
    let requests = requests(&text, &mut variables)?;
    if requests.is_empty() {
        return Err(ImportError::new("the file has no requests", HELP).at(1, 1));
    }
    let mut reader = HttpReader {
        draft: SuiteDraft {
            name: "Imported from an HTTP file".to_owned(),
            notes,
            ..SuiteDraft::default()
        },
        variables,
        read,
        named: HashMap::new(),
        captures: Vec::new(),
    };
    let bases = requests
        .iter()
        .filter_map(|request| Some(reader.variables.base(&request.url)?.0));
    reader.draft.choose_base(bases);
    let mut steps = Vec::new();
    let mut edges = Vec::new();
    for (index, request) in requests.iter().enumerate() {
        reader.variables.needs.clear();
        steps.push(reader.step(request));
        edges.extend(reader.variables.needs.iter().map(|other| (*other, index)));
        if let Some(name) = &request.name {
            reader.named.insert(name.clone(), index);
        }
    }
    for (index, capture) in std::mem::take(&mut reader.captures) {
        if let Some(one) = steps.get_mut(index) {
            one.step.captures.push(capture);
        }
    }
    let HttpReader {
        mut draft, variables, ..
    } = reader;
    let mut steps: Vec<_> = steps.into_iter().map(Some).collect();
    for group in groups(steps.len(), &edges) {
        let members = group.iter().filter_map(|index| steps[*index].take()).collect();
        draft.add_group(members);
    }
    variables.declare(&mut draft, "a variable of the HTTP file");
    draft.declare_variables("a value of a request that is not imported");
    Ok(draft)
}

/// The part of a request that is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum HttpPart {
    Start,
    Headers,
    Body,
    /// A script up to `%}`.
    Handler,
}

fn requests(text: &str, variables: &mut Variables) -> Result<Vec<HttpRequest>, ImportError> {
    let mut all = Vec::new();
    let mut request = HttpRequest::default();
    let mut part = HttpPart::Start;
    let mut after_handler = HttpPart::Start;
    for (number, line) in text.split('\n').enumerate() {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let trimmed = line.trim();
        if let Some(title) = trimmed.strip_prefix("###").filter(|_| part != HttpPart::Handler) {
            all.push(std::mem::take(&mut request));
            title.trim_start_matches('#').trim().clone_into(&mut request.title);
            part = HttpPart::Start;
            continue;
        }
        if part == HttpPart::Handler {
            if trimmed.ends_with("%}") {
                part = after_handler;
            }
            continue;
        }
        if (trimmed.starts_with("> {%") || trimmed.starts_with("< {%")) && part != HttpPart::Headers {
            let is_handler = trimmed.starts_with('>');
            let what = if is_handler {
                "the response handler"
            } else {
                "the pre-request script"
            };
            request.notes.push(what.to_owned());
            after_handler = part;
            part = if trimmed.ends_with("%}") {
                part
            } else {
                HttpPart::Handler
            };
            continue;
        }
        match part {
            HttpPart::Start => {
                if !start(trimmed, &mut request, variables) {
                    continue;
                }
                if !request_line(trimmed, &mut request) {
                    let column = line.chars().take_while(|c| c.is_whitespace()).count() + 1;
                    return Err(
                        ImportError::new("expected a request, such as `GET https://example.com`", HELP)
                            .at(number + 1, column),
                    );
                }
                part = HttpPart::Headers;
            }
            HttpPart::Headers if trimmed.is_empty() => part = HttpPart::Body,
            HttpPart::Headers => header(line, &mut request),
            HttpPart::Body => {
                // Where responses are stored.
                let is_output = trimmed.starts_with(">>") || trimmed.starts_with("<>");
                if trimmed.starts_with("> ") {
                    request.notes.push("the response handler".to_owned());
                } else if !is_output {
                    request.body.push(line.to_owned());
                }
            }
            HttpPart::Handler => {}
        }
    }
    all.push(request);
    all.retain(|request| !request.url.is_empty());
    Ok(all)
}

/// Reads a line between the first line of a request and its content: more of the URL, or a header field.
fn header(line: &str, request: &mut HttpRequest) {
    let trimmed = line.trim();
    let goes_on = line.starts_with([' ', '\t']) && trimmed.starts_with(['?', '&', '/']);
    let is_comment = trimmed.starts_with(['#', '/']);
    match trimmed.split_once(':') {
        _ if goes_on => request.url.push_str(trimmed),
        _ if is_comment => {}
        Some((name, value)) => request.headers.push((name.trim().to_owned(), value.trim().to_owned())),
        None => request
            .notes
            .push(format!("the line `{}`: it is not a header field", short(trimmed))),
    }
}

/// Reads a line before a request; whether it is its first line.
fn start(line: &str, request: &mut HttpRequest, variables: &mut Variables) -> bool {
    let comment = line.strip_prefix("//").or(line.strip_prefix('#'));
    if let Some(directive) = comment.and_then(|comment| comment.trim().strip_prefix('@')) {
        let (word, value) = directive.split_once([' ', '=']).unwrap_or((directive, ""));
        match word {
            "name" => request.name = Some(value.trim().to_owned()),
            "note" | "prompt" | "no-log" | "no-cookie-jar" | "no-redirect" => {}
            other => request.notes.push(format!("the directive `@{}`", short(other))),
        }
        return false;
    }
    if line.is_empty() || comment.is_some() {
        return false;
    }
    if let Some((name, value)) = line.strip_prefix('@').and_then(|rest| rest.split_once('=')) {
        variables
            .values
            .insert(name.trim().to_owned(), (value.trim().to_owned(), false));
        return false;
    }
    true
}

fn request_line(line: &str, request: &mut HttpRequest) -> bool {
    const METHODS: [&str; 9] = [
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY",
    ];
    let without_version = match line.rsplit_once(" HTTP/") {
        Some((line, _)) => line.trim_end(),
        None => line,
    };
    let (method, url) = match without_version.split_once(char::is_whitespace) {
        Some((method, url)) => (method, url.trim()),
        None => ("GET", without_version),
    };
    let is_url = url.starts_with("http")
        || url.starts_with("{{")
        || url.starts_with('/')
        || url.contains('.')
        || url.contains(':');
    if !is_url {
        return false;
    }
    if METHODS.contains(&method) {
        method.clone_into(&mut request.method);
    } else {
        "GET".clone_into(&mut request.method);
        request.notes.push(format!("the method `{}`", short(method)));
    }
    url.clone_into(&mut request.url);
    true
}

struct HttpReader<'r> {
    draft: SuiteDraft,
    variables: Variables,
    read: ReadFile<'r>,
    /// Requests by name.
    named: HashMap<String, usize>,
    captures: Vec<(usize, DraftCapture)>,
}

impl HttpReader<'_> {
    fn step(&mut self, request: &HttpRequest) -> ImportedStep {
        let mut notes = request.notes.clone();
        let mut tool = ToolRequest {
            method: request.method.clone(),
            style: UrlStyle::postman(),
            ..ToolRequest::default()
        };
        let mut url = self.with_captures(&request.url);
        if let Some((base, rest)) = self.variables.base(&url) {
            tool.base = Some(base);
            url = rest;
        } else if url.starts_with('/') {
            let host = request
                .headers
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case("host"));
            url = format!("http://{}{url}", host.map_or("localhost", |(_, host)| host));
        } else if !url.contains("://") {
            url.insert_str(0, "http://");
        }
        let path = url.split(['?', '#']).next().unwrap_or_default();
        let path = path.find("://").map_or(path, |at| {
            path[at + 3..].find('/').map_or("/", |slash| &path[at + 3 + slash..])
        });
        let fallback = format!("{} {}", request.method, if path.is_empty() { "/" } else { path });
        tool.url = self.text(&url, &mut notes);
        let mut user = None;
        for (name, value) in &request.headers {
            let value = self.with_captures(value);
            let value = self.text(&value, &mut notes);
            if name.eq_ignore_ascii_case("host") {
                continue;
            }
            match basic(&value).filter(|_| name.eq_ignore_ascii_case("authorization")) {
                Some(basic) => user = Some(basic),
                None => tool.headers.push((name.clone(), value)),
            }
        }
        tool.content = self.content(request, &mut notes);
        let mut step = DraftStep::default();
        let skip = tool.fill(&mut step, user, None, &mut self.draft, &mut notes);
        step.notes = notes;
        let title = [&request.title, request.name.as_ref().unwrap_or(&String::new())].map(|title| short(title));
        ImportedStep {
            name: title.into_iter().find(|title| !title.is_empty()).unwrap_or(fallback),
            description: None,
            tags: Vec::new(),
            skip,
            step,
        }
    }

    fn text(&mut self, text: &str, notes: &mut Vec<String>) -> String {
        self.variables.text(text, &mut self.draft, notes)
    }

    /// Declares the captures that a text uses: `{{login.response.body.$.token}}`. Variables of the file with such a value are
    /// replaced by it.
    fn with_captures(&mut self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, (value, _)) in &self.variables.values {
            if value.contains(".response.") {
                text = text.replace(&format!("{{{{{name}}}}}"), value);
            }
        }
        let names: Vec<_> = text
            .split("{{")
            .skip(1)
            .filter_map(|rest| Some(rest.split_once("}}")?.0.trim().to_owned()))
            .collect();
        for name in names {
            let Some((request, part)) = name.split_once(".response.") else {
                continue;
            };
            let Some(index) = self
                .named
                .get(request)
                .copied()
                .filter(|_| !self.variables.is_captured(&name))
            else {
                continue;
            };
            let source = if let Some(field) = part.strip_prefix("headers.") {
                json!({ "header": field.to_ascii_lowercase() })
            } else if let Some(path) = part.strip_prefix("body.") {
                let path = path.strip_prefix("$.").unwrap_or(path);
                Json::from(format!("$.{path}"))
            } else {
                continue;
            };
            let last = part
                .rsplit(['.', ']', '['])
                .find(|word| word.chars().any(char::is_alphabetic))
                .unwrap_or("value");
            let captured = self.variables.capture_as(&name, last, index, &mut self.draft);
            let capture = DraftCapture {
                is_secret: is_credential(&captured),
                name: captured,
                source,
            };
            self.captures.push((index, capture));
        }
        text
    }

    /// The content of `< file`, or of `<@ file`, which can contain variables.
    fn file(&mut self, file: &str, bytes: &mut Vec<u8>, notes: &mut Vec<String>) {
        let is_template = file.starts_with('@');
        let file = file.trim_start_matches('@').trim();
        match (self.read)(file).map(String::from_utf8) {
            Ok(Ok(text)) if is_template => bytes.extend_from_slice(self.text(&text, notes).as_bytes()),
            Ok(Ok(text)) => bytes.extend_from_slice(text.as_bytes()),
            Ok(Err(error)) => bytes.extend_from_slice(error.as_bytes()),
            Err(reason) => notes.push(format!("the file `{}`: {reason}", short(file))),
        }
    }

    fn content(&mut self, request: &HttpRequest, notes: &mut Vec<String>) -> ToolContent {
        let lines = &request.body;
        let first = lines.iter().position(|line| !line.trim().is_empty());
        let last = lines.iter().rposition(|line| !line.trim().is_empty());
        let (Some(first), Some(last)) = (first, last) else {
            return ToolContent::None;
        };
        let kind = request
            .headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        let kind = kind.map(|(_, kind)| kind.to_ascii_lowercase()).unwrap_or_default();
        let is_parts = kind.starts_with("multipart/");
        let mut bytes: Vec<u8> = Vec::new();
        for (number, line) in lines[first..=last].iter().enumerate() {
            if number > 0 && !(kind == FORM && line.trim_start().starts_with('&')) {
                bytes.extend_from_slice(if is_parts { b"\r\n" } else { b"\n" });
            }
            if let Some(file) = line.strip_prefix('<').filter(|rest| rest.starts_with([' ', '@'])) {
                self.file(file, &mut bytes, notes);
            } else {
                let line = if kind == FORM { line.trim() } else { line.as_str() };
                let line = self.with_captures(line);
                bytes.extend_from_slice(self.text(&line, notes).as_bytes());
            }
        }
        if is_parts {
            bytes.extend_from_slice(b"\r\n");
        }
        // Text without a media type is sent without one.
        ToolContent::Bytes(bytes, None)
    }
}

/// User and password of `Basic user password` or `Basic user:password`.
fn basic(value: &str) -> Option<(String, String)> {
    let (scheme, rest) = value.split_once(' ')?;
    let (user, password) = rest.trim().split_once([' ', ':'])?;
    scheme
        .eq_ignore_ascii_case("basic")
        .then(|| (user.to_owned(), password.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::test_support::{assert_parts, written};

    fn draft(text: &str) -> SuiteDraft {
        let read = |name: &str| match name {
            "./note.txt" => Ok(b"one {{ two }}\n".to_vec()),
            "vars.txt" => Ok(b"{{tenant}}".to_vec()),
            _ => Err("no such file".to_owned()),
        };
        http(text.into(), Vec::new(), None, &read)
            .map_err(|error| error.to_string())
            .unwrap()
    }

    const FILE: &str = r#"@host = https://api.example.com/v1
@tenant = acme corp
@token = {{login.response.body.$.token}}

### Log in
# @name login
POST {{host}}/login HTTP/1.1
Content-Type: application/json

{ "user": "ada", "password": "correct-horse" }

> {%
  client.test("ok", function() { });
%}

###
GET {{host}}/users
    ?tenant={{tenant}}
    &page=2
Authorization: Bearer {{token}}

### Form
POST {{host}}/form
Content-Type: application/x-www-form-urlencoded

a=1
&b=2

### Upload
POST {{host}}/upload
Content-Type: multipart/form-data; boundary=XX

--XX
Content-Disposition: form-data; name="f"; filename="note.txt"

< ./note.txt
--XX--

### Basic
{{host}}/basic
Authorization: Basic ada p1p2p3p4
"#;

    #[test]
    fn requests_become_cases_and_response_variables_captures() {
        let text = written(&draft(FILE));
        assert_parts(
            &text,
            &[
                "  tenant: { description: a variable of the HTTP file, default: acme corp }\n",
                "== log-in-flow.yaml\nname: Log in and 1 more request\nsteps:\n  - id: log-in\n    # not imported: the response handler\n",
                "text: \"{ \\\"user\\\": \\\"ada\\\", \\\"password\\\": \\\"{{ password }}\\\" }\"",
                "capture: { token: { json: \"$.token\", secret: true } }\n",
                "      path: /users\n      query: { tenant: \"{{ tenant }}\", page: \"2\" }\n      headers: { Authorization: \"Bearer {{ token }}\" }\n",
                "== form.yaml\nname: Form\nrequest:\n  method: POST\n  path: /form\n  body: { form: { a: \"1\", b: \"2\" } }\n",
                "== upload.yaml\n",
                "filename=\\\"note.txt\\\"\\r\\n\\r\\none {{ \\\"{{\\\" }} two }}\\n\\r\\n--XX--\\r\\n\"",
                "path: /basic\n  auth: { basic: { user: ada, password: \"{{ password_2 }}\" } }\n",
            ],
        );
        assert!(!text.contains("correct-horse") && !text.contains("p1p2"), "{text}");
        assert_eq!(written(&draft(&FILE.replace('\n', "\r\n"))), text);
    }

    #[test]
    fn everything_else_is_noted() {
        let draft = draft(
            "# @no-redirect\n# @odd x\nFROB http://h/a\nno header\n\n< none.txt\n\n###\n\n### Last\nGET http://other/b",
        );
        let notes: Vec<_> = draft
            .notes()
            .into_iter()
            .map(|(file, note)| format!("{file}: {note}"))
            .collect();
        let expected = [
            "get-a.yaml: the directive `@odd`",
            "get-a.yaml: the method `FROB`",
            "get-a.yaml: the line `no header`: it is not a header field",
            "get-a.yaml: the file `none.txt`: no such file",
            "last.yaml: the origin http://other: the suite is for http://h",
        ];
        assert_eq!(notes, expected);
        assert_eq!(draft.cases.len(), 2);
    }

    #[test]
    fn errors_have_a_position() {
        let none = |_: &str| Err("no file".to_owned());
        for (text, at) in [("", (1, 1)), ("###\n\n  what\n", (3, 3))] {
            assert_eq!(
                http(text.into(), Vec::new(), None, &none).err().unwrap().at,
                Some(at),
                "{text}"
            );
        }
    }
}
