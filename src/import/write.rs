//! The files of a draft.

use super::{
    DraftCase, DraftContent, DraftQuery, DraftRequest, SuiteDraft, Value,
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
        if let Some(DraftContent::File(path, bytes)) = &case.request.content {
            files.push(DraftFile {
                path: path.clone(),
                bytes: bytes.clone(),
            });
        }
    }
    files
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
    if !draft.inputs.is_empty() {
        let inputs = draft.inputs.iter().map(|input| {
            let mut fields = vec![entry("description", YamlNode::text(&input.description))];
            if input.is_secret {
                fields.push(entry("secret", YamlNode::Plain("true".to_owned())));
            }
            entry(&input.name, YamlNode::Map(fields))
        });
        entries.push(entry("inputs", YamlNode::Map(inputs.collect())));
    }
    if !draft.vars.is_empty() {
        let vars = draft.vars.iter();
        let vars = vars.map(|(name, value)| entry(name, YamlNode::text(draft.names.template(value))));
        entries.push(entry("vars", YamlNode::Map(vars.collect())));
    }
    YamlNode::Map(entries)
}

fn case(case: &DraftCase, draft: &SuiteDraft) -> YamlNode {
    let mut entries = vec![entry("name", YamlNode::text(&case.title))];
    if let Some(reason) = &case.skip {
        entries.push(entry("skip", YamlNode::text(reason)));
    }
    if let Some(timeout) = &case.timeout {
        entries.push(entry("timeout", YamlNode::text(timeout)));
    }
    entries.push(entry("request", request(&case.request, draft)).comments(notes(&case.notes, draft)));
    let status = match case.status.parse::<u16>() {
        Ok(_) => YamlNode::Plain(case.status.clone()),
        Err(_) => YamlNode::text(&case.status),
    };
    entries.push(entry("expect", YamlNode::Map(vec![entry("status", status)])));
    YamlNode::Map(entries)
}

fn request(request: &DraftRequest, draft: &SuiteDraft) -> YamlNode {
    let text = |value: &Value| YamlNode::text(draft.names.template(value));
    let mut entries = Vec::new();
    if request.method != "GET" {
        entries.push(entry("method", text(&request.method)));
    }
    entries.push(entry("path", text(&request.path)));
    match &request.query {
        Some(DraftQuery::Fields(fields)) => entries.push(entry("query", fields_of(fields, draft, str::eq))),
        Some(DraftQuery::Raw(raw)) => entries.push(entry("query", text(raw))),
        None => {}
    }
    if !request.headers.is_empty() {
        entries.push(entry(
            "headers",
            fields_of(&request.headers, draft, str::eq_ignore_ascii_case),
        ));
    }
    let content = match &request.content {
        Some(DraftContent::Json(value)) => entry("json", YamlNode::json(value, &|text| draft.names.template(text))),
        Some(DraftContent::Form(fields)) => entry("form", fields_of(fields, draft, str::eq)),
        Some(DraftContent::Text(value)) => entry("text", text(value)),
        Some(DraftContent::File(path, _)) => entry("file", YamlNode::text(path)),
        None => return YamlNode::Map(entries),
    };
    entries.push(entry("body", YamlNode::Map(vec![content])));
    YamlNode::Map(entries)
}

/// Fields by name; several of a name are a list. Names of header fields have no case.
fn fields_of(fields: &[(String, Value)], draft: &SuiteDraft, is_same: fn(&str, &str) -> bool) -> YamlNode {
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
    YamlNode::Map(entries)
}
