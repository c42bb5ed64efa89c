//! The files of a draft.

use serde_json::{Value as Json, json};

use super::{
    DraftCapture, DraftCase, DraftContent, DraftExpect, DraftPart, DraftPartContent, DraftQuery, DraftRequest,
    DraftStep, SuiteDraft, Value,
    yaml::{YamlEntry, YamlNode, entry},
};

/// A file of a suite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DraftFile {
    /// Its path in the folder of the suite.
    pub path: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// The files of a draft: `suite.yaml`, the cases, and the contents that are not text. `schemas` is the way from the folder
/// of the suite to the editor schemas, if there are any.
pub fn files(draft: &SuiteDraft, schemas: Option<&str>) -> Vec<DraftFile> {
    let with_schema = |kind: &str, text: String| {
        let comment = schemas.map(|folder| format!("# yaml-language-server: $schema={folder}/{kind}.schema.json\n"));
        (comment.unwrap_or_default() + &text).into_bytes()
    };
    let mut files = vec![DraftFile {
        path: "suite.yaml".to_owned(),
        bytes: with_schema("suite", suite(draft).document()),
    }];
    for case in &draft.cases {
        files.push(DraftFile {
            path: format!("{}.yaml", case.file),
            bytes: with_schema("case", self::case(case, draft).document()),
        });
        for step in case.all_steps() {
            files.extend(contents(&step.request));
        }
    }
    files
}

/// The contents of a request that are files.
fn contents(request: &DraftRequest) -> Vec<DraftFile> {
    let file = |path: &String, bytes: &Vec<u8>| DraftFile {
        path: path.clone(),
        bytes: bytes.clone(),
    };
    match &request.content {
        Some(DraftContent::File(path, bytes)) => vec![file(path, bytes)],
        Some(DraftContent::Multipart(parts)) => {
            let files = parts.iter().filter_map(|part| match &part.content {
                DraftPartContent::File(path, bytes) => Some(file(path, bytes)),
                DraftPartContent::Text(_) => None,
            });
            files.collect()
        }
        _ => Vec::new(),
    }
}

fn notes(notes: &[String], draft: &SuiteDraft) -> impl Iterator<Item = String> {
    let notes: Vec<_> = notes
        .iter()
        .map(|note| format!("not imported: {}", draft.names.template(note)))
        .collect();
    notes.into_iter()
}

fn suite(draft: &SuiteDraft) -> YamlNode {
    let mut entries = vec![entry("name", YamlNode::text(&draft.name)).comments(notes(&draft.notes, draft))];
    entries.extend((draft.openapi.as_ref()).map(|name| entry("openapi", YamlNode::text(name))));
    if !draft.inputs.is_empty() {
        let inputs = draft.inputs.iter().map(|input| {
            let mut fields = vec![entry("description", YamlNode::text(&input.description))];
            if input.is_secret {
                fields.push(entry("secret", plain(true)));
            }
            if let Some(default) = &input.default {
                fields.push(entry("default", YamlNode::text(draft.names.template(default))));
            }
            entry(&input.name, YamlNode::Map(fields))
        });
        entries.push(entry("inputs", YamlNode::Map(inputs.collect())));
    }
    if !draft.vars.is_empty() {
        entries.push(entry("vars", fields_of(&draft.vars, draft, str::eq)));
    }
    let common = request(&draft.common, draft);
    if !common.is_empty() {
        entries.push(entry("request", YamlNode::Map(common)));
    }
    YamlNode::Map(entries)
}

