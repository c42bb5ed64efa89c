//! Finds suites on disk and assembles their cases.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ffi::OsStr,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    decode::{self, DecodeContext, Folders, is_slug, start, undefined},
    def::{Case, CaseDef, ExampleRow, JsonDef, NamedValue, Suite, SuiteDef},
    inherit::inherit,
    steps::StepNodes,
    template::is_reserved,
};
use crate::{
    model::Digest,
    openapi::ApiDocument,
    schema::SchemaStore,
    source::{
        Diagnostic, Diagnostics, Digester, FileId, FileKind, Kind, Node, Overlay, Sources, Span, is_below, parse_yaml,
        string,
    },
};

/// Number of files that are read ahead.
const AHEAD: usize = 64;
/// Maximum length of a chain of variables that refer to each other.
const MAX_CHAIN: usize = 100;
/// The file with the settings shared by the cases of a folder.
const SUITE_FILE: &str = "suite.yaml";

/// All suites of a project.
#[derive(Debug, Default)]
pub struct Suites {
    /// The suites, by id.
    pub suites: Vec<Arc<Suite>>,
    /// Their cases, by suite, file and row.
    pub cases: Vec<Arc<Case>>,
    /// Readiness checks by target.
    pub ready: BTreeMap<String, Case>,
    /// The files that cases send.
    pub files: BTreeSet<PathBuf>,
    /// The documents that describe the APIs, by name; `None` for one with errors.
    pub documents: BTreeMap<String, Option<Arc<ApiDocument>>>,
    /// The near misses that are left out.
    pub omitted_probes: Diagnostics,
    /// The suites with errors. Their cases must not be used.
    pub broken: Vec<BrokenSuite>,
}

/// A suite with errors.
#[derive(Debug)]
pub struct BrokenSuite {
    /// Its id.
    pub id: String,
    /// The ids and files of its cases, without the rows of tables.
    pub cases: Vec<(String, String)>,
    /// The errors.
    pub errors: Diagnostics,
}

impl Suites {
    /// The files of the schema folder that belong to the description of an API.
    pub(crate) fn described_files(&self) -> BTreeSet<&str> {
        let documents = self.documents.values().flatten();
        documents.flat_map(|document| document.file_names()).collect()
    }

    /// The inputs that are optional in every suite that has them.
    pub fn optional_inputs(&self) -> BTreeSet<&str> {
        let all = || self.suites.iter().flat_map(|suite| &suite.def.inputs);
        let is_required = |name: &str| all().any(|(other, input)| other == name && !input.value.optional);
        (all().filter(|(_, input)| input.value.optional))
            .map(|(name, _)| name.as_str())
            .filter(|name| !is_required(name))
            .collect()
    }

    /// Every input that a suite declares, by name, and whether it is a secret.
    pub fn inputs(&self) -> BTreeMap<&str, bool> {
        let mut all = BTreeMap::new();
        for suite in &self.suites {
            for (name, input) in &suite.def.inputs {
                *all.entry(name.as_str()).or_default() |= input.value.secret;
            }
        }
        for name in self.ready.values().flat_map(|case| case.needs.iter()) {
            all.entry(name).or_default();
        }
        all
    }
}

/// Loads every suite below `folder`. Errors of a suite are kept with it; others are added to `errors`, and if there are any,
/// the result must not be used.
pub fn load(folder: &Path, schemas: &SchemaStore, sources: &mut Sources, errors: &mut Diagnostics) -> Suites {
    let mut folders = Vec::new();
    walk(folder, folder, &mut folders, sources, errors);
    load_folders(folders, folder, schemas, sources, errors)
}

/// Loads case files of one folder, outside a project, as a suite with the name of the folder.
pub(crate) fn load_files(
    folder: &Path,
    files: Vec<PathBuf>,
    schemas: &SchemaStore,
    sources: &mut Sources,
    errors: &mut Diagnostics,
) -> Suites {
    let name = folder.file_name().and_then(OsStr::to_str).filter(|name| is_slug(name));
    let found = Folder {
        id: name.unwrap_or("cases").to_owned(),
        path: folder.to_owned(),
        cases: files,
    };
    load_folders(vec![found], folder, schemas, sources, errors)
}

