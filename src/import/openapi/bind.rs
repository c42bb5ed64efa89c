//! Values of path parameters: objects that a case creates, by links and by pairs such as `POST /orders` and
//! `GET /orders/{id}`.

use std::collections::HashMap;

use serde_json::{Value as Json, json};

use super::{
    ApiImport, PathValues,
    request::{has_value, path_parameter},
};
use crate::{
    import::{DraftCapture, DraftContent, DraftStep, Value, credentials::free, names::name_of},
    openapi::{DeclaredLink, DeclaredStatus, DocumentPart, FlatSchema, Operation},
    suite::is_reserved,
};

/// Maximum number of operations that are needed for one.
const DEPTH: usize = 6;

/// What is known about the path of a case.
#[derive(Clone, Default)]
pub(super) struct PathBinding {
    /// By the path up to the parameter, with `{}` for parameters: the value, and the property of the response that it is.
    known: HashMap<String, (Value, Option<String>)>,
    /// The steps that create objects, each with its operation.
    pub(super) setup: Vec<DraftStep>,
    created: Vec<(usize, usize)>,
    /// The steps that delete them.
    pub(super) teardown: Vec<DraftStep>,
    /// The names of captures.
    names: Vec<String>,
}

/// Where the id of a created object is.
pub(super) enum CreatedId {
    /// In the response: the source of a capture, and the property.
    Captured(Json, Option<String>),
    /// In the request: a property of its body.
    Chosen(String),
}

/// A parameter of a path.
pub(super) struct PathParam<'p> {
    pub(super) name: &'p str,
    /// The path before it, with `{}` for parameters.
    pub(super) before: String,
    /// The path with it.
    pub(super) with: String,
    /// Whether it is a whole segment.
    is_whole: bool,
    /// The name of the collection.
    resource: String,
}

/// The parameters of a path in their order.
pub(super) fn path_steps(path: &str) -> Vec<PathParam<'_>> {
    let mut steps = Vec::new();
    let mut before = String::new();
    let mut resource = String::new();
    for segment in path.split('/').skip(1) {
        let mut here = String::new();
        let mut rest = segment;
        let mut names = Vec::new();
        while let Some((text, after)) = rest.split_once('{') {
            let Some((name, after)) = after.split_once('}') else {
                break;
            };
            here.push_str(text);
            here.push_str("{}");
            names.push(name);
            rest = after;
        }
        here.push_str(rest);
        let with = format!("{before}/{here}");
        for name in &names {
            steps.push(PathParam {
                name,
                before: before.clone(),
                // Two parameters of a segment are bound together.
                with: if names.len() == 1 {
                    with.clone()
                } else {
                    format!("{with}#{name}")
                },
                is_whole: here == "{}",
                resource: singular(&resource),
            });
        }
        if names.is_empty() {
            segment.clone_into(&mut resource);
        }
        before = with;
    }
    steps
}

/// A path with `{}` for parameters.
pub(super) fn shape(path: &str) -> String {
    let mut out = String::new();
    let mut rest = path;
    while let Some((text, after)) = rest.split_once('{') {
        let Some((_, after)) = after.split_once('}') else { break };
        out.push_str(text);
        out.push_str("{}");
        rest = after;
    }
    out + rest
}

/// The name of one object of a collection.
fn singular(word: &str) -> String {
    let word = name_of(word);
    let without = |ending: &str| word.strip_suffix(ending).filter(|rest| rest.len() > 1);
    if let Some(stem) = without("ies") {
        return format!("{stem}y");
    }
    let is_es = ["sses", "xes", "ches", "shes"]
        .iter()
        .any(|ending| word.ends_with(ending));
    let stem = if is_es { without("es") } else { without("s") };
    stem.filter(|_| !word.ends_with("ss") && !word.ends_with("us"))
        .unwrap_or(&word)
        .to_owned()
}

/// A name without what differs between spellings.
fn folded(name: &str) -> String {
    let letters = name.chars().filter(char::is_ascii_alphanumeric);
    letters.map(|c| c.to_ascii_lowercase()).collect()
}