fn case(case: &DraftCase, draft: &SuiteDraft) -> YamlNode {
    let text = |text: &String| YamlNode::text(draft.names.template(text));
    let mut entries = vec![entry("name", text(&case.title)).comments(notes(&case.notes, draft))];
    entries.extend(case.description.as_ref().map(|about| entry("description", text(about))));
    if !case.tags.is_empty() {
        let tags = case.tags.iter().map(YamlNode::text);
        entries.push(entry("tags", YamlNode::List(tags.collect())));
    }
    entries.extend(case.skip.as_ref().map(|reason| entry("skip", text(reason))));
    if !case.effects.is_empty() {
        let effects = case.effects.iter().map(YamlNode::text);
        entries.push(entry("effects", YamlNode::List(effects.collect())));
    }
    if !case.has_cookies && case.steps.len() > 1 {
        entries.push(entry("cookies", plain(false)));
    }
    if !case.vars.is_empty() {
        entries.push(entry("vars", fields_of(&case.vars, draft, str::eq)));
    }
    let with_ids = |key: &str, steps: &[DraftStep]| {
        let steps = steps.iter().map(|one| {
            let id = entry("id", YamlNode::text(&one.id));
            YamlNode::Map(std::iter::once(id).chain(step(one, draft)).collect())
        });
        entry(key, YamlNode::List(steps.collect()))
    };
    if !case.setup.is_empty() {
        entries.push(with_ids("setup", &case.setup));
    }
    if let [only] = &*case.steps {
        entries.append(&mut step(only, draft));
    } else {
        entries.push(with_ids("steps", &case.steps));
    }
    if !case.teardown.is_empty() {
        entries.push(with_ids("teardown", &case.teardown));
    }
    YamlNode::Map(entries)
}

fn plain(value: bool) -> YamlNode {
    YamlNode::Plain(value.to_string())
}

fn step(step: &DraftStep, draft: &SuiteDraft) -> Vec<YamlEntry> {
    let json = |value: &Json| YamlNode::json(value, &|text| draft.names.template(text));
    let mut entries = Vec::new();
    entries.extend((step.timeout.as_ref()).map(|timeout| entry("timeout", YamlNode::text(timeout))));
    entries.extend((step.operation.as_ref()).map(|name| entry("operation", YamlNode::text(name))));
    entries.extend((step.follow.as_ref()).map(|other| entry("follow", YamlNode::text(other))));
    let mut request = request(&step.request, draft);
    if step.follow.is_some() {
        request.retain(|field| field.key() != "path" && field.key() != "query");
    }
    if !request.is_empty() {
        entries.push(entry("request", YamlNode::Map(request)));
    }
    entries.extend((step.eventually.as_ref()).map(|wait| entry("eventually", json(wait))));
    let all = |fields: &[(String, Json)]| {
        let fields = fields.iter().map(|(name, value)| entry(name, json(value)));
        YamlNode::Map(fields.collect())
    };
    let expect = &step.expect;
    let mut fields = vec![entry("status", json(&expect.status))];
    if !expect.headers.is_empty() {
        fields.push(entry("headers", all(&expect.headers)));
    }
    if !expect.cookies.is_empty() {
        fields.push(entry("cookies", all(&expect.cookies)));
    }
    if !expect.body.is_empty() {
        let body = expect.body.iter().map(|(key, value)| entry(*key, json(value)));
        fields.push(entry("body", YamlNode::Map(body.collect())));
    }
    entries_of_expect(expect, &mut fields);
    entries.push(entry("expect", YamlNode::Map(fields)).comments(notes(&expect.notes, draft)));
    if expect.snapshot && !expect.redact.is_empty() {
        let redact = expect.redact.iter().map(YamlNode::text).collect();
        let snapshots = YamlNode::Map(vec![entry("redact", YamlNode::List(redact))]);
        entries.push(entry("snapshots", snapshots));
    }
    if !step.captures.is_empty() {
        let captures = step
            .captures
            .iter()
            .map(|capture| entry(&capture.name, json(&source(capture))));
        entries.push(entry("capture", YamlNode::Map(captures.collect())));
    }
    if let Some(first) = entries.first_mut() {
        first.add_comments(notes(&step.notes, draft));
    }
    entries
}

fn entries_of_expect(expect: &DraftExpect, fields: &mut Vec<YamlEntry>) {
    fields.extend((expect.duration.as_ref()).map(|most| entry("duration", YamlNode::text(most))));
    if expect.snapshot {
        fields.push(entry("snapshot", plain(true)));
    }
}

/// The source of a capture as it is written.
fn source(capture: &DraftCapture) -> Json {
    match &capture.source {
        source if !capture.is_secret => source.clone(),
        Json::Object(fields) => {
            let mut fields = fields.clone();
            fields.insert("secret".to_owned(), true.into());
            Json::Object(fields)
        }
        source => json!({ "json": source, "secret": true }),
    }
}

