//! A suite before it is written: what every format is read into.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::{DraftFile, Names, Value, credentials::is_credential};
use crate::suite::is_reserved;

/// A suite to write.
#[derive(Clone, Default)]
pub struct SuiteDraft {
    /// What the requests were written for, in a few words: the name of the suite.
    pub name: String,
    /// The origin of the requests, `https://api.example.com`, unless it is a variable.
    pub origin: Option<String>,
    /// What the base URL is in the source: the origin, or a variable.
    pub(super) base: Option<String>,
    /// The inputs of the suite.
    pub inputs: Vec<DraftInput>,
    /// Constants of the suite that contain inputs, by name.
    pub vars: Vec<(String, Value)>,
    /// The names of captures, in any case.
    pub captured: BTreeSet<String>,
    /// The credentials in the source, by the names of their inputs. They are written nowhere.
    pub secrets: Vec<(String, String)>,
    /// The cases.
    pub cases: Vec<DraftCase>,
    /// The name of the document that describes the API, in the schema folder.
    pub openapi: Option<String>,
    /// The files of the document, by their paths in the schema folder, unless they are there already.
    pub documents: Vec<DraftFile>,
    /// What all requests of the suite have in common: `auth` and header fields.
    pub(super) common: DraftRequest,
    /// Parts of the source that belong to no case and were not imported.
    pub notes: Vec<String>,
    /// The variables of all texts.
    pub names: Names,
}

/// An input that a target has to supply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DraftInput {
    /// Its name.
    pub name: String,
    /// Where it is used: "the header field `Authorization`".
    pub description: String,
    /// Whether it is a credential.
    pub is_secret: bool,
    /// Whether the value in the source is too short to be masked; false if there is no value.
    pub is_short: bool,
    /// The value in the source of an input that is not a credential.
    pub default: Option<String>,
}

/// A case.
#[derive(Clone, Debug)]
pub struct DraftCase {
    /// The name of its file, without the extension.
    pub file: String,
    /// Its name, a sentence.
    pub title: String,
    /// More about it.
    pub description: Option<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// Why it cannot be run as it is.
    pub skip: Option<String>,
    /// What it changes on the server.
    pub effects: Vec<String>,
    /// Constants of the case, by name.
    pub vars: Vec<(String, Value)>,
    /// Whether cookies that responses set are sent in later steps.
    pub has_cookies: bool,
    /// Steps before the others.
    pub setup: Vec<DraftStep>,
    /// Its steps; one is written as a case with a request.
    pub steps: Vec<DraftStep>,
    /// Steps that always run, after the others.
    pub teardown: Vec<DraftStep>,
    /// Parts of the original that belong to no step and were not imported.
    pub notes: Vec<String>,
}

impl Default for DraftCase {
    fn default() -> Self {
        Self {
            file: String::new(),
            title: String::new(),
            description: None,
            tags: Vec::new(),
            skip: None,
            effects: Vec::new(),
            vars: Vec::new(),
            has_cookies: true,
            setup: Vec::new(),
            steps: Vec::new(),
            teardown: Vec::new(),
            notes: Vec::new(),
        }
    }
}

/// A request and the expected response.
#[derive(Clone, Debug, Default)]
pub struct DraftStep {
    /// Its id in the case.
    pub id: String,
    /// Maximum time for the request, such as `30s`.
    pub timeout: Option<String>,
    /// The operation in the document of the suite, if its method and path are not enough.
    pub operation: Option<String>,
    /// The request.
    pub request: DraftRequest,
    /// The step whose `Location` is requested, instead of the path.
    pub follow: Option<String>,
    /// The time within which the response must be as expected, for a request that is repeated.
    pub eventually: Option<Json>,
    /// The expected response.
    pub expect: DraftExpect,
    /// Values for later steps.
    pub captures: Vec<DraftCapture>,
    /// Parts of the original request that were not imported.
    pub notes: Vec<String>,
    /// The response, if it is known.
    pub response: Option<DraftResponse>,
}

