//! The files of an `OpenAPI` document: loading, references between them, and locations in them.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::Value;
use url::Url;

use super::DocumentPart;
use crate::{
    json,
    model::Location,
    schema::{span_in_json, spans_in_json},
    source::{
        Diagnostic, Diagnostics, FileId, FileKind, Kind, Node, Sources, Span, nearest, parse_foreign_yaml, read_file_in,
    },
};

/// Maximum number of files of one document.
const MAX_FILES: usize = 2000;

/// The host of a `$self` that has none.
const UNKNOWN_HOST: &str = "http://document.invalid/";

/// A file of a document.
#[derive(Debug)]
struct PartFile {
    /// Its path below the schema folder, `/` between names.
    name: String,
    /// Its path in messages.
    shown: Arc<str>,
    id: FileId,
    /// The text of a JSON file; locations are looked up in it.
    text: String,
    /// The nodes of a YAML file.
    nodes: Option<Node>,
    value: Value,
    base: DocumentBase,
}

/// What the references of a file are relative to.
#[derive(Debug)]
enum DocumentBase {
    /// The file itself.
    Own,
    /// Another path below the schema folder, by a relative `$self`.
    Path(String),
    /// A URI, by an absolute `$self`. Files beside it are those beside the file.
    Uri(Url),
}

impl DocumentBase {
    /// The base of a document with `$self` (3.2).
    fn of(name: &str, value: &Value) -> Self {
        let own = value.get("$self").and_then(Value::as_str);
        let Some(own) = own.filter(|own| !own.is_empty() && value.get("openapi").is_some()) else {
            return Self::Own;
        };
        let own = own.split('#').next().unwrap_or_default();
        if let Ok(uri) = UNKNOWN_HOST.parse::<Url>().and_then(|host| host.join(own))
            && (own.contains(':') || own.starts_with('/'))
        {
            return Self::Uri(uri);
        }
        path_from(name, own).map_or(Self::Own, Self::Path)
    }
}

/// The path that a relative path leads to, from the folder of a file; `None` outside the schema folder.
fn path_from(file: &str, path: &str) -> Option<String> {
    let mut steps: Vec<_> = file.split('/').collect();
    steps.pop();
    for step in path.split('/') {
        match step {
            "" | "." => {}
            ".." => drop(steps.pop()?),
            step => steps.push(step),
        }
    }
    Some(steps.join("/"))
}

/// All files of a document, read once.
#[derive(Debug)]
pub(super) struct DocumentFiles {
    files: Vec<PartFile>,
    /// Every name that was looked up, with the reason if it cannot be read.
    index: BTreeMap<String, Result<usize, String>>,
    /// The schema folder in messages.
    folder: String,
}

/// Why a reference leads nowhere.
#[derive(Debug)]
pub(super) struct WrongReference {
    pub(super) reason: String,
    pub(super) help: Option<String>,
}

impl WrongReference {
    fn new(reason: impl Into<String>, help: Option<String>) -> Self {
        Self {
            reason: reason.into(),
            help,
        }
    }
}

impl DocumentFiles {
    /// Reads a file of the schema folder and every file that it refers to. `None` if the file itself cannot be read.
    pub(super) fn open(folder: &Path, name: &str, sources: &mut Sources, errors: &mut Diagnostics) -> Option<Self> {
        let mut all = Self {
            files: Vec::new(),
            index: BTreeMap::new(),
            folder: sources.shown(folder),
        };
        if let Err(reason) = all.load(folder, name, sources, errors) {
            errors.push(Diagnostic::general(format!("`{}/{name}`: {reason}", all.folder)));
            return None;
        }
        let mut next = 0;
        while next < all.files.len() && all.files.len() < MAX_FILES {
            let mut named = Vec::new();
            references(&all.files[next].value, &mut named);
            for reference in named {
                if let Ok(Some(name)) = all.file_name(next, &reference)
                    && !all.index.contains_key(&name)
                {
                    // A reference that is not used is not an error; one that is used is reported where it is.
                    let _ = all.load(folder, &name, sources, errors);
                }
            }
            next += 1;
        }
        Some(all)
    }

