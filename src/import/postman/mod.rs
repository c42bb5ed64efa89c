//! Collections of Postman (v2.0 and v2.1) and their environments.

mod auth;
mod example;
mod format;
pub(super) mod script;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use serde_json::Value as Json;

use self::{
    auth::PostmanAuth,
    format::{PostmanBody, PostmanCollection, PostmanItem, PostmanRequest, PostmanText, PostmanUrl},
    script::TestScript,
};
use super::{
    DraftCapture, DraftPart, DraftPartContent, DraftStep, ImportError, ReadFile, SuiteDraft,
    credentials::Secrets,
    groups::{ImportedStep, groups},
    names::{name_of, short},
    source_text,
    tool_request::{ToolContent, ToolRequest, ToolResult},
    url::UrlStyle,
    variables::Variables,
};

const HELP: &str = "export the collection as v2.1 (JSON)";

/// Maximum depth of folders.
const DEPTH: usize = 32;

/// Reads a collection. `environments` are the names and contents of exported environments or globals; later ones override earlier ones. `read` reads
/// the files of contents.
pub fn postman(
    bytes: Vec<u8>,
    environments: Vec<(String, Vec<u8>)>,
    read: ReadFile<'_>,
) -> Result<SuiteDraft, ImportError> {
    let text = source_text::text_of(bytes)?;
    let collection: PostmanCollection = source_text::json(&text, "a collection of Postman", HELP)?;
    let mut variables = Variables::default();
    let mut notes = Vec::new();
    for variable in &collection.variable {
        variable.add(&mut variables);
    }
    for (name, environment) in environments {
        let environment: format::PostmanEnvironment = source_text::text_of(environment)
            .and_then(|text| source_text::json(&text, "an environment of Postman", HELP))
            .map_err(|error| error.in_file(&name))?;
        for variable in &environment.values {
            variable.add(&mut variables);
        }
    }
    let name = short(&collection.info.name);
    let mut draft = SuiteDraft {
        name: if name.is_empty() {
            "Imported from Postman".to_owned()
        } else {
            name
        },
        ..SuiteDraft::default()
    };
    let mut all = Vec::new();
    notes.extend(scripts(&collection.event, "the collection").2);
    let root = PostmanFolder {
        path: Vec::new(),
        auth: collection.auth.as_ref(),
        depth: 0,
    };
    root.collect(&collection.item, &mut all, &mut notes);
    if all.is_empty() {
        return Err(ImportError::new("the collection has no requests", HELP));
    }
    let urls = all.iter().filter_map(|(_, item)| item.request.as_ref()?.url.as_ref());
    let urls: Vec<_> = urls.map(PostmanUrl::text).collect();
    draft.choose_base(urls.iter().filter_map(|url| Some(variables.base(url)?.0)));
    let mut reader = PostmanReader {
        draft,
        variables,
        read,
        edges: Vec::new(),
    };
    let mut steps = Vec::new();
    for (index, (folder, item)) in all.iter().enumerate() {
        steps.push(reader.item(index, folder, item));
    }
    let PostmanReader {
        draft: read_draft,
        variables,
        edges,
        ..
    } = reader;
    draft = read_draft;
    draft.notes = notes;
    let mut steps: Vec<_> = steps.into_iter().map(Some).collect();
    for group in groups(steps.len(), &edges) {
        let members: Vec<_> = group.iter().filter_map(|index| steps[*index].take()).collect();
        draft.add_group(members);
    }
    variables.declare(&mut draft, "a variable of the collection");
    draft.declare_variables("a value of a request that is not imported");
    Ok(draft)
}

/// A folder of a collection.
struct PostmanFolder<'c> {
    path: Vec<&'c str>,
    auth: Option<&'c Json>,
    depth: usize,
}

