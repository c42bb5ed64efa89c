//! Decodes nodes to definitions: `suite.yaml`, a case, its request.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use serde_json::Value;

use super::{
    auth,
    decode_content::content,
    decode_expect::expect,
    decode_pattern::unescaped,
    decode_probe,
    def::{
        CaseDef, DurationDef, InputDef, JsonDef, NamedValue, QueryDef, RequestDef, SnapshotsDef, SuiteDef, WaiverDef,
        Written,
    },
    explored::explored,
    steps::{STEP_KEYS, StepNodes},
    template::{RESERVED, Template, is_name, is_reserved},
};
use crate::{
    check::is_token,
    model::Digest,
    openapi::ApiDocument,
    schema::SchemaStore,
    source::{Diagnostic, Diagnostics, Fields, Key, Kind, Node, Span, boolean, duration, list, string},
};

/// The folders that a path in a file is resolved against.
#[derive(Clone, Copy)]
pub(super) struct Folders<'a> {
    /// The folder of the project, which no path leaves.
    pub(super) project: &'a Path,
    /// The folder of the file.
    pub(super) own: &'a Path,
}

impl<'a> Folders<'a> {
    /// Both are the same folder.
    pub(super) fn same(folder: &'a Path) -> Self {
        Self {
            project: folder,
            own: folder,
        }
    }

    /// A relative path; none if it leaves the project.
    pub(super) fn resolve(&self, path: &Path) -> Option<PathBuf> {
        let mut inside = self.own.strip_prefix(self.project).ok()?.to_owned();
        for part in path.components() {
            match part {
                Component::Normal(name) => inside.push(name),
                Component::CurDir => {}
                Component::ParentDir if inside.pop() => {}
                _ => return None,
            }
        }
        Some(self.project.join(inside))
    }
}

/// The inputs of decoding besides the node, and its collected results.
pub(super) struct DecodeContext<'a> {
    /// Collects errors.
    pub(super) errors: &'a mut Diagnostics,
    /// The schemas that bodies are judged by.
    pub(super) schemas: &'a SchemaStore,
    /// The folders of the file that is read.
    pub(super) folders: Folders<'a>,
    /// The defined variables; `None` if not known yet (a suite without a case).
    pub(super) known: Option<BTreeSet<String>>,
    /// Names that a later step captures, with the id of that step.
    pub(super) later: BTreeMap<String, String>,
    /// The variables that were used.
    pub(super) used: BTreeSet<String>,
    /// The files that were read, and a digest of the content of each.
    pub(super) files: Vec<(PathBuf, Digest)>,
    /// Whether a text that is read can be left out of a request: `{{ name | optional }}`.
    can_be_omitted: bool,
}

impl<'a> DecodeContext<'a> {
    pub(super) fn new(
        folders: Folders<'a>,
        schemas: &'a SchemaStore,
        known: Option<BTreeSet<String>>,
        errors: &'a mut Diagnostics,
    ) -> Self {
        Self {
            errors,
            schemas,
            folders,
            known,
            later: BTreeMap::new(),
            used: BTreeSet::new(),
            files: Vec::new(),
            can_be_omitted: false,
        }
    }