impl ApiImport<'_> {
    /// The values of the path parameters of an operation. With `may_use_examples`, an object can be one that exists. The error
    /// is what is needed.
    pub(super) fn bind(
        &mut self,
        index: usize,
        binding: &mut PathBinding,
        may_use_examples: bool,
    ) -> Result<PathValues, String> {
        self.bind_at(index, binding, may_use_examples, 0)
    }

    fn bind_at(
        &mut self,
        index: usize,
        binding: &mut PathBinding,
        may_use_examples: bool,
        depth: usize,
    ) -> Result<PathValues, String> {
        let document = self.document;
        let operation = &document.operations[index];
        let mut values = PathValues::new();
        for step in path_steps(&operation.path.text) {
            if let Some((value, _)) = binding.known.get(&step.with) {
                values.insert(step.name.to_owned(), value.clone());
                continue;
            }
            let created = depth < DEPTH
                && (self.bind_by_link(index, &step, binding, depth) || self.bind_by_pair(index, &step, binding, depth));
            if let Some((value, _)) = binding.known.get(&step.with).filter(|_| created) {
                values.insert(step.name.to_owned(), value.clone());
                continue;
            }
            let parameter = path_parameter(operation, step.name);
            let is_given = parameter.is_some_and(|parameter| has_value(document, parameter));
            if !is_given
                && may_use_examples
                && depth < DEPTH
                && self.bind_by_list(index, &step, binding, depth)
                && let Some((value, _)) = binding.known.get(&step.with)
            {
                values.insert(step.name.to_owned(), value.clone());
                continue;
            }
            // A value of a closed list is not the id of an object.
            let flat = parameter.and_then(|parameter| parameter.schema.as_ref());
            let is_choice = flat.is_some_and(|schema| {
                let flat = document.flat(schema);
                flat.is_closed() || flat.kind() == "boolean"
            });
            if !is_given || !(may_use_examples || is_choice) {
                return Err(if may_use_examples {
                    format!("an existing `{}`", step.name)
                } else {
                    "an object that may be changed".to_owned()
                });
            }
            let value = self.path_sample(operation, step.name)?;
            values.insert(step.name.to_owned(), value);
        }
        Ok(values)
    }

    /// The property of a created object that the last parameter of a path is.
    pub(super) fn bound_property(operation: &Operation, binding: &PathBinding) -> Option<(String, Value)> {
        let last = path_steps(&operation.path.text).pop()?;
        let is_last = last.with == shape(&operation.path.text);
        let (value, property) = binding.known.get(&last.with).filter(|_| is_last)?;
        Some((property.clone()?, value.clone()))
    }

    /// Takes the value of a parameter from a response that links to the operation.
    fn bind_by_link(&mut self, index: usize, step: &PathParam<'_>, binding: &mut PathBinding, depth: usize) -> bool {
        let document = self.document;
        let Some(links) = self.links.get(&index) else {
            return false;
        };
        for (source, link) in links.clone() {
            let creates = ["POST", "PUT"].contains(&document.operations[source].method.as_str());
            let is_safe = |index: usize| ["GET", "HEAD"].contains(&document.operations[index].method.as_str());
            if source == index || !(creates || is_safe(index)) {
                continue;
            }
            let qualified = format!("path.{}", step.name);
            let mut given = link.parameters.iter();
            let Some((_, expression)) = given.find(|(name, _)| name == step.name || *name == qualified) else {
                continue;
            };
            let Some(capture) = expression.as_str().and_then(response_source) else {
                continue;
            };
            if self.create(source, step, Some(&CreatedId::Captured(capture, None)), binding, depth) {
                return true;
            }
        }
        false
    }

    /// Creates the object with the `POST` of its collection, or with the `PUT` of its path.
    fn bind_by_pair(&mut self, index: usize, step: &PathParam<'_>, binding: &mut PathBinding, depth: usize) -> bool {
        if !step.is_whole {
            return false;
        }
        let post = self.creators.get(&step.before).copied();
        if let Some(post) = post.filter(|post| *post != index)
            && self.create(post, step, None, binding, depth)
        {
            return true;
        }
        let put = self.writers.get(&step.with).copied();
        let Some(put) = put else {
            return self.bind_by_collection(index, step, binding, depth);
        };
        let operation = &self.document.operations[put];
        let value = self.new_id(operation, step);
        let Some(value) = value.filter(|_| declares(operation, 201)) else {
            return false;
        };
        binding.known.insert(step.with.clone(), (value, None));
        if put == index || self.create(put, step, None, binding, depth) {
            self.delete(&step.with, binding);
            return true;
        }
        binding.known.remove(&step.with);
        false
    }

    /// Creates the object with the only `POST` of a collection of the same name, as in `POST /customers/{id}/orders`.
    fn bind_by_collection(
        &mut self,
        index: usize,
        step: &PathParam<'_>,
        binding: &mut PathBinding,
        depth: usize,
    ) -> bool {
        let Some((_, name)) = step.before.rsplit_once('/').filter(|(_, name)| !name.contains('{')) else {
            return false;
        };
        let ending = format!("/{name}");
        let mut all = self
            .creators
            .iter()
            .filter(|(path, post)| path.ends_with(&ending) && **post != index);
        match (all.next().map(|(_, post)| *post), all.next()) {
            (Some(post), None) => self.create(post, step, None, binding, depth),
            _ => false,
        }
    }

    /// Takes the id of the first object in the list that a `GET` of the collection returns.
    fn bind_by_list(&mut self, index: usize, step: &PathParam<'_>, binding: &mut PathBinding, depth: usize) -> bool {
        let reader = self.readers.get(&step.before).copied();
        let Some(reader) = reader.filter(|reader| step.is_whole && *reader != index) else {
            return false;
        };
        let id = self.listed_id(&self.document.operations[reader], index, step);
        id.is_some_and(|id| self.create(reader, step, Some(&id), binding, depth))
    }

    /// Where the id of the first object is in a response of a collection: a list, or an object with one list.
    fn listed_id(&self, reader: &Operation, index: usize, step: &PathParam<'_>) -> Option<CreatedId> {
        let document = self.document;
        let success = reader.responses.iter().filter(|response| is_success(response.status));
        let success = success.min_by_key(|response| response.status)?;
        let mut content = success
            .content
            .iter()
            .filter(|content| content.media_type.contains("json"));
        let flat = document.flat(content.next()?.schema.as_ref()?);
        let (outer, items) = if let Some(items) = flat.items {
            (None, items)
        } else {
            let lists = flat.properties.iter();
            let lists = lists.filter_map(|(name, part)| Some((name, document.flat(part).items?)));
            let mut lists: Vec<_> = lists.collect();
            let (name, items) = lists.pop().filter(|_| lists.is_empty())?;
            (Some(name), items)
        };
        let item = document.flat(&items);
        let name = id_property(&item, step)?;
        // An id of another type is another id.
        let kind = |part: &DocumentPart| document.flat(part).kind().to_owned();
        let parameter = path_parameter(&document.operations[index], step.name)?.schema.as_ref();
        if parameter.is_some_and(|schema| kind(schema) != kind(&item.properties[name])) {
            return None;
        }
        let names: Vec<&str> = outer.map(String::as_str).into_iter().chain(["0", name]).collect();
        Some(CreatedId::Captured(pointer(&names), Some(name.to_owned())))
    }

    /// A new id that the client chooses.
    fn new_id(&mut self, operation: &Operation, step: &PathParam<'_>) -> Option<Value> {
        let schema = path_parameter(operation, step.name)?.schema.as_ref()?;
        let flat = self.document.flat(schema);
        self.new_text(&flat, &step.resource)
    }

    fn new_text(&mut self, flat: &FlatSchema, word: &str) -> Option<Value> {
        let is_free = flat.kind() == "string" && !flat.is_closed() && !flat.has("pattern") && !flat.has("format");
        let most = flat.length("maxLength").unwrap_or(usize::MAX);
        let id = self.draft.names.variable("case_id", None);
        let long = format!("{word}-{id}");
        match is_free {
            true if word.len() + 11 <= most => Some(long),
            true if most >= 10 => Some(id.to_string()),
            _ => None,
        }
    }

    /// Adds a step that creates an object. `id` is where its id is; by default, it is searched.
    fn create(
        &mut self,
        source: usize,
        step: &PathParam<'_>,
        id: Option<&CreatedId>,
        binding: &mut PathBinding,
        depth: usize,
    ) -> bool {
        let document = self.document;
        let operation = &document.operations[source];
        if operation.deprecated && id.is_none() {
            return false;
        }
        let found;
        let is_known = binding.known.contains_key(&step.with);
        let id = match id {
            Some(id) => Some(id),
            None if is_known => None,
            None => {
                found = self.id_of(operation, step);
                if found.is_none() {
                    return false;
                }
                found.as_ref()
            }
        };
        let before = binding.clone();
        let done = binding.created.iter().find(|(known, _)| *known == source);
        let at = if let Some((_, at)) = done {
            *at
        } else {
            let Ok(new) = self.create_step(source, binding, depth + 1) else {
                *binding = before;
                return false;
            };
            binding.setup.push(new);
            binding.created.push((source, binding.setup.len() - 1));
            binding.setup.len() - 1
        };
        let Some(id) = id else { return true };
        let mut created = std::mem::take(&mut binding.setup[at]);
        let value = self.take_id(&mut created, step, id, binding);
        binding.setup[at] = created;
        let Some(value) = value else { return false };
        binding.known.insert(step.with.clone(), value);
        if operation.method == "POST" {
            self.delete(&step.with, binding);
        }
        true
    }

    /// The step that sends an operation for others.
    fn create_step(&mut self, source: usize, binding: &mut PathBinding, depth: usize) -> Result<DraftStep, String> {
        let operation = &self.document.operations[source];
        let is_safe = operation.method == "GET";
        let values = self.bind_at(source, binding, is_safe, depth)?;
        let mut step = self.step(operation, &values)?;
        step.expect.status = successes(operation).ok_or("a response that is declared")?;
        let word = singular(
            operation
                .path
                .text
                .rsplit('/')
                .find(|part| !part.contains('{'))
                .unwrap_or("object"),
        );
        let is_list = is_safe
            && path_steps(&operation.path.text)
                .last()
                .is_none_or(|last| last.with != shape(&operation.path.text));
        let verb = match is_safe {
            true if is_list => "find",
            true => "get",
            false => "create",
        };
        step.id = free_id(&format!("{verb}-{}", word.replace('_', "-")), binding);
        Ok(step)
    }

    /// Takes the id of a created object into a capture, or chooses it.
    pub(super) fn take_id(
        &mut self,
        created: &mut DraftStep,
        step: &PathParam<'_>,
        id: &CreatedId,
        binding: &mut PathBinding,
    ) -> Option<(Value, Option<String>)> {
        match id {
            CreatedId::Captured(source, property) => {
                if let Some(known) = created.captures.iter().find(|known| known.source == *source) {
                    return Some((
                        self.draft.names.variable(&known.name, None).to_string(),
                        property.clone(),
                    ));
                }
                let wanted = if folded(step.name) == "id" && !step.resource.is_empty() {
                    format!("{}_id", step.resource)
                } else {
                    name_of(&separated(step.name))
                };
                let names = &binding.names;
                let name = free(&wanted, |name| {
                    names.iter().any(|known| known == name) || self.draft.is_taken(name) || is_reserved(name)
                });
                binding.names.push(name.clone());
                created.captures.push(DraftCapture {
                    name: name.clone(),
                    source: source.clone(),
                    is_secret: false,
                });
                Some((self.draft.names.variable(&name, None).to_string(), property.clone()))
            }
            CreatedId::Chosen(property) => {
                let Some(DraftContent::Json(Json::Object(body))) = &mut created.request.content else {
                    return None;
                };
                let id = self.draft.names.variable("case_id", None);
                let chosen = match body.get(property) {
                    // It is unique already.
                    Some(Json::String(text)) if text.contains(id) => text.clone(),
                    _ => format!("{}-{id}", step.resource),
                };
                body.insert(property.clone(), chosen.clone().into());
                Some((chosen, Some(property.clone())))
            }
        }
    }

    /// Adds the step that deletes an object, if there is an operation for this.
    pub(super) fn delete(&mut self, path: &str, binding: &mut PathBinding) {
        let document = self.document;
        let Some(index) = self.deleters.get(path).copied() else {
            return;
        };
        let operation = &document.operations[index];
        let mut values = PathValues::new();
        for step in path_steps(&operation.path.text) {
            let Some((value, _)) = binding.known.get(&step.with) else {
                return;
            };
            values.insert(step.name.to_owned(), value.clone());
        }
        let Ok(mut step) = self.step(operation, &values) else {
            return;
        };
        // The object can be gone, because the case deletes it or what it belongs to.
        let mut status = match successes(operation) {
            Some(Json::Array(all)) => all,
            Some(one) => vec![one],
            None => return,
        };
        status.push(404.into());
        step.expect.status = status.into();
        let word = singular(path.rsplit('/').find(|part| !part.contains('{')).unwrap_or("object"));
        step.id = free_id(&format!("delete-{}", word.replace('_', "-")), binding);
        binding.teardown.insert(0, step);
    }

    /// Remembers the value of a parameter.
    pub(super) fn know(binding: &mut PathBinding, step: &PathParam<'_>, value: (Value, Option<String>)) {
        binding.known.insert(step.with.clone(), value);
    }

    /// A step with an operation's request.
    pub(super) fn step(&mut self, operation: &Operation, values: &PathValues) -> Result<DraftStep, String> {
        let request = self.request(operation, values)?;
        Ok(DraftStep {
            request,
            ..DraftStep::default()
        })
    }

    /// Where the id of an object is that an operation creates.
    pub(super) fn id_of(&self, operation: &Operation, step: &PathParam<'_>) -> Option<CreatedId> {
        let document = self.document;
        // A server need not choose a name, and need not return it.
        if !folded(step.name).ends_with("id")
            && let Some(chosen) = self.chosen_id(operation, step)
        {
            return Some(chosen);
        }
        let success = operation
            .responses
            .iter()
            .filter(|response| is_success(response.status));
        let success = success.min_by_key(|response| response.status)?;
        let schema = success.content.iter().find_map(|content| {
            let is_json = content.media_type.contains("json") || content.media_type.contains('*');
            content.schema.as_ref().filter(|_| is_json)
        });
        if let Some(flat) = schema.map(|schema| document.flat(schema)) {
            if let Some(name) = id_property(&flat, step) {
                return Some(CreatedId::Captured(pointer(&[name]), Some(name.to_owned())));
            }
            for (outer, part) in &flat.properties {
                let is_wrapper =
                    ["data", "result", "item"].contains(&outer.as_str()) || folded(outer) == folded(&step.resource);
                let inner = is_wrapper.then(|| document.flat(part));
                if let Some(name) = inner.as_ref().and_then(|inner| id_property(inner, step)) {
                    return Some(CreatedId::Captured(pointer(&[outer, name]), None));
                }
            }
        }
        if success
            .headers
            .iter()
            .any(|header| header.name.eq_ignore_ascii_case("location"))
        {
            let source = json!({ "header": "location", "matches": "/([^/?#]+)/?$" });
            return Some(CreatedId::Captured(source, None));
        }
        self.chosen_id(operation, step)
    }

    /// A text in the request that becomes the id, such as the name of a user.
    fn chosen_id(&self, operation: &Operation, step: &PathParam<'_>) -> Option<CreatedId> {
        let document = self.document;
        let body = operation.body.as_ref()?.content.iter();
        let schema = body
            .filter(|content| content.media_type.contains("json"))
            .find_map(|content| content.schema.as_ref())?;
        let flat = document.flat(schema);
        let wanted = folded(step.name);
        let (name, property) = flat.properties.iter().find(|(name, _)| folded(name) == wanted)?;
        let property = document.flat(property);
        let is_free =
            property.kind() == "string" && !property.is_closed() && !property.has("pattern") && !property.has("format");
        let is_long = property
            .length("maxLength")
            .is_none_or(|most| most > step.resource.len() + 11);
        (is_free && is_long && !property.is_hidden() && wanted != "id").then(|| CreatedId::Chosen(name.clone()))
    }
}