fn load_folders(
    folders: Vec<Folder>,
    folder: &Path,
    schemas: &SchemaStore,
    sources: &mut Sources,
    errors: &mut Diagnostics,
) -> Suites {
    let mut loaded = Suites::default();
    for found in folders {
        let (id, paths) = (found.id.clone(), found.cases.clone());
        let mut own = Diagnostics::default();
        suite(found, schemas, sources, &mut loaded, &mut own);
        if own.is_empty() {
            continue;
        }
        let stem = |path: &Path| path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let cases = paths.iter();
        let cases = cases.map(|path| (format!("{id}/{}", stem(path).unwrap_or_default()), sources.shown(path)));
        loaded.broken.push(BrokenSuite {
            cases: cases.collect(),
            id,
            errors: own,
        });
    }
    let mut ids = HashMap::with_capacity(loaded.cases.len());
    for case in &loaded.cases {
        if let Some(first) = ids.insert(case.id.as_str(), case.span) {
            let first = sources.location(first);
            errors.push(Diagnostic::new(
                case.span,
                format!("two cases with the id `{}`; the other is {first}", case.id),
            ));
        }
    }
    if loaded.cases.is_empty() && errors.is_empty() && loaded.broken.is_empty() {
        let shown = sources.shown(folder);
        errors.push(
            Diagnostic::general(format!("no cases in `{shown}`"))
                .help("a suite is a folder with a `suite.yaml` and one file for each case"),
        );
    }
    loaded
}

/// A folder with cases in it.
struct Folder {
    id: String,
    path: PathBuf,
    cases: Vec<PathBuf>,
}

fn walk(root: &Path, folder: &Path, found: &mut Vec<Folder>, sources: &Sources, errors: &mut Diagnostics) {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            let shown = sources.shown(folder);
            errors.push(Diagnostic::general(format!(
                "failed to read the folder `{shown}`: {error}"
            )));
            return;
        }
    };
    let mut entries: Vec<_> = entries
        .flatten()
        .map(|entry| (entry.path(), entry.file_type().ok()))
        .collect();
    for path in sources.overlay().paths_in(folder, false) {
        if !entries.iter().any(|(known, _)| known == path) {
            entries.push((path.to_owned(), None));
        }
    }
    // By name without its ending: `a` comes before `a-b`.
    entries.sort_by_cached_key(|(path, _)| path.file_stem().map(OsStr::to_owned));
    let mut cases = Vec::new();
    for (path, kind) in entries {
        let is_new = kind.is_none() && sources.overlay().text(&path).is_some();
        let is_link = !is_new && kind.is_none_or(|kind| kind.is_symlink());
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        if name.starts_with('.') {
            continue;
        }
        if kind.is_some_and(|kind| kind.is_dir()) || is_link && path.is_dir() {
            // A link could lead out of the project or around in a circle.
            if is_link {
                let shown = sources.shown(&path);
                errors.push(Diagnostic::general(format!(
                    "`{shown}` would not be run: links to folders are not followed"
                )));
            } else {
                walk(root, &path, found, sources, errors);
            }
            continue;
        }
        match path.extension().and_then(OsStr::to_str) {
            Some("yaml") if is_link && leads_out(&path, sources) => {
                let shown = sources.shown(&path);
                errors.push(Diagnostic::general(format!(
                    "`{shown}` would not be run: the link leads outside the project"
                )));
            }
            Some("yaml") if name == SUITE_FILE => {}
            Some("yaml") => cases.push(path),
            Some(ending) if ["yaml", "yml"].contains(&ending.to_lowercase().as_str()) => {
                let shown = sources.shown(&path);
                errors.push(Diagnostic::general(format!(
                    "`{shown}` would not be run: cases end in `.yaml`"
                )));
            }
            _ => {}
        }
    }
    if cases.is_empty() && !sources.overlay().is_taken(&folder.join(SUITE_FILE)) {
        return;
    }
    let id = suite_id(root, folder, !cases.is_empty(), sources, errors);
    found.push(Folder {
        id,
        path: folder.to_owned(),
        cases,
    });
}

/// The id of the suite in a folder; errors if it cannot be one.
fn suite_id(root: &Path, folder: &Path, has_cases: bool, sources: &Sources, errors: &mut Diagnostics) -> String {
    let id = folder
        .strip_prefix(root)
        .map(|path| {
            path.components()
                .map(|part| part.as_os_str().to_string_lossy().into_owned())
                .collect::<Vec<_>>()
                .join("/")
        })
        .unwrap_or_default();
    let shown = sources.shown(folder);
    if id.is_empty() {
        errors.push(Diagnostic::general(format!(
            "a case file is directly in `{shown}`: move it into a suite folder"
        )));
    } else if !id.split('/').all(is_slug) {
        errors.push(Diagnostic::general(format!(
            "the folder name `{shown}` cannot be a suite's id: use letters, digits, `-`, `_` and `.`"
        )));
    } else if !has_cases {
        errors.push(Diagnostic::general(format!("the suite `{shown}` has no cases")));
    }
    id
}