    /// Reads texts that can be left out of a request.
    pub(super) fn omissible<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.can_be_omitted, true);
        let value = read(self);
        self.can_be_omitted = before;
        value
    }

    /// Makes a captured value known to the steps that follow.
    pub(super) fn capture(&mut self, name: &str, span: Span) {
        self.later.remove(name);
        let Some(known) = &mut self.known else { return };
        if !known.insert(name.to_owned()) {
            let error = Diagnostic::new(span, format!("`{name}` has a value already"));
            self.errors.push(error.help("capture it under another name"));
        }
    }

    pub(super) fn error(&mut self, diagnostic: Diagnostic) {
        self.errors.push(diagnostic);
    }

    pub(super) fn string(&mut self, node: &Node) -> Option<String> {
        string(node, self.errors)
    }

    /// A scalar as text with variables in it.
    pub(super) fn template(&mut self, node: &Node) -> Option<Template> {
        let text = match &node.kind {
            Kind::String(text) => text.clone(),
            Kind::Number(number) => number.to_string(),
            Kind::Bool(value) => value.to_string(),
            Kind::Null | Kind::List(_) | Kind::Map(_) => {
                self.string(node);
                return None;
            }
        };
        match Template::parse(&text, node.span) {
            Ok(template) => {
                self.note(&template);
                if template.optional().next().is_some() && !self.can_be_omitted {
                    self.error(cannot_be_omitted(node.span));
                    return None;
                }
                Some(template)
            }
            Err(reason) => {
                self.error(Diagnostic::new(node.span, reason));
                None
            }
        }
    }

    /// A duration, or a variable with one.
    pub(super) fn duration(&mut self, node: &Node) -> Option<DurationDef> {
        match &node.kind {
            Kind::String(text) if text.contains("{{") => self.template(node).map(DurationDef::Variable),
            _ => duration(node, self.errors).map(DurationDef::Fixed),
        }
    }

    /// Records the variables of a template and reports undefined ones.
    fn note(&mut self, template: &Template) {
        for name in template.variables() {
            self.used.insert(name.to_owned());
            let Some(known) = &self.known else { continue };
            if known.contains(name) || is_reserved(name) {
                continue;
            }
            if let Some(step) = self.later.get(name) {
                let error = Diagnostic::new(template.span, format!("`{name}` is used before it is captured"));
                self.errors.push(error.help(format!("the step `{step}` captures it")));
            } else {
                self.errors.push(undefined(name, template.span, known));
            }
        }
    }

    /// A JSON value with variables in its strings.
    pub(super) fn json(&mut self, node: &Node) -> Option<JsonDef> {
        Some(match &node.kind {
            Kind::Null => JsonDef::Plain(Value::Null),
            Kind::Bool(value) => JsonDef::Plain(Value::Bool(*value)),
            Kind::Number(number) => JsonDef::Plain(Value::Number(number.clone())),
            // Rows consist of values without variables, and there can be very many.
            Kind::String(text) if !text.contains('{') => JsonDef::Plain(Value::String(text.clone())),
            Kind::String(_) => {
                let template = self.template(node)?;
                match template.as_constant() {
                    Some(text) => JsonDef::Plain(Value::String(text.to_owned())),
                    None => JsonDef::Text(template),
                }
            }
            Kind::List(items) => JsonDef::List(items.iter().filter_map(|item| self.json(item)).collect()),
            Kind::Map(entries) => {
                for (key, _) in entries {
                    self.plain_key(key);
                }
                JsonDef::Map(
                    entries
                        .iter()
                        .filter_map(|(key, value)| Some((unescaped(&key.text).to_owned(), self.json(value)?)))
                        .collect(),
                )
            }
        })
    }

    /// A name is literal: a variable in it would be sent as written.
    pub(super) fn plain_key(&mut self, key: &Key) {
        if key.text.contains("{{") {
            self.error(
                Diagnostic::new(key.span, "a variable cannot be used in a name").help("use variables in values only"),
            );
        }
    }

    /// A mapping, entry by entry.
    pub(super) fn entries<T>(
        &mut self,
        node: &Node,
        what: &'static str,
        mut read: impl FnMut(&mut Self, &Key, &Node) -> Option<T>,
    ) -> Vec<T> {
        if !matches!(node.kind, Kind::Map(_)) {
            let found = node.describe();
            self.error(Diagnostic::new(node.span, format!("expected {what}, found {found}")));
        }
        let mut all = Vec::with_capacity(node.entries().len());
        all.extend(node.entries().iter().filter_map(|(key, value)| {
            self.plain_key(key);
            read(self, key, value)
        }));
        all
    }

    /// One text, or a list of them.
    pub(super) fn templates(&mut self, node: &Node) -> Option<Vec<Template>> {
        match &node.kind {
            Kind::List(items) => Some(items.iter().filter_map(|item| self.template(item)).collect()),
            _ => self.template(node).map(|one| vec![one]),
        }
    }

    fn names(&mut self, node: &Node) -> Option<Vec<String>> {
        list(node, self.errors, string)
    }
}