/// An expected response. Its texts can contain variables.
#[derive(Clone, Debug)]
pub struct DraftExpect {
    /// The status: a code, a class such as `2xx`, or a list of them.
    pub status: Json,
    /// Header fields: the value, or tests of it.
    pub headers: Vec<(String, Json)>,
    /// Cookies: tests of each.
    pub cookies: Vec<(String, Json)>,
    /// The keys of `body`.
    pub body: Vec<(&'static str, Json)>,
    /// Maximum time, such as `2s`.
    pub duration: Option<String>,
    /// Whether the response is compared with a stored snapshot.
    pub snapshot: bool,
    /// Pointers to values of the snapshot that differ each time.
    pub redact: Vec<String>,
    /// Parts of the original that were not imported.
    pub notes: Vec<String>,
}

impl Default for DraftExpect {
    fn default() -> Self {
        Self {
            status: Json::from("2xx"),
            headers: Vec::new(),
            cookies: Vec::new(),
            body: Vec::new(),
            duration: None,
            snapshot: false,
            redact: Vec::new(),
            notes: Vec::new(),
        }
    }
}

/// A value of a response for later steps.
#[derive(Clone, Debug, PartialEq)]
pub struct DraftCapture {
    /// The name of the variable.
    pub name: String,
    /// A JSON pointer, a `JSONPath`, or a mapping, as in a case.
    pub source: Json,
    /// Whether it is a credential.
    pub is_secret: bool,
}

/// A response that is known when its request is imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DraftResponse {
    /// The status code.
    pub status: u16,
    /// Header fields in order.
    pub headers: Vec<(String, String)>,
    /// The content without content codings.
    pub body: Vec<u8>,
}

/// A request.
#[derive(Clone, Debug, Default)]
pub struct DraftRequest {
    /// The method.
    pub method: String,
    /// The path from the origin.
    pub path: Value,
    /// The values of the names in braces in the path.
    pub params: Vec<(String, Value)>,
    /// The query.
    pub query: Option<DraftQuery>,
    /// User and password of Basic authentication.
    pub basic: Option<(Value, Value)>,
    /// A token that is sent as `Authorization`.
    pub bearer: Option<Value>,
    /// Whether no credentials are sent, not even those of the suite or the target.
    pub is_anonymous: bool,
    /// Header fields in their order; a name may occur several times.
    pub headers: Vec<(String, Value)>,
    /// Header fields that would be sent by default, and are not.
    pub removed: Vec<String>,
    /// The content.
    pub content: Option<DraftContent>,
}

/// A query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DraftQuery {
    /// Parameters, percent-encoded as a case does.
    Fields(Vec<(String, Value)>),
    /// Text that is sent unchanged.
    Raw(Value),
}

/// The content of a request.
#[derive(Clone, Debug)]
pub enum DraftContent {
    /// A JSON value whose compact form is the original.
    Json(Json),
    /// Form fields, percent-encoded as a case does.
    Form(Vec<(String, Value)>),
    /// Text.
    Text(Value),
    /// Parts of `multipart/form-data`.
    Multipart(Vec<DraftPart>),
    /// Bytes, which are written to a file with this name.
    File(String, Vec<u8>),
}

/// A part of `multipart/form-data`.
#[derive(Clone, Debug)]
pub struct DraftPart {
    /// The name of the field.
    pub name: Value,
    /// The content.
    pub content: DraftPartContent,
    /// The media type.
    pub content_type: Option<Value>,
    /// The name of the file.
    pub file_name: Option<Value>,
}

/// The content of a part.
#[derive(Clone, Debug)]
pub enum DraftPartContent {
    /// Text.
    Text(Value),
    /// Bytes, which are written to a file with this name.
    File(String, Vec<u8>),
}

impl SuiteDraft {
    /// The notes of the draft and of all cases, each with the file that it is in.
    pub fn notes(&self) -> Vec<(String, &str)> {
        let own = self.notes.iter().map(|note| ("suite.yaml".to_owned(), note.as_str()));
        let of_cases = self.cases.iter().flat_map(|case| {
            let of_steps = case.all_steps();
            let of_steps = of_steps.flat_map(|step| step.notes.iter().chain(&step.expect.notes));
            let all = case.notes.iter().chain(of_steps);
            all.map(|note| (format!("{}.yaml", case.file), note.as_str()))
        });
        own.chain(of_cases).collect()
    }

    /// A text as it is shown: with `{{ name }}` for variables.
    pub fn shown(&self, text: &str) -> String {
        self.names.template(text)
    }

    /// The input of this name; a new one if there is none.
    pub(super) fn input(&mut self, input: DraftInput) {
        match self.inputs.iter_mut().find(|known| known.name == input.name) {
            Some(known) => known.is_secret |= input.is_secret,
            None => self.inputs.push(input),
        }
    }

    /// Whether a case has a file of this name.
    pub(super) fn has_file(&self, name: &str) -> bool {
        self.cases.iter().any(|case| case.file == name)
    }

    /// Whether a name has a value without an input: a constant, or a capture.
    pub(super) fn is_defined(&self, name: &str) -> bool {
        self.captured.contains(name) || self.vars.iter().any(|(known, _)| known == name)
    }

    /// Whether a name is used for a variable of the draft.
    pub(super) fn is_taken(&self, name: &str) -> bool {
        self.is_defined(name) || self.inputs.iter().any(|input| input.name == name)
    }