/// The property of an object that a path parameter is.
fn id_property<'f>(flat: &'f FlatSchema, step: &PathParam<'_>) -> Option<&'f str> {
    let wanted = folded(step.name);
    let find = |name: &str| {
        flat.properties
            .keys()
            .find(|key| folded(key) == name)
            .map(String::as_str)
    };
    let is_id = wanted.ends_with("id");
    let is_uuid = wanted.ends_with("uuid") || is_id;
    find(&wanted)
        .or_else(|| is_id.then(|| find("id")).flatten())
        .or_else(|| {
            (wanted == "id")
                .then(|| find(&format!("{}id", folded(&step.resource))))
                .flatten()
        })
        .or_else(|| is_uuid.then(|| find("uuid")).flatten())
}

fn pointer(names: &[&str]) -> Json {
    let all = names
        .iter()
        .fold(String::new(), |all, name| crate::json::step(&all, name));
    all.into()
}

/// `orderId` as `order_Id`.
pub(in crate::import) fn separated(name: &str) -> String {
    let mut out = String::new();
    let mut is_lower = false;
    for c in name.chars() {
        if is_lower && c.is_ascii_uppercase() {
            out.push('_');
        }
        is_lower = c.is_ascii_lowercase() || c.is_ascii_digit();
        out.push(c);
    }
    out
}