    fn load(
        &mut self,
        folder: &Path,
        name: &str,
        sources: &mut Sources,
        errors: &mut Diagnostics,
    ) -> Result<usize, String> {
        let path = name
            .split('/')
            .fold(PathBuf::from(folder), |path, step| path.join(step));
        let loaded = self.read(folder, name, &path, sources, errors);
        self.index.insert(name.to_owned(), loaded.clone());
        loaded
    }

    fn read(
        &mut self,
        folder: &Path,
        name: &str,
        path: &Path,
        sources: &mut Sources,
        errors: &mut Diagnostics,
    ) -> Result<usize, String> {
        let is_json = Path::new(name).extension().is_some_and(|extension| extension == "json");
        if !path.exists() {
            return Err("no such file in the schema folder".to_owned());
        }
        let bytes = read_file_in(folder, "the schema folder", path, FileKind::Schema)?;
        let text = String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
        let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
        let id = sources.add(path, text.clone());
        let (text, nodes, value) = if is_json {
            let value = json::read(text.as_bytes()).map_err(|error| format!("not valid JSON: {error}"))?;
            (text, None, value)
        } else {
            let mut own = Diagnostics::default();
            let nodes = parse_foreign_yaml(&text, id, &mut own);
            let nodes = nodes.filter(|_| own.is_empty());
            let reason = own.first().map_or("it has errors", |first| first.message.as_str());
            let nodes = nodes.ok_or_else(|| reason.to_owned());
            if self.files.is_empty() {
                errors.append(own);
            }
            let nodes = nodes?;
            let value = nodes.to_json();
            (String::new(), Some(nodes), value)
        };
        self.files.push(PartFile {
            base: DocumentBase::of(name, &value),
            name: name.to_owned(),
            shown: sources.path(id),
            id,
            text,
            nodes,
            value,
        });
        Ok(self.files.len() - 1)
    }

    /// The URI of the document itself, if its `$self` is absolute.
    pub(super) fn base_uri(&self) -> Option<&Url> {
        match &self.files.first()?.base {
            DocumentBase::Uri(uri) if uri.host_str() != Some("document.invalid") => Some(uri),
            _ => None,
        }
    }