/// `optional` where the text cannot be left out.
fn cannot_be_omitted(span: Span) -> Diagnostic {
    Diagnostic::new(span, "`optional` cannot be used here, where the text cannot be left out").help(
        "it is for the values of a request: header fields, query parameters, form fields, parts of a multipart body, and \
         properties and items of a JSON body",
    )
}

/// Reports an undefined variable.
pub(super) fn undefined(name: &str, span: Span, known: &BTreeSet<String>) -> Diagnostic {
    Diagnostic::new(span, format!("undefined variable `{name}`"))
        .label("used here")
        .suggest(name, known.iter().map(String::as_str))
}

/// Reads `suite.yaml` alone; inherited values are only checked for their shape.
pub(super) fn suite(node: &Node, openapi: Option<Arc<ApiDocument>>, cx: &mut DecodeContext<'_>) -> Option<SuiteDef> {
    let mut fields = Fields::of(node, "a suite", cx.errors)?;
    let def = SuiteDef {
        name: fields.read("name", cx.errors, string),
        description: fields.read("description", cx.errors, string),
        inputs: fields.take("inputs").map(|node| inputs(node, cx)).unwrap_or_default(),
        vars: fields.take("vars").map(|node| vars(node, cx)).unwrap_or_default(),
        tags: words(fields.take("tags"), cx),
        effects: words(fields.take("effects"), cx),
        group: fields.take("group").and_then(|node| group(node, cx)),
        openapi: fields.take("openapi").and(openapi),
        timeout: fields.take("timeout").and_then(|node| cx.duration(node)),
        identity: fields.read("identity", cx.errors, string),
        request: fields
            .take("request")
            .map(|node| request(node, true, cx))
            .unwrap_or_default(),
        expect: fields.take("expect").map(|node| expect(node, cx)).unwrap_or_default(),
        snapshots: fields
            .take("snapshots")
            .map(|node| snapshots(node, cx))
            .unwrap_or_default(),
        survivors: fields
            .take("survivors")
            .map(|node| survivors(node, cx))
            .unwrap_or_default(),
    };
    // The steps are read with each case.
    fields.take("setup");
    fields.take("teardown");
    fields.finish(cx.errors);
    for (name, input) in &def.inputs {
        if def.vars.get(name).is_some() {
            cx.error(
                Diagnostic::new(input.span, format!("`{name}` is an input and a constant of the suite"))
                    .help("take it out of `vars`, or give the input a `default`"),
            );
        }
    }
    Some(def)
}

/// Reads a case after inheritance, with its steps.
pub(super) fn case(node: &Node, steps: &StepNodes, cx: &mut DecodeContext<'_>) -> Option<CaseDef> {
    let mut fields = Fields::of(node, "a case", cx.errors)?;
    let vars = fields.take("vars").map(|node| vars(node, cx)).unwrap_or_default();
    let examples = fields.take("examples").map(|node| examples(node, cx));
    // The parts of a variable's value count only if the variable itself is used.
    cx.used.clear();
    let mut def = CaseDef {
        name: fields.read("name", cx.errors, string),
        description: fields.read("description", cx.errors, string),
        tags: words(fields.take("tags"), cx),
        skip: fields.take("skip").and_then(|node| skip(node, cx)),
        effects: words(fields.take("effects"), cx),
        group: fields.take("group").and_then(|node| group(node, cx)),
        vars,
        examples: examples.unwrap_or_default(),
        cookies: fields.read("cookies", cx.errors, boolean),
        probe: fields.take("probe").and_then(|node| decode_probe::probe(node, cx)),
        expect_probe: None,
        explored: Vec::new(),
        steps: steps.decode(&mut fields, start(node.span), cx),
    };
    let expected = fields.take("expect_probe");
    def.expect_probe = decode_probe::expect_probe(expected, &def, cx);
    if let Some(rows) = fields.take("explored") {
        def.explored = explored(rows, node, steps, &def, cx);
    }
    for key in ["setup", "steps", "teardown"] {
        fields.take(key);
    }
    if steps.has_steps() {
        for key in ["request", "expect", "snapshots", "timeout", "identity"] {
            fields.take(key);
        }
        for key in STEP_KEYS {
            if let Some(node) = fields.take(key) {
                let error = Diagnostic::new(node.span, format!("`{key}` belongs to a step"));
                cx.error(error.help("move it into one of the `steps`"));
            }
        }
    }
    fields.finish(cx.errors);
    Some(def)
}