impl<'c> PostmanFolder<'c> {
    fn collect(
        &self,
        items: &'c [PostmanItem],
        all: &mut Vec<((String, Option<&'c Json>), &'c PostmanItem)>,
        notes: &mut Vec<String>,
    ) {
        for item in items {
            let name = item.name.trim();
            if item.request.is_some() {
                let path = self.path.iter().copied().chain([name]);
                let path: Vec<_> = path.filter(|name| !name.is_empty()).map(short).collect();
                all.push(((path.join(" / "), self.auth), item));
                continue;
            }
            if self.depth >= DEPTH {
                notes.push(format!("the folder `{}`: it is nested too deeply", short(name)));
                continue;
            }
            notes.extend(scripts(&item.event, &format!("the folder `{}`", short(name))).2);
            let folder = PostmanFolder {
                path: self.path.iter().copied().chain([name]).collect(),
                auth: item.auth.as_ref().or(self.auth),
                depth: self.depth + 1,
            };
            folder.collect(&item.item, all, notes);
        }
    }
}

/// The text of the test script, notes about the other scripts, and notes about all.
fn scripts(events: &[format::PostmanEvent], owner: &str) -> (String, Vec<String>, Vec<String>) {
    let (mut tests, mut others, mut all) = (String::new(), Vec::new(), Vec::new());
    for event in events.iter().filter(|event| !event.disabled) {
        let text = event
            .script
            .as_ref()
            .map(format::PostmanScript::text)
            .unwrap_or_default();
        if script::is_empty(&text) {
            continue;
        }
        let what = if event.listen == "test" { "test" } else { "pre-request" };
        all.push(format!("the {what} script of {owner}"));
        if event.listen == "test" {
            tests.push_str(&text);
            tests.push('\n');
        } else {
            others.push("the pre-request script".to_owned());
        }
    }
    (tests, others, all)
}

/// Credentials that are added once the URL is known.
#[derive(Default)]
struct LateCredentials {
    basic: Option<(String, String)>,
    /// A parameter of the query.
    parameter: Option<String>,
}

fn has_authorization(headers: &[(String, String)]) -> bool {
    headers
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case("authorization"))
}

struct PostmanReader<'r> {
    draft: SuiteDraft,
    variables: Variables,
    read: ReadFile<'r>,
    edges: Vec<(usize, usize)>,
}

