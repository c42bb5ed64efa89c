//! Saved examples of a request: expectations of its response.

use serde_json::Value as Json;

use crate::import::{DraftExpect, names::short, shape};

/// Adds what a saved example shows to what the test script expects, which takes precedence. `has_status` is whether the script
/// expects a status.
pub(super) fn add(examples: &[Json], expect: &mut DraftExpect, has_status: bool) {
    let code = |example: &Json| {
        let code = example.get("code").and_then(Json::as_u64);
        code.filter(|code| (100..600).contains(code))
    };
    // A script decides which of several is the response of the request; otherwise the first success does.
    let is_expected = |example: &&Json| match code(example) {
        None => false,
        Some(code) if has_status => is_of(&expect.status, code),
        Some(code) => (200..300).contains(&code),
    };
    let found = examples.iter().find(is_expected);
    let chosen = found.or_else(|| examples.first().filter(|one| !has_status && code(one).is_some()));
    for other in examples {
        if chosen.is_some_and(|chosen| std::ptr::eq(chosen, other)) {
            continue;
        }
        let name = other.get("name").and_then(Json::as_str).unwrap_or_default();
        let status = code(other).map(|code| format!(" (status {code})"));
        let note = format!("the example `{}`{}", short(name), status.unwrap_or_default());
        expect.notes.push(note);
    }
    let Some((example, code)) = chosen.and_then(|one| Some((one, code(one)?))) else {
        return;
    };
    if !has_status {
        expect.status = code.into();
    }
    let body = example.get("body").and_then(Json::as_str).unwrap_or_default();
    if body.is_empty() || matches!(code, 204 | 205 | 300..400) {
        return;
    }
    let declared = header(example, "content-type");
    if let Some(media_type) = declared.as_deref().and_then(essence)
        && !expect.headers.iter().any(|(name, _)| name == "content-type")
    {
        expect.headers.push(("content-type".to_owned(), media_type.into()));
    }
    // Without a media type, the example has the format that its editor shows.
    let preview = example.get("_postman_previewlanguage").and_then(Json::as_str);
    let is_json = match &declared {
        Some(declared) => declared.to_ascii_lowercase().contains("json"),
        None => preview == Some("json"),
    };
    let has_json = expect.body.iter().any(|(key, _)| *key == "json");
    if let Some(mut value) = crate::json::read(body.as_bytes()).ok().filter(|_| is_json && !has_json) {
        forget_placeholders(&mut value);
        expect.body.extend(shape::expected(&value).map(|shape| ("json", shape)));
    }
}

/// Whether an expected status (a code, a class or a list) includes a code.
fn is_of(status: &Json, code: u64) -> bool {
    match status {
        Json::Number(number) => number.as_u64() == Some(code),
        Json::String(class) => class.starts_with(&(code / 100).to_string()),
        Json::Array(all) => all.iter().any(|one| is_of(one, code)),
        _ => false,
    }
}

/// A header field, from a list of fields or from text.
fn header(example: &Json, name: &str) -> Option<String> {
    match example.get("header")? {
        Json::Array(fields) => fields.iter().find_map(|field| {
            let key = field.get("key").and_then(Json::as_str)?;
            let value = field.get("value").and_then(Json::as_str)?;
            key.trim().eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        }),
        Json::String(text) => text.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.trim().eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        }),
        _ => None,
    }
}

/// The media type without parameters.
fn essence(value: &str) -> Option<String> {
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_type = essence
        .split_once('/')
        .is_some_and(|(kind, rest)| !kind.is_empty() && !rest.is_empty());
    (is_type && !essence.contains("{{")).then_some(essence)
}

/// A collection that was made from an `OpenAPI` document has `"<integer>"` instead of a number: such a value can be anything.
fn forget_placeholders(value: &mut Json) {
    match value {
        Json::String(text) if text.starts_with('<') && text.ends_with('>') => *value = Json::Null,
        Json::Array(items) => items.iter_mut().for_each(forget_placeholders),
        Json::Object(entries) => entries.values_mut().for_each(forget_placeholders),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn expected(examples: &Json, status: Option<Json>) -> DraftExpect {
        let mut expect = DraftExpect::default();
        let has_status = status.is_some();
        expect.status = status.unwrap_or(expect.status);
        add(examples.as_array().unwrap(), &mut expect, has_status);
        expect
    }

    fn examples() -> Json {
        json!([
            { "name": "Not found", "code": 404, "header": [], "body": "{\"error\": \"x\"}" },
            { "name": "Created", "code": 201, "header": [{ "key": "Content-Type", "value": "application/json; charset=utf-8" }],
              "body": "{\"id\": 7, \"name\": \"Ada\", \"size\": \"<integer>\"}" },
        ])
    }

    #[test]
    fn example_of_success_is_the_expected_response() {
        let expect = expected(&examples(), None);
        assert_eq!(expect.status, json!(201));
        assert_eq!(expect.headers, [("content-type".to_owned(), json!("application/json"))]);
        let shape = json!({ "id": { "$type": "number" }, "name": { "$type": "string" }, "size": { "$any": true } });
        assert_eq!(expect.body, [("json", shape)]);
        assert_eq!(expect.notes, ["the example `Not found` (status 404)"]);
    }

    #[test]
    fn status_of_the_script_selects_the_example() {
        for (status, code, notes) in [
            (json!(404), 404, 1),
            (json!([200, 201]), 201, 1),
            (json!("5xx"), 500, 2),
        ] {
            let expect = expected(&examples(), Some(status.clone()));
            assert_eq!(expect.status, status);
            assert_eq!(expect.notes.len(), notes, "{code}");
        }
        let only = json!([{ "name": "Gone", "code": 410, "header": "Content-Type: text/plain\nX: y", "body": "gone" }]);
        let expect = expected(&only, None);
        assert_eq!((expect.status, expect.body.len()), (json!(410), 0));
        assert_eq!(expect.headers, [("content-type".to_owned(), json!("text/plain"))]);
    }

    #[test]
    fn example_without_content_or_code_adds_little() {
        let expect = expected(&json!([{ "code": 204, "header": null, "body": null }]), None);
        assert_eq!((expect.status, expect.headers.len()), (json!(204), 0));
        let expect = expected(&json!([{ "name": "Odd", "body": "{" }]), None);
        assert_eq!(
            (expect.status, expect.notes),
            (json!("2xx"), vec!["the example `Odd`".to_owned()])
        );
    }
}
