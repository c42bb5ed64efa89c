//! Files of Hurl: requests, captures and asserts in plain text.

mod entry;
mod lines;
mod response;
#[cfg(test)]
mod tests;

use serde_json::Value as Json;

use self::{
    entry::{HurlEntry, HurlSection},
    lines::{HurlBody, HurlLines},
};
use super::{
    DraftCapture, DraftPart, DraftPartContent, DraftStep, ImportError, ReadFile, SuiteDraft, body,
    credentials::is_credential,
    groups::ImportedStep,
    names::short,
    source_text,
    tool_request::{ToolContent, ToolRequest},
    url::UrlStyle,
    variables::Variables,
};

const HELP: &str = "check the file with `hurlfmt --check`";

/// Reads a file. `read` reads the files of contents.
pub fn hurl(bytes: Vec<u8>, read: ReadFile<'_>) -> Result<SuiteDraft, ImportError> {
    let text = source_text::text_of(bytes)?;
    let entries = entry::entries(&mut HurlLines::new(&text))?;
    if entries.is_empty() {
        return Err(ImportError::new("the file has no requests", HELP));
    }
    let mut reader = HurlReader {
        draft: SuiteDraft {
            name: "Imported from Hurl".to_owned(),
            ..SuiteDraft::default()
        },
        variables: Variables::default(),
        read,
    };
    let urls = entries.iter().map(|entry| entry.url.as_str());
    reader
        .draft
        .choose_base(urls.filter_map(|url| Some(reader.variables.base(url)?.0)));
    let mut steps = Vec::new();
    let mut is_session = false;
    for (index, entry) in entries.iter().enumerate() {
        is_session |= !matches!(entry.method.as_str(), "GET" | "HEAD" | "OPTIONS");
        steps.push(reader.step(index, entry));
        is_session |= !reader.variables.needs.is_empty();
    }
    let HurlReader {
        mut draft, variables, ..
    } = reader;
    // The requests of a file are sent in their order, and share cookies.
    if is_session {
        draft.add_group(steps);
    } else {
        for step in steps {
            draft.add_group(vec![step]);
        }
    }
    variables.declare(&mut draft, "a variable of the Hurl file");
    draft.declare_variables("a value of a request that is not imported");
    Ok(draft)
}

struct HurlReader<'r> {
    draft: SuiteDraft,
    variables: Variables,
    read: ReadFile<'r>,
}