impl PostmanReader<'_> {
    fn item(&mut self, index: usize, folder: &(String, Option<&Json>), item: &PostmanItem) -> ImportedStep {
        let (name, folder_auth) = folder;
        let mut notes = Vec::new();
        let fallback = PostmanRequest::default();
        let request = item.request.as_ref().unwrap_or(&fallback);
        let (tests, others, _) = scripts(&item.event, "");
        notes.extend(others);
        self.variables.needs.clear();
        let result = self.request(request, *folder_auth, &item.protocol_profile_behavior, &mut notes);
        let needs = std::mem::take(&mut self.variables.needs);
        self.edges.extend(needs.into_iter().map(|other| (other, index)));
        let mut step = DraftStep::default();
        let skip = match result {
            Ok(result) => {
                step.request = result.request;
                result.skip
            }
            Err(reason) => {
                let reason = format!("the URL: {reason}");
                notes.push(reason.clone());
                "/".clone_into(&mut step.request.path);
                "GET".clone_into(&mut step.request.method);
                Some(reason)
            }
        };
        let TestScript {
            expect,
            sets,
            has_status,
        } = script::read(&tests);
        step.expect = expect;
        example::add(&item.response, &mut step.expect, has_status);
        for (variable, source) in sets {
            let name = self.variables.capture(&variable, index, &mut self.draft);
            step.captures.push(DraftCapture {
                is_secret: super::credentials::is_credential(&name),
                name,
                source,
            });
        }
        step.notes = notes;
        ImportedStep {
            name: if name.is_empty() {
                "request".to_owned()
            } else {
                name.clone()
            },
            description: request
                .description
                .as_ref()
                .and_then(PostmanText::text)
                .filter(|text| !text.trim().is_empty()),
            tags: Vec::new(),
            skip,
            step,
        }
    }

    fn request(
        &mut self,
        request: &PostmanRequest,
        folder_auth: Option<&Json>,
        behavior: &Json,
        notes: &mut Vec<String>,
    ) -> Result<ToolResult, String> {
        let mut tool = ToolRequest {
            method: request
                .method
                .clone()
                .unwrap_or_else(|| "GET".to_owned())
                .to_ascii_uppercase(),
            style: UrlStyle::postman(),
            ..ToolRequest::default()
        };
        let url = request.url.as_ref().map(PostmanUrl::text).unwrap_or_default();
        let auth = PostmanAuth::of(request.auth.as_ref().or(folder_auth), notes);
        for header in request
            .header
            .iter()
            .filter(|header| !header.disabled && !header.key.is_empty())
        {
            let value = header.value.as_deref().unwrap_or_default();
            let value = self.text(value, notes);
            tool.headers
                .push((literal(&header.key, notes), value.trim().to_owned()));
        }
        let LateCredentials { basic, parameter } = match auth {
            Some(auth) => self.authenticate(auth, &mut tool, notes),
            None => LateCredentials::default(),
        };
        self.url(url, &mut tool, notes);
        if let Some(parameter) = parameter {
            tool.url.push(if tool.url.contains('?') { '&' } else { '?' });
            tool.url.push_str(&parameter);
        }
        let keeps_body = behavior.get("disableBodyPruning") == Some(&Json::Bool(true));
        let has_body = keeps_body || !matches!(tool.method.as_str(), "GET" | "HEAD" | "COPY" | "PURGE" | "UNLOCK");
        match request.body.as_ref().filter(|body| !body.is_empty()) {
            Some(body) if has_body => tool.content = self.content(body, notes),
            Some(_) => notes.push(format!(
                "the content of the {} request: Postman does not send it",
                tool.method
            )),
            None => {}
        }
        let mut result = tool.build("content.bin", &mut self.draft, notes)?;
        let is_authorized = has_authorization(&result.request.headers);
        let mut secrets = Secrets::new(&mut self.draft);
        let user = basic.or(result.user.take().filter(|_| !is_authorized));
        if let Some((user, password)) = user {
            secrets.basic(&mut result.request, &user, &password, "the Basic authentication");
        }
        secrets.hide(&mut result.request);
        Ok(result)
    }

    fn authenticate(&mut self, auth: PostmanAuth, tool: &mut ToolRequest, notes: &mut Vec<String>) -> LateCredentials {
        let mut credentials = LateCredentials::default();
        let is_authorized = has_authorization(&tool.headers);
        match auth {
            PostmanAuth::Bearer(token) if !is_authorized => {
                let token = self.text(&token, notes);
                let field = ("Authorization".to_owned(), format!("Bearer {token}"));
                tool.headers.insert(0, field);
            }
            PostmanAuth::Basic(user, password) if !is_authorized => {
                credentials.basic = Some((self.text(&user, notes), self.text(&password, notes)));
            }
            PostmanAuth::Key { name, value, is_query } => {
                let value = self.text(&value, notes);
                let name = literal(&name, notes);
                let kind = if is_query { "query parameter" } else { "header field" };
                let location = format!("the {kind} `{name}`");
                let value = Secrets::new(&mut self.draft).secret(&name_of(&name), &value, &location);
                if is_query {
                    credentials.parameter = Some(format!("{name}={value}"));
                } else {
                    tool.headers.push((name, value));
                }
            }
            PostmanAuth::Bearer(_) | PostmanAuth::Basic(..) => {}
        }
        credentials
    }

    fn url(&mut self, mut url: String, tool: &mut ToolRequest, notes: &mut Vec<String>) {
        if let Some((base, rest)) = self.variables.base(&url) {
            tool.base = Some(base);
            url = rest;
        } else if !url.contains("://") && !url.starts_with("{{") {
            url.insert_str(0, "http://");
        }
        tool.url = self.text(&url, notes);
    }

    fn text(&mut self, text: &str, notes: &mut Vec<String>) -> String {
        self.variables.text(text, &mut self.draft, notes)
    }

    fn content(&mut self, body: &PostmanBody, notes: &mut Vec<String>) -> ToolContent {
        match body.mode.as_deref().unwrap_or_default() {
            "raw" => {
                let text = self.text(body.raw.as_deref().unwrap_or_default(), notes);
                let language = body.options.pointer("/raw/language").and_then(Json::as_str);
                let kind = match language.unwrap_or_default() {
                    "json" => "application/json",
                    "xml" => "application/xml",
                    "html" => "text/html",
                    "javascript" => "application/javascript",
                    _ => "text/plain",
                };
                ToolContent::Bytes(text.into_bytes(), Some(kind))
            }
            "urlencoded" => {
                let pairs = body.urlencoded.iter().filter(|pair| !pair.disabled);
                let pairs = pairs.map(|pair| {
                    let value = pair.value.as_deref().unwrap_or_default();
                    (self.text(&pair.key, notes), self.text(value, notes))
                });
                ToolContent::Form(pairs.collect())
            }
            "formdata" => {
                let mut parts = Vec::new();
                for pair in body.formdata.iter().filter(|pair| !pair.disabled) {
                    self.part(pair, &mut parts, notes);
                }
                ToolContent::Parts(parts)
            }
            "file" => {
                let source = body.file.get("src").and_then(Json::as_str);
                match source.map(|name| (self.read)(name).map_err(|reason| format!("`{}`: {reason}", short(name)))) {
                    Some(Ok(bytes)) => ToolContent::Bytes(bytes, None),
                    other => {
                        let why = other
                            .and_then(Result::err)
                            .unwrap_or_else(|| "it has no path".to_owned());
                        notes.push(format!("the file of the content: {why}"));
                        ToolContent::None
                    }
                }
            }
            "graphql" => {
                let query = body.graphql.get("query").and_then(Json::as_str).unwrap_or_default();
                let query = self.text(query, notes);
                // Postman sends the variables as they are written.
                let mut text = format!("{{\"query\":{}", Json::from(query));
                if let Some(name) = body.graphql.get("operationName").and_then(Json::as_str) {
                    let _ = write!(text, ",\"operationName\":{}", Json::from(name));
                }
                match body.graphql.get("variables") {
                    Some(Json::String(written)) if !written.trim().is_empty() => {
                        let _ = write!(text, ",\"variables\":{}", self.text(written, notes));
                    }
                    Some(other @ Json::Object(_)) => {
                        let _ = write!(text, ",\"variables\":{other}");
                    }
                    Some(Json::String(_)) => text.push_str(",\"variables\":{}"),
                    _ => {}
                }
                text.push('}');
                ToolContent::Bytes(text.into_bytes(), Some("application/json"))
            }
            other => {
                notes.push(format!("the content of the mode `{}`", short(other)));
                ToolContent::None
            }
        }
    }

    fn part(&mut self, pair: &format::PostmanPart, parts: &mut Vec<DraftPart>, notes: &mut Vec<String>) {
        let name = self.text(&pair.key, notes);
        let mut add = |content: DraftPartContent, file_name: Option<String>, kind: Option<String>| {
            parts.push(DraftPart {
                name: name.clone(),
                content,
                content_type: kind,
                file_name,
            });
        };
        let kind = pair.content_type.clone().filter(|kind| !kind.is_empty());
        if pair.kind.as_deref() != Some("file") {
            let value = self
                .variables
                .text(pair.value.as_deref().unwrap_or_default(), &mut self.draft, notes);
            add(DraftPartContent::Text(value), None, kind);
            return;
        }
        let sources: Vec<&str> = match &pair.src {
            Json::String(one) => vec![one],
            Json::Array(all) => all.iter().filter_map(Json::as_str).collect(),
            _ => Vec::new(),
        };
        if sources.is_empty() {
            notes.push(format!("the form field `{}`: it has no file", short(&pair.key)));
        }
        for source in sources {
            match (self.read)(source) {
                Ok(bytes) => {
                    let base = source.rsplit(['/', '\\']).next().unwrap_or(source);
                    let kind = kind
                        .clone()
                        .unwrap_or_else(|| super::body::type_of_file(base).to_owned());
                    add(
                        DraftPartContent::File(String::new(), bytes),
                        Some(base.to_owned()),
                        Some(kind),
                    );
                }
                Err(reason) => notes.push(format!("the file `{}`: {reason}", short(source))),
            }
        }
    }
}

/// A name that cannot contain variables in a case.
fn literal(text: &str, notes: &mut Vec<String>) -> String {
    if text.contains("{{") {
        notes.push(format!("the variable in the name `{}`", short(text)));
    }
    text.trim().to_owned()
}