    /// Takes the most frequent of the base URLs that are variables in the source.
    pub(super) fn choose_base(&mut self, bases: impl Iterator<Item = String>) {
        let mut counts: Vec<(String, usize)> = Vec::new();
        for base in bases {
            match counts.iter_mut().find(|(known, _)| *known == base) {
                Some((_, count)) => *count += 1,
                None => counts.push((base, 1)),
            }
        }
        // Of equal ones, the first.
        let best = counts.into_iter().rev().max_by_key(|(_, count)| *count);
        self.base = best.map(|(base, _)| base);
        self.origin = self.base.clone().filter(|base| base.starts_with("http"));
    }

    /// Why a request to this origin cannot be sent to the target of the others. The first origin is that of the suite.
    pub(super) fn other_origin(&mut self, origin: Option<&str>) -> Option<String> {
        let origin = origin?;
        let first = self.base.get_or_insert_with(|| origin.to_owned());
        if self.origin.is_none() && first.starts_with("http") {
            self.origin = Some(first.clone());
        }
        (first != origin).then(|| format!("the origin {origin}: the suite is for {first}"))
    }

    /// Declares the variables that have no value as inputs.
    pub(super) fn declare_variables(&mut self, description: &str) {
        let mut used = BTreeSet::new();
        let mut undefined = BTreeSet::new();
        let take = |text: &str, used: &mut BTreeSet<String>| used.extend(self.names.used(text));
        for (_, text) in &self.vars {
            take(text, &mut used);
        }
        for case in &self.cases {
            let mut of_case = BTreeSet::new();
            case.each_text(&mut |text| take(text, &mut of_case));
            of_case.retain(|name| !case.vars.iter().any(|(known, _)| known == name));
            undefined.append(&mut of_case);
        }
        used.append(&mut undefined);
        for name in used {
            if !self.is_taken(&name) && !is_reserved(&name) {
                self.input(DraftInput {
                    is_secret: is_credential(&name),
                    name,
                    description: description.to_owned(),
                    is_short: false,
                    default: None,
                });
            }
        }
    }
}

impl DraftCase {
    /// Its steps in the order in which they run.
    pub(super) fn all_steps(&self) -> impl Iterator<Item = &DraftStep> {
        self.setup.iter().chain(&self.steps).chain(&self.teardown)
    }

    /// The same, to change them.
    pub(super) fn all_steps_mut(&mut self) -> impl Iterator<Item = &mut DraftStep> {
        self.setup.iter_mut().chain(&mut self.steps).chain(&mut self.teardown)
    }

    /// Passes the texts that can contain variables.
    fn each_text(&self, take: &mut dyn FnMut(&str)) {
        for (_, text) in &self.vars {
            take(text);
        }
        for step in self.all_steps() {
            step.request.each_text(take);
            let expect = &step.expect;
            each_string(&expect.status, take);
            let body = expect.body.iter().map(|(_, value)| value);
            for value in (expect.headers.iter().chain(&expect.cookies))
                .map(|(_, value)| value)
                .chain(body)
            {
                each_string(value, take);
            }
        }
    }
}

impl DraftRequest {
    /// Passes the texts that can contain variables.
    fn each_text(&self, take: &mut dyn FnMut(&str)) {
        take(&self.method);
        take(&self.path);
        let fields = |fields: &[(String, Value)], take: &mut dyn FnMut(&str)| {
            for (_, value) in fields {
                take(value);
            }
        };
        fields(&self.params, take);
        fields(&self.headers, take);
        if let Some(token) = &self.bearer {
            take(token);
        }
        if let Some((user, password)) = &self.basic {
            take(user);
            take(password);
        }
        match &self.query {
            Some(DraftQuery::Raw(text)) => take(text),
            Some(DraftQuery::Fields(query)) => fields(query, take),
            None => {}
        }
        match &self.content {
            Some(DraftContent::Text(text)) => take(text),
            Some(DraftContent::Form(form)) => fields(form, take),
            Some(DraftContent::Json(value)) => each_string(value, take),
            Some(DraftContent::Multipart(parts)) => {
                for part in parts {
                    let optional = [&part.content_type, &part.file_name].into_iter().flatten();
                    optional.chain([&part.name]).for_each(|text| take(text));
                    if let DraftPartContent::Text(text) = &part.content {
                        take(text);
                    }
                }
            }
            Some(DraftContent::File(..)) | None => {}
        }
    }
}

/// Passes the strings of a value.
fn each_string(value: &Json, take: &mut dyn FnMut(&str)) {
    match value {
        Json::String(text) => take(text),
        Json::Array(items) => items.iter().for_each(|item| each_string(item, take)),
        Json::Object(entries) => entries.values().for_each(|value| each_string(value, take)),
        _ => {}
    }
}