    /// The name of each file, and its content.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.files.iter().map(|file| (file.name.as_str(), &file.value))
    }

    /// The name of a file below the schema folder.
    pub(super) fn name(&self, file: usize) -> &str {
        self.files.get(file).map_or("", |file| &file.name)
    }

    /// The file with this name.
    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.files.iter().position(|file| file.name == name)
    }

    /// The value of a part.
    pub(super) fn value(&self, part: &DocumentPart) -> Option<&Value> {
        self.files.get(part.file)?.value.pointer(&part.pointer)
    }

    /// The keys of a mapping in the order of the file.
    pub(super) fn keys(&self, part: &DocumentPart) -> Vec<String> {
        let Some(file) = self.files.get(part.file) else {
            return Vec::new();
        };
        if let Some(node) = file.nodes.as_ref().and_then(|root| node_at(root, &part.pointer)) {
            let keys = node.0.entries().iter().map(|(key, _)| key.text.to_string());
            return keys.collect();
        }
        let Some(Value::Object(entries)) = self.value(part) else {
            return Vec::new();
        };
        entries.keys().cloned().collect()
    }

    /// The span of a part, or of its key; the nearest part around it if there is none.
    pub(super) fn span(&self, part: &DocumentPart, of_key: bool) -> Option<Span> {
        let file = self.files.get(part.file)?;
        let mut pointer = part.pointer.as_str();
        let mut of_key = of_key;
        loop {
            let span = match &file.nodes {
                Some(root) => node_at(root, pointer).map(|(node, key)| {
                    let span = if of_key { key.unwrap_or(node.span) } else { node.span };
                    start(span, matches!(node.kind, Kind::Map(_) | Kind::List(_)))
                }),
                None => span_in_json(file.id, &file.text, pointer, of_key),
            };
            if span.is_some() {
                return span;
            }
            pointer = &pointer[..pointer.rfind('/')?];
            of_key = true;
        }
    }

    /// The location of a part: the line of its key, or its own.
    pub(super) fn location(&self, part: &DocumentPart) -> Option<Location> {
        let span = self.span(part, true)?;
        Some(Location {
            file: Arc::clone(&self.files.get(part.file)?.shown),
            line: span.line,
            column: span.column,
        })
    }

    /// The same for many parts. Large JSON files are read once.
    pub(super) fn locations<'p>(
        &self,
        parts: impl IntoIterator<Item = &'p DocumentPart>,
    ) -> HashMap<&'p DocumentPart, Location> {
        let mut of_files: BTreeMap<usize, Vec<&DocumentPart>> = BTreeMap::new();
        for part in parts {
            of_files.entry(part.file).or_default().push(part);
        }
        let mut all = HashMap::new();
        for (number, parts) in of_files {
            let Some(file) = self.files.get(number) else { continue };
            let pointers = parts.iter().map(|part| part.pointer.as_str());
            let spans = match &file.nodes {
                Some(_) => HashMap::new(),
                None => spans_in_json(file.id, &file.text, pointers),
            };
            for part in parts {
                let location = spans.get(part.pointer.as_str()).map(|span| Location {
                    file: Arc::clone(&file.shown),
                    line: span.line,
                    column: span.column,
                });
                all.extend(
                    location
                        .or_else(|| self.location(part))
                        .map(|location| (part, location)),
                );
            }
        }
        all
    }

    /// The name of the file that a reference points to; `None` if it points to a part of its own file.
    fn file_name(&self, from: usize, reference: &str) -> Result<Option<String>, WrongReference> {
        let uri = reference.split('#').next().unwrap_or_default();
        if uri.is_empty() {
            return Ok(None);
        }
        let beside = match self.files.get(from).map(|file| &file.base) {
            Some(DocumentBase::Uri(base)) => base.join(uri).ok().map(|full| (base.make_relative(&full), full)),
            _ => uri.parse().ok().map(|full| (None, full)),
        };
        if let Some((_, full)) = &beside {
            // A document by its `$self`.
            let is_it = |file: &&PartFile| matches!(&file.base, DocumentBase::Uri(own) if own == full);
            if let Some(file) = self.files.iter().find(is_it) {
                return Ok(Some(file.name.clone()));
            }
        }
        let beside = beside.and_then(|(relative, _)| relative);
        let uri = beside.as_deref().unwrap_or(uri);
        if uri.contains(':') || uri.starts_with("//") {
            return Err(WrongReference::new(
                "this is remote, and nothing is fetched",
                Some("save the file in the schema folder, and refer to it by its path".to_owned()),
            ));
        }
        let outside = || {
            let help = "a file is named by its path from the file that refers to it";
            WrongReference::new("this is not a file of the schema folder", Some(help.to_owned()))
        };
        let uri = percent_encoding::percent_decode_str(uri).decode_utf8();
        let uri = uri.map_err(|_| outside())?;
        if uri.starts_with('/') || uri.contains('\\') {
            return Err(outside());
        }
        let base = match self.files.get(from).map(|file| &file.base) {
            Some(DocumentBase::Path(path)) => path,
            _ => self.name(from),
        };
        path_from(base, &uri).map(Some).ok_or_else(outside)
    }

    /// The part that a reference leads to. `base` is the pointer of the schema resource around it, if it has an `$id`.
    pub(super) fn find(&self, from: usize, base: &str, reference: &str) -> Result<DocumentPart, WrongReference> {
        let file = match self.file_name(from, reference)? {
            None => from,
            Some(name) => match self.index.get(&name) {
                Some(Ok(file)) => *file,
                Some(Err(reason)) => {
                    let names = self.index.iter().filter(|(_, known)| known.is_ok());
                    let help = nearest(&name, names.map(|(name, _)| name.as_str()));
                    let help = help.map(|name| format!("did you mean `{name}`?"));
                    return Err(WrongReference::new(format!("`{}/{name}`: {reason}", self.folder), help));
                }
                None => {
                    let reason = format!("a document has at most {MAX_FILES} files");
                    return Err(WrongReference::new(reason, None));
                }
            },
        };
        let fragment = reference.split_once('#').map_or("", |(_, fragment)| fragment);
        let decoded = percent_encoding::percent_decode_str(fragment).decode_utf8();
        let decoded = decoded.map_or_else(|_| fragment.to_owned(), Into::into);
        if !decoded.is_empty() && !decoded.starts_with('/') {
            let slashed = DocumentPart {
                file,
                pointer: canonical(&format!("/{decoded}")),
            };
            let help = (self.value(&slashed)).map(|_| format!("did you mean `#/{decoded}`?"));
            return Err(WrongReference::new("a JSON pointer begins with `#/`", help));
        }
        let base = if file == from { base } else { "" };
        let candidates = [format!("{base}{decoded}"), decoded.clone(), fragment.to_owned()];
        let parts = candidates.into_iter().map(|pointer| DocumentPart {
            file,
            pointer: canonical(&pointer),
        });
        for part in parts {
            if self.value(&part).is_some() {
                return Ok(part);
            }
        }
        Err(self.missing(file, &decoded))
    }

    /// The error for a pointer to nothing, with the most similar name.
    fn missing(&self, file: usize, pointer: &str) -> WrongReference {
        let reason = format!(
            "nothing exists at `#{pointer}` in `{}/{}`",
            self.folder,
            self.name(file)
        );
        let (around, last) = pointer.rsplit_once('/').unwrap_or(("", pointer));
        let here = DocumentPart {
            file,
            pointer: around.to_owned(),
        };
        let help = match self.value(&here) {
            Some(Value::Object(entries)) => nearest(last, entries.keys().map(String::as_str))
                .map(|name| format!("did you mean `#{}`?", json::step(around, name))),
            _ => None,
        };
        WrongReference::new(reason, help)
    }
}