fn request(request: &DraftRequest, draft: &SuiteDraft) -> Vec<YamlEntry> {
    let text = |value: &Value| YamlNode::text(draft.names.template(value));
    let mut entries = Vec::new();
    // What requests have in common has neither.
    if !matches!(&*request.method, "GET" | "") {
        entries.push(entry("method", text(&request.method)));
    }
    if !request.path.is_empty() {
        entries.push(entry("path", text(&request.path)));
    }
    if !request.params.is_empty() {
        entries.push(entry("params", fields_of(&request.params, draft, str::eq)));
    }
    match &request.query {
        Some(DraftQuery::Fields(fields)) => entries.push(entry("query", fields_of(fields, draft, str::eq))),
        Some(DraftQuery::Raw(raw)) => entries.push(entry("query", text(raw))),
        None => {}
    }
    if let Some((user, password)) = &request.basic {
        let basic = vec![entry("user", text(user)), entry("password", text(password))];
        let basic = YamlNode::Map(vec![entry("basic", YamlNode::Map(basic))]);
        entries.push(entry("auth", basic));
    }
    if let Some(token) = &request.bearer {
        entries.push(entry("auth", YamlNode::Map(vec![entry("bearer", text(token))])));
    }
    if request.is_anonymous {
        entries.push(entry("auth", YamlNode::text("none")));
    }
    let mut headers = entries_of(&request.headers, draft, str::eq_ignore_ascii_case);
    let removed = request.removed.iter();
    headers.extend(removed.map(|name| entry(name, YamlNode::Plain("null".to_owned()))));
    if !headers.is_empty() {
        entries.push(entry("headers", YamlNode::Map(headers)));
    }
    let content = match &request.content {
        Some(DraftContent::Json(value)) => entry("json", YamlNode::json(value, &|text| draft.names.template(text))),
        Some(DraftContent::Form(fields)) => entry("form", fields_of(fields, draft, str::eq)),
        Some(DraftContent::Text(value)) => entry("text", text(value)),
        Some(DraftContent::File(path, _)) => entry("file", YamlNode::text(path)),
        Some(DraftContent::Multipart(parts)) => {
            let parts = parts.iter().map(|one| part(one, draft)).collect();
            entry("multipart", YamlNode::List(parts))
        }
        None => return entries,
    };
    entries.push(entry("body", YamlNode::Map(vec![content])));
    entries
}

fn part(part: &DraftPart, draft: &SuiteDraft) -> YamlNode {
    let text = |value: &Value| YamlNode::text(draft.names.template(value));
    let mut entries = vec![entry("name", text(&part.name))];
    entries.push(match &part.content {
        DraftPartContent::Text(content) => entry("text", text(content)),
        DraftPartContent::File(path, _) => entry("file", YamlNode::text(path)),
    });
    entries.extend((part.content_type.as_ref()).map(|kind| entry("content_type", text(kind))));
    entries.extend((part.file_name.as_ref()).map(|name| entry("filename", text(name))));
    YamlNode::Map(entries)
}

/// Fields by name; several of a name are a list. Names of header fields have no case.
fn fields_of(fields: &[(String, Value)], draft: &SuiteDraft, is_same: fn(&str, &str) -> bool) -> YamlNode {
    YamlNode::Map(entries_of(fields, draft, is_same))
}

fn entries_of(fields: &[(String, Value)], draft: &SuiteDraft, is_same: fn(&str, &str) -> bool) -> Vec<YamlEntry> {
    let mut entries: Vec<YamlEntry> = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    for (name, _) in fields {
        if seen.iter().any(|known| is_same(known, name)) {
            continue;
        }
        seen.push(name);
        let same = fields.iter().filter(|(other, _)| is_same(other, name));
        let mut values: Vec<_> = same
            .map(|(_, value)| YamlNode::text(draft.names.template(value)))
            .collect();
        let value = if values.len() == 1 {
            values.remove(0)
        } else {
            YamlNode::List(values)
        };
        entries.push(entry(name, value));
    }
    entries
}