/// Only the first character of a span, so that a caret does not underline a whole file or step.
pub(super) fn start(span: Span) -> Span {
    Span {
        end_line: span.line,
        end_column: span.column + 1,
        ..span
    }
}

fn group(node: &Node, cx: &mut DecodeContext<'_>) -> Option<String> {
    let name = cx.string(node)?;
    if !is_slug(&name) {
        let error = Diagnostic::new(node.span, format!("`{name}` cannot be the name of a group"));
        cx.error(error.help("use letters, digits, `-`, `_` and `.`"));
        return None;
    }
    Some(name)
}

fn skip(node: &Node, cx: &mut DecodeContext<'_>) -> Option<String> {
    let reason = match &node.kind {
        Kind::Bool(_) => String::new(),
        _ => cx.string(node)?,
    };
    if reason.trim().is_empty() {
        cx.error(Diagnostic::new(node.span, "a skipped case needs a reason").help("write `skip: why it is skipped`"));
        return None;
    }
    Some(reason)
}

/// Words such as tags and effects: one or a list.
fn words(node: Option<&Node>, cx: &mut DecodeContext<'_>) -> Vec<String> {
    let Some(node) = node else { return Vec::new() };
    let words = cx.names(node).unwrap_or_default();
    for word in &words {
        if word.is_empty() || word.contains([',', ' ', '\t', '\n']) {
            cx.error(Diagnostic::new(node.span, format!("`{word}` is not one word")));
        }
    }
    words
}

fn inputs(node: &Node, cx: &mut DecodeContext<'_>) -> Vec<(String, Written<InputDef>)> {
    cx.entries(node, "a mapping of inputs", |cx, key, value| {
        check_name(key, cx);
        let def = match &value.kind {
            Kind::String(text) => InputDef {
                description: Some(text.clone()),
                ..InputDef::default()
            },
            Kind::Null => InputDef::default(),
            _ => {
                let mut fields = Fields::of(value, "an input", cx.errors)?;
                let default = fields.take("default");
                let def = InputDef {
                    description: fields.read("description", cx.errors, string),
                    secret: fields.read("secret", cx.errors, boolean).unwrap_or_default(),
                    default: default.and_then(|node| cx.string(node)),
                    optional: fields.read("optional", cx.errors, boolean).unwrap_or_default(),
                    endpoint: fields.read("endpoint", cx.errors, boolean).unwrap_or_default(),
                };
                fields.finish(cx.errors);
                if let (true, Some(node)) = (def.secret, default) {
                    cx.error(Diagnostic::new(node.span, "a secret has no default"));
                }
                if def.endpoint && (def.secret || default.is_some()) {
                    let error = Diagnostic::new(key.span, "an endpoint has neither a default nor `secret`");
                    cx.error(error.help("it is defined by `[targets.NAME.endpoints.NAME]` in conforme.toml"));
                }
                def
            }
        };
        Some((
            key.text.to_string(),
            Written {
                value: def,
                span: key.span,
            },
        ))
    })
}