/// Whether a link leads to an existing path outside the project.
fn leads_out(path: &Path, sources: &Sources) -> bool {
    path.exists() && !is_below(path, sources.root())
}

/// The text of a file, or the error.
fn text(path: &Path, overlay: &Overlay) -> Result<String, String> {
    let text = overlay.read_text(path, FileKind::Suite)?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// The content of a file.
struct ParsedFile {
    text: String,
    node: Option<Node>,
    errors: Diagnostics,
}

impl ParsedFile {
    /// Reads the file that becomes `file` of the sources.
    fn read(path: &Path, file: FileId, overlay: &Overlay) -> Result<Self, String> {
        let text = text(path, overlay)?;
        let mut errors = Diagnostics::default();
        let node = parse_yaml(&text, file, &mut errors);
        Ok(Self { text, node, errors })
    }
}

/// A file as a node.
fn read(path: &Path, sources: &mut Sources, errors: &mut Diagnostics) -> Option<Node> {
    let document = ParsedFile::read(path, sources.next(), sources.overlay());
    accept(path, document, sources, errors)
}

fn accept(
    path: &Path,
    document: Result<ParsedFile, String>,
    sources: &mut Sources,
    errors: &mut Diagnostics,
) -> Option<Node> {
    match document {
        Ok(document) => {
            sources.add(path, document.text);
            errors.append(document.errors);
            document.node
        }
        Err(reason) => {
            let shown = sources.shown(path);
            errors.push(Diagnostic::general(format!("failed to read `{shown}`: {reason}")));
            None
        }
    }
}

/// Passes each file on in order; `first` is the id of the first readable file. If there are many,
/// they are read ahead while earlier ones are processed.
fn documents<'p>(
    paths: &'p [PathBuf],
    first: FileId,
    overlay: &Overlay,
    mut emit: impl FnMut(&'p Path, Result<ParsedFile, String>),
) {
    let mut file = first;
    let mut read = move |path: &'p PathBuf| {
        let document = ParsedFile::read(path, file, overlay);
        if document.is_ok() {
            file = file.next();
        }
        (path.as_path(), document)
    };
    if paths.len() < AHEAD {
        for path in paths {
            let (path, document) = read(path);
            emit(path, document);
        }
        return;
    }
    std::thread::scope(|scope| {
        let (sender, ready) = std::sync::mpsc::sync_channel(2);
        scope.spawn(move || {
            for paths in paths.chunks(AHEAD) {
                if sender.send(paths.iter().map(&mut read).collect::<Vec<_>>()).is_err() {
                    break;
                }
            }
        });
        for (path, document) in ready.iter().flatten() {
            emit(path, document);
        }
    });
}

fn suite(folder: Folder, schemas: &SchemaStore, sources: &mut Sources, loaded: &mut Suites, errors: &mut Diagnostics) {
    let suite_path = folder.path.join(SUITE_FILE);
    let mut shared = None;
    let mut def = SuiteDef::default();
    let project = sources.root().to_owned();
    let folders = Folders {
        project: if folder.path.starts_with(&project) {
            &project
        } else {
            &folder.path
        },
        own: &folder.path,
    };
    let overlay = sources.overlay().clone();
    if overlay.is_taken(&suite_path) {
        let Some(node) = read(&suite_path, sources, errors) else {
            // Without `suite.yaml`, the cases can be read but not judged.
            for path in folder.cases {
                read(&path, sources, errors);
            }
            return;
        };
        let openapi = node.get("openapi").filter(|named| !named.is_null());
        let openapi = openapi.and_then(|named| document(named, schemas, sources, loaded, errors));
        let mut cx = DecodeContext::new(folders, schemas, None, errors);
        if !node.is_null() {
            refuse_empty(&node, cx.errors);
            def = decode::suite(&node, openapi, &mut cx).unwrap_or_default();
            shared = Some(node);
        }
    }
    let suite = Arc::new(Suite { id: folder.id, def });
    documents(&folder.cases, sources.next(), &overlay, |path, document| {
        let Some(node) = accept(path, document, sources, errors) else {
            return;
        };
        let stem = path
            .file_stem()
            .map(|stem| stem.to_string_lossy().into_owned())
            .unwrap_or_default();
        if !is_slug(&stem) {
            let shown = sources.shown(path);
            errors.push(Diagnostic::general(format!(
                "the file name `{shown}` cannot be a case's id: use letters, digits, `-`, `_` and `.`"
            )));
        }
        case(node, shared.as_ref(), &suite, &stem, folders, schemas, loaded, errors);
    });
    loaded.suites.push(suite);
}