fn free_id(wanted: &str, binding: &PathBinding) -> String {
    let all = || binding.setup.iter().chain(&binding.teardown);
    crate::import::names::free_file(wanted, |id| all().any(|step| step.id == id))
}

/// Whether a status is a success.
pub(super) fn is_success(status: DeclaredStatus) -> bool {
    matches!(status, DeclaredStatus::Code(200..=299) | DeclaredStatus::Range(2))
}

/// Whether an operation declares a status code by itself.
pub(super) fn declares(operation: &Operation, code: u16) -> bool {
    let mut all = operation.responses.iter();
    all.any(|response| response.status == DeclaredStatus::Code(code))
}

/// The successes that an operation declares, as an expectation.
pub(in crate::import) fn successes(operation: &Operation) -> Option<Json> {
    let all = operation.responses.iter().filter_map(|response| match response.status {
        DeclaredStatus::Code(code @ 200..=299) => Some(Json::from(code)),
        DeclaredStatus::Range(2) => Some(Json::from("2xx")),
        _ => None,
    });
    let mut all: Vec<_> = all.collect();
    let has_default = operation
        .responses
        .iter()
        .any(|response| response.status == DeclaredStatus::Default);
    match all.len() {
        0 if has_default => Some("2xx".into()),
        0 => None,
        1 => all.pop(),
        _ => Some(all.into()),
    }
}

/// The capture for a runtime expression about a response.
pub(in crate::import) fn response_source(expression: &str) -> Option<Json> {
    let rest = expression.strip_prefix("$response.")?;
    if let Some(pointer) = rest.strip_prefix("body#") {
        return (pointer.is_empty() || pointer.starts_with('/')).then(|| pointer.into());
    }
    let name = rest.strip_prefix("header.")?;
    Some(json!({ "header": name.to_ascii_lowercase() }))
}

/// The operation that a link leads to.
pub(super) fn linked(import: &ApiImport<'_>, link: &DeclaredLink) -> Option<usize> {
    let mut all = import.document.operations.iter();
    if let Some(id) = &link.operation_id {
        return all.position(|operation| operation.id.as_ref() == Some(id));
    }
    let pointer = link.operation_ref.as_ref()?.strip_prefix('#')?;
    let decoded = percent_encoding::percent_decode_str(pointer).decode_utf8().ok()?;
    all.position(|operation| operation.part.file == 0 && operation.part.pointer == decoded)
}