/// A pointer with each step escaped in one way.
fn canonical(pointer: &str) -> String {
    let steps = pointer.split('/').skip(1);
    steps.fold(String::new(), |all, step| json::step(&all, &json::unescaped(step)))
}

/// A long value is pointed at by its start.
fn start(span: Span, is_collection: bool) -> Span {
    if !is_collection || span.end_line == span.line {
        return span;
    }
    Span {
        end_line: span.line,
        end_column: span.column + 1,
        ..span
    }
}

/// The node at a pointer, and the span of its key.
fn node_at<'n>(root: &'n Node, pointer: &str) -> Option<(&'n Node, Option<Span>)> {
    let mut here = root;
    let mut key_span = None;
    for step in pointer.split('/').skip(1) {
        let step = json::unescaped(step);
        here = match &here.kind {
            Kind::Map(entries) => {
                let (key, value) = entries.iter().find(|(key, _)| *key.text == *step)?;
                key_span = Some(key.span);
                value
            }
            Kind::List(items) => {
                key_span = None;
                items.get(step.parse::<usize>().ok()?)?
            }
            _ => return None,
        };
    }
    Some((here, key_span))
}

/// Every `$ref` of a value that names a file, and every value of a `mapping`.
fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                match (key.as_str(), value) {
                    ("$ref", Value::String(text)) if !text.starts_with('#') => found.push(text.clone()),
                    ("mapping", Value::Object(all)) => {
                        let texts = all.values().filter_map(Value::as_str).filter(|text| text.contains('.'));
                        found.extend(texts.map(str::to_owned));
                    }
                    _ => references(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}