/// The document that a suite names.
fn document(
    named: &Node,
    schemas: &SchemaStore,
    sources: &mut Sources,
    loaded: &mut Suites,
    errors: &mut Diagnostics,
) -> Option<Arc<ApiDocument>> {
    let name = string(named, errors)?;
    let is_outside = name.contains(':') || name.starts_with('/') || name.split('/').any(|part| part == "..");
    if is_outside || !schemas.root().join(&name).is_file() {
        let error = Diagnostic::new(named.span, format!("no file `{name}` in the schema folder"));
        let known = documents_in(schemas.root());
        errors.push(error.suggest(&name, known.iter().map(String::as_str)));
        return None;
    }
    if let Some(known) = loaded.documents.get(&name) {
        if known.is_none() {
            errors.push(Diagnostic::new(named.span, format!("`{name}` has errors")));
        }
        return known.clone();
    }
    let document = ApiDocument::open(schemas.root(), &name, sources, errors).map(Arc::new);
    if document.as_ref().is_some_and(|document| document.operations.is_empty()) {
        let error = Diagnostic::new(
            named.span,
            format!("`{name}` describes no operations, so nothing is tested"),
        );
        errors.push(error.help("describe the operations in its `paths`"));
    }
    loaded.documents.insert(name, document.clone());
    document
}

/// The names of the files in the schema folder that can be documents.
fn documents_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let is_document = |name: &String| {
        let extension = Path::new(name).extension().and_then(OsStr::to_str);
        extension.is_some_and(|extension| ["yaml", "yml", "json"].contains(&extension))
    };
    let mut names: Vec<_> = names.filter(is_document).collect();
    names.sort_unstable();
    names
}

/// The operations that steps name are in the document of the suite.
fn check_operations(def: &CaseDef, suite: &Suite, errors: &mut Diagnostics) {
    for named in def.steps.iter().filter_map(|step| step.operation.as_ref()) {
        let Some(document) = &suite.def.openapi else {
            let error = Diagnostic::new(named.span, "the suite has no `openapi` document with operations");
            errors.push(error.help("name the document in suite.yaml: `openapi: FILE`"));
            continue;
        };
        if document.operation(&named.value).is_none() {
            let ids = document
                .operations
                .iter()
                .filter_map(|operation| operation.id.as_deref());
            let message = format!("`{}` has no operation `{}`", document.name, named.value);
            errors.push(Diagnostic::new(named.span, message).suggest(&named.value, ids));
        }
    }
}

/// Adds the cases of a file.
#[expect(
    clippy::too_many_arguments,
    reason = "what is known of the file, and where the result goes"
)]
pub(super) fn case(
    node: Node,
    shared: Option<&Node>,
    suite: &Arc<Suite>,
    stem: &str,
    folders: Folders<'_>,
    schemas: &SchemaStore,
    loaded: &mut Suites,
    errors: &mut Diagnostics,
) {
    if node.is_null() {
        errors.push(Diagnostic::new(node.span, "the file is empty").help("a case has at least `expect`"));
        return;
    }
    let span = start(node.span);
    refuse_empty(&node, errors);
    let merged = inherit(shared, node, errors);
    let known = known_names(suite, &merged);
    let steps = StepNodes::of(&merged, shared, errors);
    let mut cx = DecodeContext::new(folders, schemas, Some(known.clone()), errors);
    cx.later = steps.captures(&merged);
    let captures: BTreeSet<String> = cx.later.keys().cloned().collect();
    let Some(mut def) = decode::case(&merged, &steps, &mut cx) else {
        return;
    };
    let (mut used, files) = (cx.used, cx.files);
    check_operations(&def, suite, errors);
    used.retain(|name| !captures.contains(name) && !is_reserved(name));
    let written = written(&merged, &steps, shared, &files);
    let mut schema_files = BTreeSet::new();
    for node in steps.nodes(&merged) {
        find_schemas(node, schemas, &mut schema_files);
    }
    let schema_files: Arc<[String]> = schema_files.into_iter().collect();
    loaded.files.extend(files.into_iter().map(|(path, _)| path));
    def.tags = join(&suite.def.tags, def.tags);
    def.effects = join(&suite.def.effects, def.effects);
    let id = format!("{}/{stem}", suite.id);
    let rows = rows_of(id, span, &def, &merged);
    // There can be very many rows.
    drop((merged, steps));
    let def = Arc::new(def);
    loaded.cases.reserve(rows.len());
    let mut all_needs = RowNeeds::default();
    for (id, span, row) in rows {
        let names = VariableLayers {
            row: row.and_then(|row| def.examples.get(row.0 as usize)),
            span,
            def: &def,
            suite,
            known: &known,
        };
        loaded.cases.push(Arc::new(Case {
            id,
            suite: Arc::clone(suite),
            def: Arc::clone(&def),
            example: row,
            probe: None,
            is_explored: false,
            needs: all_needs.of(&names, &used, errors),
            schemas: Arc::clone(&schema_files),
            digest: written,
            span,
        }));
    }
}

