//! `OpenAPI` documents as suites: a case for each operation and declared status that can be requested.
//!
//! A case is independent of others: it creates the object that it reads, changes or deletes, and never changes one that exists.

mod bind;
mod cases;
mod conditional;
mod pattern;
mod reject;
mod request;
#[cfg(test)]
mod tests;
mod value;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use self::{
    bind::{linked, shape},
    request::PathValues,
};
pub(super) use self::{
    bind::{response_source, separated, successes},
    value::{plain, scalar},
};
use super::{DraftRequest, SuiteDraft, Value, names::short};
use crate::openapi::{ApiDocument, DeclaredLink, DocumentPart};

/// What a case declares as its effect if it changes something on the server.
const EFFECT: &str = "changes";

/// Reads a document. The servers that it names are not part of the suite; the first one is its origin.
pub fn openapi(document: &ApiDocument) -> SuiteDraft {
    let mut import = ApiImport::new(document);
    import.read_links();
    for index in 0..document.operations.len() {
        import.operation(index);
    }
    import.share_credentials();
    import.draft
}

/// A document that is read.
pub(super) struct ApiImport<'d> {
    pub(super) document: &'d ApiDocument,
    pub(super) draft: SuiteDraft,
    /// The names of inputs for security schemes.
    schemes: BTreeMap<String, String>,
    /// The operations with `POST`, `PUT`, `GET` and `DELETE`, by their paths with `{}` for parameters.
    creators: HashMap<String, usize>,
    writers: HashMap<String, usize>,
    readers: HashMap<String, usize>,
    deleters: HashMap<String, usize>,
    /// The links to each operation, with the operation whose response has them.
    links: HashMap<usize, Vec<(usize, DeclaredLink)>>,
    /// The names of the files.
    files: BTreeSet<String>,
    /// What was not imported of the request that is written.
    notes: Vec<String>,
    /// The notes so far.
    noted: BTreeSet<String>,
}

impl<'d> ApiImport<'d> {
    pub(super) fn new(document: &'d ApiDocument) -> Self {
        let of_method = |method: &str| {
            let all = document.operations.iter().enumerate();
            let all = all.filter(|(_, operation)| operation.method == method);
            all.map(|(index, operation)| (shape(&operation.path.text), index))
                .collect()
        };
        let title = document
            .title
            .as_deref()
            .map(value::plain)
            .filter(|title| !title.trim().is_empty());
        let server = document.servers.iter().find(|server| server.starts_with("http"));
        Self {
            document,
            draft: SuiteDraft {
                name: title.unwrap_or_else(|| document.name.clone()),
                openapi: Some(document.name.clone()),
                origin: server.map(|server| server.trim_end_matches('/').to_owned()),
                ..SuiteDraft::default()
            },
            schemes: BTreeMap::new(),
            creators: of_method("POST"),
            writers: of_method("PUT"),
            readers: of_method("GET"),
            deleters: of_method("DELETE"),
            links: HashMap::new(),
            files: BTreeSet::new(),
            notes: Vec::new(),
            noted: BTreeSet::new(),
        }
    }

    /// Reads the links between operations, and notes what the server sends by itself.
    fn read_links(&mut self) {
        let document = self.document;
        for (source, operation) in document.operations.iter().enumerate() {
            let successes = operation
                .responses
                .iter()
                .filter(|response| bind::is_success(response.status));
            for link in successes.flat_map(|response| &response.links) {
                match linked(self, link) {
                    Some(target) => self.links.entry(target).or_default().push((source, link.clone())),
                    None => self
                        .draft
                        .notes
                        .push(format!("the link `{}` of `{}`", link.name, operation.name())),
                }
            }
        }
        let root = DocumentPart::default();
        let webhooks = document
            .value(&root.at("webhooks"))
            .and_then(serde_json::Value::as_object);
        for (name, _) in webhooks.into_iter().flatten() {
            let note = format!("the webhook `{}`, which the server sends", short(name));
            self.draft.notes.push(note);
        }
    }

    /// Writes credentials that most requests have into the suite.
    pub(super) fn share_credentials(&mut self) {
        let steps = || self.draft.cases.iter().flat_map(super::DraftCase::all_steps);
        let total = steps().count();
        let mut tokens: BTreeMap<&Value, usize> = BTreeMap::new();
        let mut keys: BTreeMap<&(String, Value), usize> = BTreeMap::new();
        for step in steps() {
            if let Some(token) = &step.request.bearer {
                *tokens.entry(token).or_default() += 1;
            }
            for field in step
                .request
                .headers
                .iter()
                .filter(|(_, value)| super::names::has_variable(value))
            {
                *keys.entry(field).or_default() += 1;
            }
        }
        let is_frequent = |count: usize| count * 2 > total && count > 1;
        let token = tokens
            .into_iter()
            .find(|(_, count)| is_frequent(*count))
            .map(|(token, _)| token.clone());
        let keys = keys
            .into_iter()
            .filter(|(field, count)| is_frequent(*count) && field.0 != "Cookie");
        let keys: Vec<_> = keys.map(|(field, _)| field.clone()).collect();
        for step in self.draft.cases.iter_mut().flat_map(super::DraftCase::all_steps_mut) {
            share(&mut step.request, token.as_ref(), &keys);
        }
        self.draft.common = DraftRequest {
            bearer: token,
            headers: keys,
            ..DraftRequest::default()
        };
    }
}

/// Removes from a request what the suite adds to it, and states what the suite must not add.
fn share(request: &mut DraftRequest, token: Option<&Value>, keys: &[(String, Value)]) {
    if let Some(token) = token {
        if request.bearer.as_ref() == Some(token) {
            request.bearer = None;
        } else if request.bearer.is_none() && request.basic.is_none() {
            request.is_anonymous = true;
        }
    }
    for key in keys {
        let before = request.headers.len();
        request.headers.retain(|field| field != key);
        if request.headers.len() == before && !request.headers.iter().any(|(name, _)| *name == key.0) {
            request.removed.push(key.0.clone());
        }
    }
}
