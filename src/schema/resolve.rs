//! References: where `$ref` and the `schema` of a case lead. Nothing is fetched: a URI is one of the folder's files
//! by its `$id`, by its path, or by its path from the `$id` of the file that refers to it.

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::Value;

use super::{
    BASE,
    analysis::{Analysis, can_be_schema, shorten},
    document::{DocumentKind, SchemaDocument},
    draft::{Draft, Shape},
};

use crate::json;

/// Everything that a path or fragment cannot contain; `%` stays, since a reference may be encoded already.
const ILLEGAL: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// Why a reference leads nowhere.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) reason: String,
    pub(super) help: Option<String>,
}

impl Wrong {
    fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            help: None,
        }
    }

    fn help(reason: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            help: Some(help.into()),
        }
    }
}

/// The URI of a file of the folder.
pub(super) fn file_uri(name: &str) -> String {
    format!("{BASE}{}", encode(name))
}

/// Percent-encodes a path or pointer; `/` stays.
pub(super) fn encode(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// Percent-decodes; `None` if it is not UTF-8.
pub(super) fn decode(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().ok().map(Into::into)
}

/// One step of a JSON pointer.
pub(super) fn escape(step: &str) -> String {
    step.replace('~', "~0").replace('/', "~1")
}

/// A URI reference resolved against a base.
pub(super) fn against(base: &str, reference: &str) -> Option<String> {
    let base = jsonschema::uri::from_str(base).ok()?;
    let reference = utf8_percent_encode(reference, ILLEGAL).to_string();
    let uri = jsonschema::uri::resolve_against(&base.borrow(), &reference).ok()?;
    Some(uri.as_str().trim_end_matches('#').to_owned())
}

impl Analysis {
    /// The schema that a reference made in a resource leads to, and the dynamic anchor that it names; `None` if that is
    /// a meta-schema.
    pub(super) fn find(
        &mut self,
        documents: &[SchemaDocument],
        from: usize,
        reference: &str,
    ) -> Result<Option<(usize, Option<String>)>, Wrong> {
        let (uri, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let resource = if uri.is_empty() {
            from
        } else {
            let base = against(&self.resources[from].base, uri);
            if base.as_deref().is_some_and(is_meta_schema) {
                return Ok(None);
            }
            self.resource(documents, from, uri, base.as_deref())?
        };
        self.fragment(documents, resource, fragment).map(Some)
    }

    /// The resource of a URI.
    fn resource(
        &self,
        documents: &[SchemaDocument],
        from: usize,
        uri: &str,
        resolved: Option<&str>,
    ) -> Result<usize, Wrong> {
        let here = &self.resources[from];
        let beside = against(&file_uri(&documents[here.document].name), uri).and_then(|uri| file(documents, &uri));
        let named = resolved
            .and_then(|uri| self.ids.get(uri))
            .map_or(&[][..], Vec::as_slice);
        match named {
            [one] => return Ok(*one),
            [_, ..] => {
                // Files of one `$id` can be versions of one schema; the nearest is meant, if there is one.
                let near = |known: &&usize| {
                    let document = self.resources[**known].document;
                    document == here.document || Some(document) == beside
                };
                return named.iter().find(near).copied().ok_or_else(|| {
                    let name = |known: &usize| format!("`{}`", documents[self.resources[*known].document].name);
                    let files: Vec<_> = named.iter().take(5).map(name).collect();
                    Wrong::new(format!("several schemas have this `$id`: {}", files.join(", ")))
                });
            }
            [] => {}
        }
        let by_file = || resolved.and_then(|uri| file(documents, uri));
        let by_id = || {
            let id = &self.resources[here.document].base;
            let moved = relative(id, resolved?, &documents[here.document].name)?;
            documents.iter().position(|document| document.name == moved)
        };
        if let Some(document) = beside.or_else(by_file).or_else(by_id) {
            // The files come first among the resources, in their order.
            return Ok(document);
        }
        let is_remote = uri.contains(':') || uri.starts_with("//");
        if is_remote {
            return Err(Wrong::help(
                "this is remote: no file of the schema folder has this `$id`, and nothing is fetched",
                "save the schema in the schema folder with this `$id`",
            ));
        }
        let files = documents.iter().map(|document| document.name.as_str());
        let help = match crate::source::nearest(uri.trim_start_matches("./"), files) {
            Some(name) => format!("did you mean `{name}`?"),
            None => "a file is named by its path from the file that refers to it".to_owned(),
        };
        Err(Wrong::help("no such file in the schema folder", help))
    }

    /// The schema that a fragment names in a resource.
    pub(super) fn fragment(
        &mut self,
        documents: &[SchemaDocument],
        resource: usize,
        fragment: &str,
    ) -> Result<(usize, Option<String>), Wrong> {
        let (document, start) = (
            self.resources[resource].document,
            self.resources[resource].pointer.clone(),
        );
        if fragment.is_empty() {
            return self.spot(documents, document, &start).map(|spot| (spot, None));
        }
        let decoded = decode(fragment);
        if !fragment.starts_with('/') && !decoded.as_deref().is_some_and(|text| text.starts_with('/')) {
            let name = decoded.unwrap_or_else(|| fragment.to_owned());
            let Some((pointer, is_dynamic)) = self.anchors.get(&(resource, name.clone())).cloned() else {
                let names = self
                    .anchors
                    .keys()
                    .filter(|(owner, _)| *owner == resource)
                    .map(|(_, name)| name.as_str());
                let help = match crate::source::nearest(&name, names) {
                    Some(known) => format!("did you mean `#{known}`?"),
                    None => "a JSON pointer begins with `#/`".to_owned(),
                };
                return Err(Wrong::help(
                    format!("no anchor `{}` in this schema", shorten(&name, 60)),
                    help,
                ));
            };
            let spot = self.spot(documents, document, &pointer)?;
            return Ok((spot, is_dynamic.then_some(name)));
        }
        // A pointer is percent-encoded in a fragment; written raw, it means the same unless a name contains `%`.
        let candidates = decoded.into_iter().chain([fragment.to_owned()]);
        let there = candidates
            .map(|pointer| canonical(&format!("{start}{pointer}")))
            .find(|pointer| documents[document].value.pointer(pointer).is_some());
        let Some(pointer) = there else {
            return Err(Wrong::new(format!(
                "nothing exists at `#{}` in `{}`",
                shorten(fragment, 120),
                documents[document].name
            )));
        };
        self.spot(documents, document, &pointer).map(|spot| (spot, None))
    }

    /// The schema at a pointer to a value that exists.
    fn spot(&mut self, documents: &[SchemaDocument], index: usize, pointer: &str) -> Result<usize, Wrong> {
        if let Some(known) = self.index.get(&(index, pointer.to_owned())) {
            return Ok(*known);
        }
        let document = &documents[index];
        let root = match document.kind {
            DocumentKind::Api(api) => match api_schema(pointer) {
                Some(root) => root.to_owned(),
                None if pointer.is_empty() => {
                    return Err(Wrong::help(
                        format!(
                            "`{}` is {}, not a schema: it accepts everything",
                            document.name,
                            api.name()
                        ),
                        schemas_of(document),
                    ));
                }
                None => {
                    return Err(Wrong::help(
                        format!("`#{pointer}` of {} is not a schema", api.name()),
                        schemas_of(document),
                    ));
                }
            },
            DocumentKind::Described => pointer.to_owned(),
            _ => self.unnamed(document, index, pointer)?,
        };
        if !self.index.contains_key(&(index, root.clone())) {
            self.add_root(documents, index, &root);
        }
        match self.index.get(&(index, pointer.to_owned())) {
            Some(spot) => Ok(*spot),
            None => self.unnamed(document, index, pointer).and_then(|pointer| {
                self.add_root(documents, index, &pointer)
                    .ok_or_else(|| Wrong::new(format!("`#{pointer}` is not a schema")))
            }),
        }
    }

    /// Whether a value that no keyword leads to can be taken as a schema; its pointer then.
    fn unnamed(&self, document: &SchemaDocument, index: usize, pointer: &str) -> Result<String, Wrong> {
        let value = document.value.pointer(pointer).unwrap_or(&Value::Null);
        // The nearest enclosing schema determines its meaning.
        let mut around = pointer;
        while let Some(end) = around.rfind('/') {
            around = &pointer[..end];
            if self.index.contains_key(&(index, around.to_owned())) {
                let rest: Vec<_> = pointer[around.len() + 1..].split('/').collect();
                let key = json::unescaped(rest[0]);
                match (document.draft.keyword(&key), rest.len()) {
                    (Some(keyword), 1) if keyword.shape == Shape::Map => return Err(map_of_schemas(value, pointer)),
                    (Some(keyword), 1) if keyword.shape != Shape::Value && value.is_array() => {
                        return Err(Wrong::help(
                            format!("`#{pointer}` is a list of schemas, not a schema"),
                            format!("name one of them: `#{pointer}/0`"),
                        ));
                    }
                    (Some(_), 1) => {
                        return Err(Wrong::new(format!(
                            "`#{pointer}` is the value of `{key}`, not a schema"
                        )));
                    }
                    (Some(_), _) => {
                        return Err(Wrong::new(format!(
                            "`#{pointer}` is in the value of `{key}`, not a schema"
                        )));
                    }
                    (None, _) => {}
                }
                break;
            }
        }
        if can_be_schema(document, value) {
            return Ok(pointer.to_owned());
        }
        Err(match value {
            Value::Object(_) => map_of_schemas(value, pointer),
            _ => Wrong::new(format!("`#{pointer}` is not a schema")),
        })
    }
}

/// An error for a map of schemas in place of a schema.
fn map_of_schemas(value: &Value, pointer: &str) -> Wrong {
    let names = value.as_object().into_iter().flatten();
    let names = names.filter(|(_, value)| value.is_object());
    let names: Vec<_> = names
        .take(5)
        .map(|(name, _)| format!("`#{pointer}/{}`", shorten(&escape(name), 40)))
        .collect();
    let reason = format!("`#{pointer}` is not a schema, but a map that can contain schemas: it accepts everything");
    if names.is_empty() {
        Wrong::new(reason)
    } else {
        Wrong::help(reason, format!("name one of them: {}", names.join(", ")))
    }
}

/// Help text with the schemas of an API description.
fn schemas_of(document: &SchemaDocument) -> String {
    let all = ["/components/schemas", "/definitions"].iter().find_map(|pointer| {
        let all = document.value.pointer(pointer)?.as_object()?;
        let names: Vec<_> = all
            .keys()
            .take(5)
            .map(|name| format!("`{}#{pointer}/{}`", document.name, escape(name)))
            .collect();
        (!names.is_empty()).then(|| names.join(", "))
    });
    match all {
        Some(names) => format!("name one of its schemas: {names}"),
        None => format!("name one of its schemas: `{}#/components/schemas/...`", document.name),
    }
}

/// The start of a pointer that leads to a schema of an API description: `/components/schemas/X`, `/definitions/X`, or
/// the `schema` of a parameter, header or media type.
fn api_schema(pointer: &str) -> Option<&str> {
    let mut ends = pointer.match_indices('/').map(|(at, _)| at).skip(1).collect::<Vec<_>>();
    ends.push(pointer.len());
    let steps: Vec<_> = pointer.split('/').skip(1).collect();
    let end = match steps.as_slice() {
        ["components", "schemas", _, ..] => 2,
        ["definitions", _, ..] => 1,
        _ => {
            let at = steps
                .iter()
                .position(|step| ["schema", "itemSchema", "payload"].contains(step))?;
            let is_value = |step: &&str| ["example", "examples", "default", "enum", "value"].contains(step);
            if steps[..at].iter().any(is_value) {
                return None;
            }
            at
        }
    };
    pointer.get(..ends[end])
}

/// The file of a URI of the folder.
fn file(documents: &[SchemaDocument], uri: &str) -> Option<usize> {
    let name = decode(uri.strip_prefix(BASE)?)?;
    documents.iter().position(|document| document.name == name)
}

/// The file at `target` if the file `name` is at `id`: the way from one URI to the other, taken in the folder.
fn relative(id: &str, target: &str, name: &str) -> Option<String> {
    fn split(uri: &str) -> Option<(&str, Vec<&str>)> {
        let start = uri.find("://")? + 3;
        let path = uri[start..].find('/').map_or(uri.len(), |at| start + at);
        Some((&uri[..path], uri[path..].split('/').skip(1).collect()))
    }
    let ((id_start, id_steps), (start, steps)) = (split(id)?, split(target)?);
    if id_start != start || id.starts_with(BASE) {
        return None;
    }
    let (id_folder, folder) = (
        &id_steps[..id_steps.len().checked_sub(1)?],
        &steps[..steps.len().checked_sub(1)?],
    );
    let common = id_folder.iter().zip(folder).take_while(|(a, b)| a == b).count();
    let mut here: Vec<_> = name.split('/').collect();
    here.pop();
    here.truncate(here.len().checked_sub(id_folder.len() - common)?);
    here.extend(&steps[common..]);
    decode(&here.join("/"))
}

/// A pointer with each step escaped in one way.
fn canonical(pointer: &str) -> String {
    let step = |step: &str| format!("/{}", escape(&json::unescaped(step)));
    pointer.split('/').skip(1).map(step).collect()
}

/// Whether a URI is one of a meta-schema, which the validator has.
fn is_meta_schema(uri: &str) -> bool {
    let vocabulary = |uri: &str| {
        let rest = uri
            .strip_prefix("https://json-schema.org/draft/")
            .or_else(|| uri.strip_prefix("http://json-schema.org/draft/"));
        rest.is_some_and(|rest| rest.starts_with("2019-09/meta/") || rest.starts_with("2020-12/meta/"))
    };
    Draft::of_uri(uri).is_some() || vocabulary(uri)
}

/// Rewrites the schemas of one file for the validator: every reference becomes absolute, and every `$id` disappears or
/// becomes a URI of the folder. `roots` limits an API description to the schemas that are needed.
pub(super) fn rewritten(analysis: &Analysis, documents: &[SchemaDocument], index: usize, roots: &[usize]) -> Value {
    let document = &documents[index];
    let mut value = if document.kind == DocumentKind::Schema {
        document.value.clone()
    } else {
        // Only its schemas; the rest is ignored.
        let mut all = Value::Object(serde_json::Map::new());
        let mut pointers: Vec<_> = roots
            .iter()
            .map(|root| analysis.spots[*root].pointer.as_str())
            .collect();
        pointers.sort_unstable();
        for pointer in pointers {
            if let Some(schema) = document.value.pointer(pointer) {
                place(&mut all, pointer, schema.clone());
            }
        }
        all
    };
    let is_needed = |root: usize| document.kind == DocumentKind::Schema || roots.contains(&root);
    for spot in analysis
        .spots
        .iter()
        .filter(|spot| spot.document == index && is_needed(spot.root))
    {
        let Some(Value::Object(schema)) = value.pointer_mut(&spot.pointer) else {
            continue;
        };
        let resource = &analysis.resources[spot.resource];
        if schema.get(document.draft.id_keyword()).is_some_and(Value::is_string) {
            schema.remove(document.draft.id_keyword());
            if resource.pointer == spot.pointer && resource.uri_pointer == spot.pointer && !spot.pointer.is_empty() {
                schema.insert("$id".to_owned(), resource.uri.clone().into());
            }
        }
        schema.remove("$schema");
        for reference in &spot.references {
            if reference.keyword == "$recursiveRef" {
                continue;
            }
            if let Some(target) = reference.target {
                let uri = uri_of(analysis, documents, target, reference.dynamic.as_deref());
                schema.insert(reference.keyword.to_owned(), uri.into());
            }
        }
        let is_nullable = document.api().is_some_and(|api| api.has("nullable"))
            && schema.get("nullable").is_some_and(|value| *value == true);
        if is_nullable {
            allow_null(schema);
        }
    }
    if document.kind == DocumentKind::Described {
        move_anchors(analysis, index, roots, &mut value);
    }
    if let Value::Object(schema) = &mut value {
        schema.insert("$schema".to_owned(), document.draft.uri().into());
    }
    value
}

/// The validator finds anchors only where keywords lead to from the start of a file: there, each gets a reference to its schema.
fn move_anchors(analysis: &Analysis, index: usize, roots: &[usize], value: &mut Value) {
    let mut anchors = serde_json::Map::new();
    for spot in analysis
        .spots
        .iter()
        .filter(|spot| spot.document == index && roots.contains(&spot.root))
    {
        let is_of_file = analysis.resources[spot.resource].uri_pointer.is_empty();
        let Some(Value::Object(schema)) = value.pointer_mut(&spot.pointer).filter(|_| is_of_file) else {
            continue;
        };
        if let Some(name) = schema.remove("$dynamicAnchor") {
            let target = format!("#{}", encode(&spot.pointer));
            anchors.insert(
                anchors.len().to_string(),
                serde_json::json!({ "$dynamicAnchor": name, "$ref": target }),
            );
        }
    }
    if let Value::Object(file) = value
        && !anchors.is_empty()
    {
        file.insert("$defs".to_owned(), Value::Object(anchors));
    }
}

/// `nullable: true` of `OpenAPI` 3.0.
fn allow_null(schema: &mut serde_json::Map<String, Value>) {
    match schema.get_mut("type") {
        Some(kind @ Value::String(_)) => *kind = serde_json::json!([kind.take(), "null"]),
        Some(Value::Array(kinds)) if !kinds.iter().any(|kind| kind == "null") => kinds.push("null".into()),
        _ => {}
    }
}

/// The URI of a schema for the validator: by the pointer in its file, or by a dynamic anchor.
pub(super) fn uri_of(analysis: &Analysis, documents: &[SchemaDocument], spot: usize, dynamic: Option<&str>) -> String {
    let spot = &analysis.spots[spot];
    match dynamic {
        Some(name) => format!("{}#{name}", analysis.resources[spot.resource].uri),
        None => format!("{}#{}", file_uri(&documents[spot.document].name), encode(&spot.pointer)),
    }
}

/// Sets a value at a pointer and creates missing objects.
fn place(all: &mut Value, pointer: &str, schema: Value) {
    let mut here = all;
    for step in pointer.split('/').skip(1) {
        let step = json::unescaped(step);
        if let Value::Array(_) = here {
            return;
        }
        if !here.is_object() {
            *here = Value::Object(serde_json::Map::new());
        }
        let Value::Object(entries) = here else { return };
        here = entries.entry(step).or_insert(Value::Null);
    }
    *here = schema;
}