/// The names that a case may use: inputs and variables of the suite, its own variables, and the columns of its examples.
fn known_names(suite: &Suite, merged: &Node) -> BTreeSet<String> {
    let mut known: BTreeSet<String> = suite
        .def
        .inputs
        .iter()
        .map(|(name, _)| name.clone())
        .chain(suite.def.vars.names().map(str::to_owned))
        .collect();
    let own = merged.get("vars").into_iter().flat_map(Node::entries);
    let rows = merged.get("examples").into_iter().flat_map(Node::entries);
    let columns = rows.flat_map(|(_, row)| row.entries());
    for (key, _) in own.chain(columns) {
        if !known.contains(&*key.text) {
            known.insert(key.text.to_string());
        }
    }
    known
}

/// The cases of a file, one for each example: id, location, and the row.
fn rows_of(id: String, span: Span, def: &CaseDef, merged: &Node) -> Vec<(String, Span, Option<ExampleRow>)> {
    if def.examples.is_empty() {
        return vec![(id, span, None)];
    }
    let names = merged.get("examples").into_iter().flat_map(Node::entries);
    names
        .zip(0..)
        .map(|((key, _), row)| (format!("{id}[{}]", key.text), key.span, Some(ExampleRow(row))))
        .collect()
}

/// The inputs that the rows of a case need. Rows with the same needs share one list.
#[derive(Default)]
struct RowNeeds<'d> {
    shared: BTreeMap<Vec<String>, Arc<[String]>>,
    /// The last row without variables and errors, and its inputs.
    plain: Option<(&'d NamedValue, Arc<[String]>)>,
}

impl<'d> RowNeeds<'d> {
    fn of(&mut self, names: &VariableLayers<'d>, used: &BTreeSet<String>, errors: &mut Diagnostics) -> Arc<[String]> {
        let plain_row = names.row.filter(|row| row.is_plain());
        if let (Some(row), Some((known, needs))) = (plain_row, &self.plain)
            && row.has_names_of(known)
        {
            return Arc::clone(needs);
        }
        let before = errors.len();
        let needs = names.needs(used, errors);
        let needs = Arc::clone(
            self.shared
                .entry(needs)
                .or_insert_with_key(|needs| Arc::from(needs.as_slice())),
        );
        if errors.len() == before {
            self.plain = plain_row.map(|row| (row, Arc::clone(&needs)));
        }
        needs
    }
}

/// Empty expectations in a file; `null` also leaves an empty mapping.
pub(super) fn refuse_empty(file: &Node, errors: &mut Diagnostics) {
    let Some(expect) = file.get("expect") else { return };
    for (key, value) in expect.entries() {
        if ["body", "headers", "trailers"].contains(&&*key.text)
            && matches!(value.kind, Kind::Map(_))
            && value.entries().is_empty()
        {
            let error = Diagnostic::new(key.span, format!("`{}` is empty, so nothing is tested", key.text));
            errors.push(error.help("write what to expect, or remove it"));
        }
    }
}

