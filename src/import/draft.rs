//! A suite before it is written: what every format is read into.

use serde_json::Value as Json;

use super::{Names, Value};

/// A suite to write.
#[derive(Clone, Debug, Default)]
pub struct SuiteDraft {
    /// What the requests were written for, in a few words: the name of the suite.
    pub name: String,
    /// The origin of the requests, `https://api.example.com`, unless it is a variable.
    pub origin: Option<String>,
    /// The inputs of the suite.
    pub inputs: Vec<DraftInput>,
    /// Constants of the suite that contain inputs, by name.
    pub vars: Vec<(String, Value)>,
    /// The cases.
    pub cases: Vec<DraftCase>,
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
}

/// A case with one request.
#[derive(Clone, Debug)]
pub struct DraftCase {
    /// The name of its file, without the extension.
    pub file: String,
    /// Its name, a sentence.
    pub title: String,
    /// Why it cannot be run as it is.
    pub skip: Option<String>,
    /// Maximum time for the request, such as `30s`.
    pub timeout: Option<String>,
    /// The request.
    pub request: DraftRequest,
    /// The expected status: a code, or `2xx`.
    pub status: String,
    /// Parts of the original that were not imported.
    pub notes: Vec<String>,
}

/// A request.
#[derive(Clone, Debug, Default)]
pub struct DraftRequest {
    /// The method.
    pub method: String,
    /// The path from the origin.
    pub path: Value,
    /// The query.
    pub query: Option<DraftQuery>,
    /// Header fields in their order; a name may occur several times.
    pub headers: Vec<(String, Value)>,
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
    /// Bytes, which are written to a file with this name.
    File(String, Vec<u8>),
}

impl SuiteDraft {
    /// The notes of the draft and of all cases, each with the file that it is in.
    pub fn notes(&self) -> Vec<(String, &str)> {
        let own = self.notes.iter().map(|note| ("suite.yaml".to_owned(), note.as_str()));
        let of_case = |case: &'_ DraftCase| format!("{}.yaml", case.file);
        let of_cases = self
            .cases
            .iter()
            .flat_map(move |case| case.notes.iter().map(move |note| (of_case(case), note.as_str())));
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
}