fn vars(node: &Node, cx: &mut DecodeContext<'_>) -> NamedValue {
    cx.entries(node, "a mapping of variables", |cx, key, value| {
        check_name(key, cx);
        Some((Arc::clone(&key.text), cx.json(value)?))
    })
    .into_iter()
    .collect()
}

pub(super) fn check_name(key: &Key, cx: &mut DecodeContext<'_>) {
    if is_reserved(&key.text) {
        let error = Diagnostic::new(key.span, format!("`{}` is a reserved name", key.text));
        cx.error(error.help(format!(
            "its value is generated; reserved are `{}`",
            RESERVED.join("`, `")
        )));
    } else if !is_name(&key.text) {
        cx.error(
            Diagnostic::new(key.span, format!("`{}` is not a variable's name", key.text))
                .help("letters, digits and `_`, not a digit first"),
        );
    }
}

fn examples(node: &Node, cx: &mut DecodeContext<'_>) -> Vec<NamedValue> {
    let rows = cx.entries(node, "a mapping from names to rows", |cx, key, value| {
        if !is_slug(&key.text) {
            cx.error(
                Diagnostic::new(key.span, format!("`{}` cannot name an example", key.text))
                    .help("letters, digits, `-`, `_` and `.`: it becomes part of the case's id"),
            );
        }
        Some(vars(value, cx))
    });
    if matches!(&node.kind, Kind::Map(rows) if rows.is_empty()) {
        cx.error(Diagnostic::new(
            node.span,
            "a table of examples without a row makes no case",
        ));
    }
    rows
}