/// A digest of a case's definition without its rows.
fn written(merged: &Node, steps: &StepNodes, suite: Option<&Node>, files: &[(PathBuf, Digest)]) -> Digest {
    let mut digester = Digester::new("case");
    for (key, value) in merged.entries().iter().filter(|(key, _)| *key.text != *"examples") {
        digester.part(&*key.text);
        digester.node(value);
    }
    // Entries that are not inherited but affect the case's values.
    for name in ["inputs", "vars"] {
        digester.part(name);
        if let Some(value) = suite.and_then(|suite| suite.get(name)) {
            digester.node(value);
        }
    }
    for node in steps.nodes(merged).filter(|node| !std::ptr::eq(*node, merged)) {
        digester.part("step");
        digester.node(node);
    }
    for (_, digest) in files {
        digester.digest(*digest);
    }
    digester.finish()
}

/// The schema files that are named anywhere in a case.
fn find_schemas(node: &Node, schemas: &SchemaStore, found: &mut BTreeSet<String>) {
    match &node.kind {
        Kind::String(text) => {
            let file = text.split('#').next().unwrap_or_default();
            if schemas.has(file) {
                found.insert(file.to_owned());
            }
        }
        Kind::List(items) => items.iter().for_each(|item| find_schemas(item, schemas, found)),
        Kind::Map(entries) => {
            for (_, value) in entries.iter().filter(|(key, _)| *key.text != *"examples") {
                find_schemas(value, schemas, found);
            }
        }
        _ => {}
    }
}

fn join(suite: &[String], own: Vec<String>) -> Vec<String> {
    let mut all = suite.to_vec();
    for word in own {
        if !all.contains(&word) {
            all.push(word);
        }
    }
    all
}

/// A column that is for readers only.
const NOTE: &str = "note";

/// The names of one case, layer over layer.
struct VariableLayers<'a> {
    row: Option<&'a NamedValue>,
    /// Location of the row or the case.
    span: Span,
    def: &'a CaseDef,
    suite: &'a Suite,
    known: &'a BTreeSet<String>,
}

impl<'a> VariableLayers<'a> {
    /// The inputs that the used variables come from in the end. Cycles and undefined names are reported, and
    /// so is an unused column other than `note`, which is probably a misspelled name.
    fn needs(&self, used: &'a BTreeSet<String>, errors: &mut Diagnostics) -> Vec<String> {
        let mut reached = BTreeSet::new();
        for name in used {
            self.follow(name, self.span, &mut Vec::new(), &mut reached, errors);
        }
        for name in self.row.iter().flat_map(|row| row.names()) {
            if !reached.contains(name) && name != NOTE {
                errors.push(
                    Diagnostic::new(self.span, format!("this row has `{name}`, which the case does not use"))
                        .suggest(name, used.iter().map(String::as_str)),
                );
            }
        }
        let inputs = reached.into_iter().filter(|name| self.value(name).is_none());
        inputs.map(str::to_owned).collect()
    }

    /// The value of a name that is not an input.
    fn value(&self, name: &str) -> Option<&'a JsonDef> {
        let row = self.row.and_then(|row| row.get(name));
        row.or_else(|| self.def.vars.get(name))
            .or_else(|| self.suite.def.vars.get(name))
    }

    /// Follows all variables in a name's value; `at` is the location of its use, `path` the names that led to it.
    fn follow(
        &self,
        name: &'a str,
        at: Span,
        path: &mut Vec<&'a str>,
        reached: &mut BTreeSet<&'a str>,
        errors: &mut Diagnostics,
    ) {
        if path.contains(&name) {
            errors.push(Diagnostic::new(
                at,
                format!("variable `{name}` leads to itself: {} → {name}", path.join(" → ")),
            ));
            return;
        }
        if let Some(value) = self.value(name) {
            // Its value has been followed already.
            if !reached.insert(name) {
                return;
            }
            if path.len() >= MAX_CHAIN {
                errors.push(Diagnostic::new(
                    at,
                    format!("more than {MAX_CHAIN} variables are made of one another"),
                ));
                return;
            }
            path.push(name);
            for template in value.templates() {
                for inner in template.variables() {
                    self.follow(inner, template.span, path, reached, errors);
                }
            }
            path.pop();
        } else if self.suite.def.inputs.iter().any(|(input, _)| input == name) {
            reached.insert(name);
        } else if self.row.is_some() && self.known.contains(name) {
            // Rows are read by name: a value of another row does not count.
            errors.push(Diagnostic::new(
                self.span,
                format!("this row has no `{name}`, which the case uses"),
            ));
        } else if !path.is_empty() && !is_reserved(name) {
            // A name that the case itself uses has been reported at its location.
            errors.push(undefined(name, at, self.known));
        }
    }
}