impl HurlReader<'_> {
    fn step(&mut self, index: usize, entry: &HurlEntry) -> ImportedStep {
        let mut step = DraftStep::default();
        let mut notes = Vec::new();
        let mut skip = None;
        let mut user = None;
        self.options(entry, &mut step, &mut skip, &mut user, &mut notes);
        let tool = self.request(entry, &mut user, &mut notes);
        let path = tool.url.split(['?', '#']).next().unwrap_or_default().to_owned();
        let skip = tool.fill(&mut step, user, skip, &mut self.draft, &mut notes);
        let name = match path.find("://") {
            Some(at) => path[at + 3..]
                .find('/')
                .map_or("/", |slash| &path[at + 3 + slash..])
                .to_owned(),
            None => path,
        };
        let name = format!("{} {}", entry.method, self.draft.names.template(&name));
        let mut text = |text: &str, notes: &mut Vec<String>| self.variables.text(text, &mut self.draft, notes);
        let (expect, captures) = response::read(entry, &mut text, self.read);
        step.expect = expect;
        for (variable, source, is_redacted) in captures {
            let name = self.variables.capture(&variable, index, &mut self.draft);
            step.captures.push(DraftCapture {
                is_secret: is_redacted || is_credential(&name),
                name,
                source,
            });
        }
        step.notes = notes;
        ImportedStep {
            name,
            description: None,
            tags: Vec::new(),
            skip,
            step,
        }
    }

    fn text(&mut self, text: &str, notes: &mut Vec<String>) -> String {
        self.variables.text(text, &mut self.draft, notes)
    }

    /// `[Options]`.
    fn options(
        &mut self,
        entry: &HurlEntry,
        step: &mut DraftStep,
        skip: &mut Option<String>,
        user: &mut Option<(String, String)>,
        notes: &mut Vec<String>,
    ) {
        let options = entry.pairs(&[HurlSection::Options]);
        let find = |name: &str| options.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
        let retries = find("retry").and_then(|text| text.parse::<u64>().ok());
        if let Some(retries) = retries.filter(|retries| *retries > 0) {
            let every = find("retry-interval").map_or(Some(1000), millis).unwrap_or(1000).max(1);
            let within = every.saturating_mul(retries);
            step.eventually =
                Some(serde_json::json!({ "within": format!("{within}ms"), "every": format!("{every}ms") }));
        }
        for (name, value) in &options {
            match (*name, *value) {
                ("skip", "true") => *skip = Some("the option `skip` of Hurl".to_owned()),
                ("variable", value) => {
                    if let Some((name, value)) = value.split_once('=') {
                        let value = value.trim().trim_matches('"').to_owned();
                        self.variables.values.insert(name.trim().to_owned(), (value, false));
                    }
                }
                ("max-time", value) if millis(value).is_some() => {
                    step.timeout = millis(value).map(|millis| format!("{millis}ms"));
                }
                ("user", value) if value.contains(':') => {
                    let (name, password) = value.split_once(':').unwrap_or((value, ""));
                    *user = Some((self.text(name, notes), self.text(password, notes)));
                }
                ("retry", _) if retries.is_some() => {}
                (
                    "skip" | "retry-interval" | "verbose" | "very-verbose" | "verbosity" | "output" | "http1.1" | "http2" | "http3"
                    | "ipv4" | "ipv6" | "connect-timeout" | "retry-max-time" | "max-redirs",
                    _,
                )
                | (_, "false") => {}
                ("location" | "location-trusted", _) => notes.push(
                    "the option `location`: redirects are not followed; check the `location`, or add a step with `follow`"
                        .to_owned(),
                ),
                (name, _) => notes.push(format!("the option `{}`", short(name))),
            }
        }
    }

    fn request(
        &mut self,
        entry: &HurlEntry,
        user: &mut Option<(String, String)>,
        notes: &mut Vec<String>,
    ) -> ToolRequest {
        let mut tool = ToolRequest {
            method: entry.method.clone(),
            style: UrlStyle::hurl(),
            ..ToolRequest::default()
        };
        let mut url = entry.url.clone();
        if let Some((base, rest)) = self.variables.base(&url) {
            tool.base = Some(base);
            url = rest;
        }
        tool.url = self.text(&url, notes);
        for (name, value) in entry.pairs(&[HurlSection::Query]) {
            tool.url.push(if tool.url.contains('?') { '&' } else { '?' });
            let (name, value) = (self.text(name, notes), self.text(value, notes));
            tool.url.push_str(&body::percent_encoded(&name));
            tool.url.push('=');
            tool.url.push_str(&body::percent_encoded(&value));
        }
        for (name, value) in &entry.headers {
            tool.headers.push((name.clone(), self.text(value, notes)));
        }
        let cookies = entry.pairs(&[HurlSection::Cookies]);
        if !cookies.is_empty() {
            let pairs = cookies
                .iter()
                .map(|(name, value)| format!("{name}={}", self.text(value, notes)));
            let pairs: Vec<_> = pairs.collect();
            tool.headers.push(("Cookie".to_owned(), pairs.join("; ")));
        }
        if let Some((name, password)) = entry.pairs(&[HurlSection::BasicAuth]).first() {
            *user = Some((self.text(name, notes), self.text(password, notes)));
        }
        let form = entry.pairs(&[HurlSection::Form]);
        let parts = entry.pairs(&[HurlSection::Multipart]);
        tool.content = if !form.is_empty() {
            let fields = form
                .iter()
                .map(|(name, value)| (self.text(name, notes), self.text(value, notes)));
            ToolContent::Form(fields.collect())
        } else if !parts.is_empty() {
            ToolContent::Parts(
                parts
                    .iter()
                    .filter_map(|(name, value)| self.part(name, value, notes))
                    .collect(),
            )
        } else {
            self.content(entry.body.as_ref(), notes)
        };
        tool
    }

    fn content(&mut self, body: Option<&HurlBody>, notes: &mut Vec<String>) -> ToolContent {
        match body {
            None => ToolContent::None,
            Some(HurlBody::Bytes(bytes)) => ToolContent::Bytes(bytes.clone(), None),
            Some(HurlBody::Text(text, kind)) => ToolContent::Bytes(self.text(text, notes).into_bytes(), *kind),
            Some(HurlBody::Graphql(query, variables)) => {
                let query = Json::from(self.text(query, notes));
                let text = match variables {
                    Some(variables) => format!("{{\"query\":{query},\"variables\":{}}}", self.text(variables, notes)),
                    None => format!("{{\"query\":{query}}}"),
                };
                ToolContent::Bytes(text.into_bytes(), Some(body::JSON))
            }
            Some(HurlBody::File(name)) => match (self.read)(name) {
                Ok(bytes) => ToolContent::Bytes(bytes, None),
                Err(reason) => {
                    notes.push(format!("the file `{}`: {reason}", short(name)));
                    ToolContent::None
                }
            },
        }
    }

    /// A part: a text, or `file,NAME; TYPE`.
    fn part(&mut self, name: &str, value: &str, notes: &mut Vec<String>) -> Option<DraftPart> {
        let name = self.text(name, notes);
        let Some((file, kind)) = value.strip_prefix("file,").and_then(|rest| rest.split_once(';')) else {
            let content = DraftPartContent::Text(self.text(value, notes));
            return Some(DraftPart {
                name,
                content,
                content_type: None,
                file_name: None,
            });
        };
        let (file, kind) = (file.trim(), kind.trim());
        match (self.read)(file) {
            Ok(bytes) => Some(DraftPart {
                name,
                content: DraftPartContent::File(String::new(), bytes),
                content_type: Some(
                    if kind.is_empty() {
                        body::curl_type_of_file(file)
                    } else {
                        kind
                    }
                    .to_owned(),
                ),
                file_name: Some(file.rsplit('/').next().unwrap_or(file).to_owned()),
            }),
            Err(reason) => {
                notes.push(format!("the file `{}`: {reason}", short(file)));
                None
            }
        }
    }
}

/// A duration of Hurl in milliseconds: `500ms`, `2s`, `1m`, or a number of milliseconds.
pub(super) fn millis(text: &str) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..end].parse().ok()?;
    match &text[end..] {
        "" | "ms" => Some(number),
        "s" => number.checked_mul(1000),
        "m" => number.checked_mul(60_000),
        _ => None,
    }
}