/// Characters allowed in ids and file names.
pub(super) fn is_slug(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with('.')
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

fn survivors(node: &Node, cx: &mut DecodeContext<'_>) -> Vec<Written<WaiverDef>> {
    let Kind::List(items) = &node.kind else {
        cx.error(
            Diagnostic::new(node.span, "survivors are a list")
                .help("write `- { operator: header/removed, reason: ... }`"),
        );
        return Vec::new();
    };
    let mut all = Vec::new();
    for item in items {
        let Some(mut fields) = Fields::of(item, "a survivor", cx.errors) else {
            continue;
        };
        let (operator, at, case) = (
            fields.read("operator", cx.errors, string),
            fields.read("at", cx.errors, string),
            fields.read("case", cx.errors, string),
        );
        let reason = fields
            .read("reason", cx.errors, string)
            .filter(|reason| !reason.trim().is_empty());
        fields.finish(cx.errors);
        let (Some(operator), Some(reason)) = (operator, reason) else {
            cx.error(
                Diagnostic::new(item.span, "a survivor has an `operator` and a `reason`")
                    .help("write why no case has to detect it"),
            );
            continue;
        };
        let waiver = WaiverDef {
            operator,
            at,
            case,
            reason,
        };
        all.push(Written {
            value: waiver,
            span: item.span,
        });
    }
    all
}

pub(super) fn snapshots(node: &Node, cx: &mut DecodeContext<'_>) -> SnapshotsDef {
    let Some(mut fields) = Fields::of(node, "a mapping", cx.errors) else {
        return SnapshotsDef::default();
    };
    let headers = fields.take("headers").and_then(|node| cx.names(node));
    let redact = fields.take("redact");
    let pointers = redact.and_then(|node| cx.names(node)).unwrap_or_default();
    fields.finish(cx.errors);
    if let Some(node) = redact {
        for pointer in &pointers {
            if !pointer.starts_with('/') {
                cx.error(
                    Diagnostic::new(node.span, format!("`{pointer}` is not a JSON pointer"))
                        .help(format!("write `/{}`", pointer.trim_start_matches(['.', '$']))),
                );
            }
        }
    }
    SnapshotsDef {
        headers: headers
            .unwrap_or_default()
            .into_iter()
            .map(|name| name.to_ascii_lowercase())
            .collect(),
        redact: pointers,
    }
}

/// Reads a request; `needs_path` is false for a request whose URL comes from an earlier response.
pub(super) fn request(node: &Node, needs_path: bool, cx: &mut DecodeContext<'_>) -> RequestDef {
    let Some(mut fields) = Fields::of(node, "a request", cx.errors) else {
        return RequestDef::default();
    };
    let path = fields.take("path");
    let def = RequestDef {
        method: fields.take("method").and_then(|node| method(node, cx)),
        path: path.and_then(|node| self::path(node, cx)),
        params: fields.take("params").map(|node| params(node, cx)).unwrap_or_default(),
        query: fields.take("query").map(|node| query(node, cx)).unwrap_or_default(),
        headers: fields
            .take("headers")
            .map(|node| cx.omissible(|cx| headers(node, cx)))
            .unwrap_or_default(),
        auth: fields.take("auth").and_then(|node| auth::auth(node, cx)).map(Box::new),
        body: fields.take("body").and_then(|node| content(node, cx)),
    };
    fields.finish(cx.errors);
    auth::check(node, cx);
    // Only a complete case is checked against its path: a suite may leave parameters to its cases.
    if cx.known.is_some() {
        match (&def.path, path) {
            (Some(template), Some(at)) => check_params(template, at, node, &def.params, cx),
            (None, None) if needs_path => cx.error(Diagnostic::new(node.span, "the request has no `path`")),
            _ => {}
        }
    }
    def
}

fn method(node: &Node, cx: &mut DecodeContext<'_>) -> Option<Template> {
    let template = cx.template(node)?;
    if let Some(text) = template.as_constant() {
        if !is_token(text) {
            cx.error(Diagnostic::new(node.span, format!("`{text}` is not a method")));
        } else if text.bytes().any(|b| b.is_ascii_lowercase()) {
            let upper = text.to_ascii_uppercase();
            cx.error(
                Diagnostic::new(node.span, format!("methods are case-sensitive: `{text}`"))
                    .help(format!("write `{upper}`")),
            );
        }
    }
    Some(template)
}

fn path(node: &Node, cx: &mut DecodeContext<'_>) -> Option<Template> {
    let template = cx.template(node)?;
    let first = match template.parts.first() {
        Some(super::TemplatePart::Text(text)) => text.as_str(),
        Some(super::TemplatePart::Variable(..)) => "/",
        None => "",
    };
    if first.contains("://") {
        cx.error(Diagnostic::new(
            node.span,
            "a path, not a URL: the target supplies the rest",
        ));
    } else if !first.starts_with('/') {
        cx.error(Diagnostic::new(node.span, "a path begins with `/`"));
    }
    if let Some(text) = template.as_constant()
        && text.contains(['?', '#'])
    {
        cx.error(
            Diagnostic::new(node.span, "a path cannot contain `?` or `#`").help("write query parameters under `query`"),
        );
    }
    Some(template)
}

/// Checks that every `{name}` of the path has a parameter, and every parameter occurs in the path.
fn check_params(path: &Template, at: &Node, request: &Node, params: &[(String, Template)], cx: &mut DecodeContext<'_>) {
    let given: BTreeMap<_, _> = params.iter().map(|(name, value)| (name.as_str(), value)).collect();
    let wanted = path_params(path);
    for name in &wanted {
        if !given.contains_key(name.as_str()) {
            cx.error(
                Diagnostic::new(at.span, format!("path parameter `{name}` has no value"))
                    .help(format!("add `params: {{ {name}: ... }}`")),
            );
        }
    }
    let keys = request.get("params").map(Node::entries).unwrap_or_default();
    for (key, _) in keys {
        if !wanted.iter().any(|name| **name == *key.text) {
            cx.error(
                Diagnostic::new(key.span, format!("the path has no parameter `{}`", key.text))
                    .suggest(&key.text, wanted.iter().map(String::as_str)),
            );
        }
    }
}

/// The names in single braces of a path.
pub(super) fn path_params(path: &Template) -> Vec<String> {
    let mut names = Vec::new();
    for part in &path.parts {
        let super::TemplatePart::Text(text) = part else {
            continue;
        };
        let mut rest = text.as_str();
        while let Some((_, after)) = rest.split_once('{') {
            let Some((name, after)) = after.split_once('}') else {
                break;
            };
            names.push(name.to_owned());
            rest = after;
        }
    }
    names
}

fn params(node: &Node, cx: &mut DecodeContext<'_>) -> Vec<(String, Template)> {
    cx.entries(node, "a mapping of path parameters", |cx, key, value| {
        Some((key.text.to_string(), cx.template(value)?))
    })
}

/// Parameters by name, or the whole query as text.
fn query(node: &Node, cx: &mut DecodeContext<'_>) -> QueryDef {
    if matches!(node.kind, Kind::Map(_) | Kind::List(_)) {
        let what = "query parameters by name, or the whole query as text";
        return QueryDef::Fields(cx.omissible(|cx| named_texts(node, what, cx)));
    }
    let Some(template) = cx.template(node) else {
        return QueryDef::default();
    };
    if let Some(wrong) = template.as_constant().and_then(|text| wrong_query(text, node.span)) {
        cx.error(wrong);
    }
    QueryDef::Raw(template)
}

/// An error for text that cannot be sent unchanged as a query.
pub(crate) fn wrong_query(text: &str, span: Span) -> Option<Diagnostic> {
    if text.starts_with('?') {
        let error = Diagnostic::new(span, "the `?` before the query is added by itself");
        return Some(error.help("write the query without the `?`"));
    }
    let bad = text.chars().find(|c| !c.is_ascii_graphic() || *c == '#')?;
    let error = Diagnostic::new(
        span,
        format!("the query contains {bad:?}, which is not allowed in a URL"),
    );
    Some(error.help(
        "text is sent unchanged: percent-encode it, or write the parameters by name, as `query: { name: value }`",
    ))
}

pub(super) fn named_texts(node: &Node, what: &'static str, cx: &mut DecodeContext<'_>) -> Vec<(String, Vec<Template>)> {
    cx.entries(node, what, |cx, key, value| {
        Some((key.text.to_string(), cx.templates(value)?))
    })
}

fn headers(node: &Node, cx: &mut DecodeContext<'_>) -> Vec<(String, Vec<Template>)> {
    let mut seen = BTreeSet::new();
    cx.entries(node, "a mapping of header fields", |cx, key, value| {
        check_header(key, &mut seen, cx);
        // `null` is left of a field that is sent by default, and must not be.
        if value.is_null() {
            return Some((key.text.to_string(), Vec::new()));
        }
        Some((key.text.to_string(), cx.templates(value)?))
    })
}

/// A header's name: a token, and not twice in another case.
pub(super) fn check_header(key: &Key, seen: &mut BTreeSet<String>, cx: &mut DecodeContext<'_>) {
    if !is_token(&key.text) {
        cx.error(Diagnostic::new(
            key.span,
            format!("`{}` is not a header name", key.text),
        ));
    }
    if !seen.insert(key.text.to_ascii_lowercase()) {
        cx.error(Diagnostic::new(
            key.span,
            format!("header `{}` is defined twice: names are case-insensitive", key.text),
        ));
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::source::{Sources, parse_yaml};

    #[test]
    fn a_raw_query_has_only_what_can_be_sent_unchanged() {
        let mut sources = Sources::new("");
        let file = sources.add(Path::new("a"), "a".to_owned());
        let span = parse_yaml("a", file, &mut Diagnostics::default()).unwrap().span;
        for text in ["", "pretty", "pretty&x=%ZZ", "a=b=c&&", "a?b/c:d@e", "a+b"] {
            assert!(wrong_query(text, span).is_none(), "{text}");
        }
        for text in ["?a", "a b", "a#b", "a\nb", "a\u{7f}", "é"] {
            assert!(wrong_query(text, span).is_some(), "{text}");
        }
    }
}
