//! HTTP archives (HAR 1.2) of Chromium, Firefox, Playwright and proxies.
//!
//! Requests that share a value, a cookie or a resource are the steps of one case, in their order.

mod exchange;
mod flow;
mod format;
mod select;
#[cfg(test)]
mod tests;

use serde_json::{Value as Json, json};

use self::{exchange::HarExchange, flow::SharedValues, format::Har};
use super::{
    DraftCase, DraftContent, DraftExpect, DraftPartContent, DraftRequest, DraftResponse, DraftStep, ImportError,
    ReadFile, SuiteDraft, body,
    credentials::Secrets,
    groups::groups,
    names::{file_name, free_file},
    shape, source_text,
};

/// Maximum size in bytes of a body that is stored as a snapshot.
const STORED: usize = 256 * 1024;

const HELP: &str =
    "export the requests of a browser's developer tools as HAR, or record one with Playwright (`recordHar`)";

/// Reads a HAR. `read` reads a file next to it.
pub fn har(bytes: Vec<u8>, read: ReadFile<'_>) -> Result<SuiteDraft, ImportError> {
    let text = source_text::text_of(bytes)?;
    let har: Har = source_text::json(&text, "a HAR", HELP)?;
    drop(text);
    let log = har.log;
    let tool = log.browser.or(log.creator).map(|tool| super::names::short(&tool.name));
    let tool = tool.filter(|name| !name.is_empty());
    let mut draft = SuiteDraft {
        name: tool.map_or_else(
            || "Imported from a HAR".to_owned(),
            |tool| format!("Imported from a HAR of {tool}"),
        ),
        ..SuiteDraft::default()
    };
    let all = log.entries.len();
    let (selected, notes) = select::select(log.entries);
    draft.notes = notes;
    if selected.is_empty() {
        let why = draft
            .notes
            .first()
            .map(|first| format!(" ({first})"))
            .unwrap_or_default();
        return Err(ImportError::new(
            format!("none of its {all} entries can be imported{why}"),
            HELP,
        ));
    }
    draft.origin = selected.first().map(|one| one.origin.clone());
    draft.base.clone_from(&draft.origin);
    let mut exchanges: Vec<_> = selected
        .into_iter()
        .map(|one| HarExchange::new(one, read, ""))
        .collect();
    let resources: Vec<_> = exchanges.iter().map(|one| (one.path.clone(), one.is_safe())).collect();
    let SharedValues {
        mut captures,
        follows,
        mut edges,
        ..
    } = SharedValues::new(&mut exchanges, &mut draft);
    edges.extend(related(&resources));
    let mut exchanges: Vec<_> = exchanges.into_iter().map(Some).collect();
    for group in groups(exchanges.len(), &edges) {
        let first = group.first().and_then(|first| exchanges[*first].as_ref());
        let Some(first) = first else { continue };
        let is_flow = group.len() > 1;
        let file = if is_flow {
            let file = file_name(&first.method, &without_ids(&first.path), |_| false);
            free_file(&format!("{file}-flow"), |name| draft.has_file(name))
        } else {
            file_name(&first.method, &first.path, |name| draft.has_file(name))
        };
        let mut case = DraftCase {
            file,
            ..DraftCase::default()
        };
        let mut ids: Vec<String> = Vec::new();
        for index in &group {
            let Some(one) = exchanges[*index].take() else { continue };
            let path = without_ids(&one.path);
            let id = file_name(&one.method, &path, |id| ids.iter().any(|known| known == id));
            ids.push(id.clone());
            let follow = follows[*index].and_then(|other| group.iter().position(|known| *known == other));
            let follow = follow.and_then(|at| ids.get(at).cloned());
            let mut step = step(one, &mut draft, id, &case.file, is_flow, follow);
            step.captures.append(&mut captures[*index]);
            case.steps.push(step);
        }
        add(case, &mut draft);
    }
    Ok(draft)
}

/// A path without the segments that identify a resource, which differ each time.
fn without_ids(path: &str) -> String {
    let is_word = |segment: &&str| {
        let digits = segment.chars().filter(char::is_ascii_digit).count();
        // `v1` is a word, `42` and a UUID are not.
        digits * 4 < segment.len() || (segment.len() < 4 && segment.starts_with(char::is_alphabetic))
    };
    path.split('/').filter(is_word).collect::<Vec<_>>().join("/")
}

/// Adds a case, unless the same request is already there.
fn add(mut case: DraftCase, draft: &mut SuiteDraft) {
    let Some(first) = case.steps.first() else { return };
    let name = format!("{} {}", first.request.method, draft.names.template(&first.request.path));
    if case.steps.len() == 1 {
        let is_same = |other: &DraftStep| {
            let key = |step: &DraftStep| format!("{:?} {:?}", step.request, step.expect.status);
            key(other) == key(first)
        };
        let mut singles = draft.cases.iter().filter(|other| other.steps.len() == 1);
        if let Some(other) = singles.find(|other| other.steps.iter().any(is_same)) {
            let note = format!("{name}: the same request as in {}.yaml", other.file);
            draft.notes.push(note);
            return;
        }
        case.title = name;
    } else {
        let more = case.steps.len() - 1;
        let plural = if more == 1 { "" } else { "s" };
        case.title = format!("{name} and {more} more request{plural}");
    }
    draft.cases.push(case);
}

/// Pairs of requests for the same resource, or for one below it, of which at least one changes something.
fn related(resources: &[(String, bool)]) -> Vec<(usize, usize)> {
    let is_below = |path: &str, other: &str| {
        let other = other.trim_end_matches('/');
        !other.is_empty()
            && path
                .strip_prefix(other)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let mut pairs = Vec::new();
    for (index, (path, is_safe)) in resources.iter().enumerate() {
        for (other, (other_path, other_is_safe)) in resources[..index].iter().enumerate() {
            let changes = !is_safe || !other_is_safe;
            if changes && (is_below(path, other_path) || is_below(other_path, path)) {
                pairs.push((other, index));
            }
        }
    }
    pairs
}

fn step(
    one: HarExchange,
    draft: &mut SuiteDraft,
    id: String,
    file: &str,
    is_flow: bool,
    follow: Option<String>,
) -> DraftStep {
    let expect = expect(&one);
    let name = if is_flow {
        format!("{file}-{id}.bin")
    } else {
        format!("{file}.bin")
    };
    let mut content = one.content;
    match &mut content {
        Some(DraftContent::File(path, _)) => *path = name,
        Some(DraftContent::Multipart(parts)) => {
            for (number, part) in parts.iter_mut().enumerate() {
                if let DraftPartContent::File(path, _) = &mut part.content {
                    *path = format!("{number}-{name}");
                }
            }
        }
        _ => {}
    }
    let mut request = DraftRequest {
        method: one.method,
        path: one.path,
        query: one
            .query
            .as_deref()
            .filter(|query| !query.is_empty())
            .map(body::encoding_query),
        headers: one.headers,
        content,
        ..DraftRequest::default()
    };
    let mut secrets = Secrets::new(draft);
    let is_authorized = request
        .headers
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case("authorization"));
    if let Some((user, password)) = one.user.filter(|_| !is_authorized) {
        secrets.basic(&mut request, &user, &password, "the URL");
    }
    secrets.hide(&mut request);
    let response = DraftResponse {
        status: one.status,
        headers: one.response_headers,
        body: one.body.unwrap_or_default(),
    };
    DraftStep {
        id,
        request,
        follow,
        expect,
        notes: one.notes,
        response: Some(response),
        ..DraftStep::default()
    }
}

fn expect(one: &HarExchange) -> DraftExpect {
    let mut expect = DraftExpect {
        status: Json::from(one.status),
        notes: one.response_notes.clone(),
        ..DraftExpect::default()
    };
    let has_content = !matches!(one.status, 204 | 205 | 304) && one.method != "HEAD";
    if let Some(media_type) = one.media_type.as_ref().filter(|_| has_content && one.status / 100 != 3) {
        expect
            .headers
            .push(("content-type".to_owned(), media_type.clone().into()));
    }
    if one.location.is_some() && (one.status == 201 || one.status / 100 == 3) {
        expect.headers.push(("location".to_owned(), json!({ "present": true })));
    }
    if let Some(value) = &one.json {
        expect.body.extend(shape::expected(value).map(|shape| ("json", shape)));
    }
    let is_stored = one
        .body
        .as_ref()
        .is_some_and(|body| !body.is_empty() && body.len() <= STORED);
    if is_stored && (one.json.is_some() || is_plain(one)) {
        expect.snapshot = true;
        expect.redact = one
            .json
            .as_ref()
            .map(|value| shape::volatile(value, one.sent))
            .unwrap_or_default();
    }
    expect
}

/// Whether a body is text that people wrote for programs: not a page, and in UTF-8.
fn is_plain(one: &HarExchange) -> bool {
    let is_text = matches!(
        one.media_type.as_deref(),
        Some("text/plain" | "text/csv" | "text/xml" | "application/xml" | "application/yaml")
    );
    let declared = one.response_headers.iter().find(|(name, _)| name == "content-type");
    let declared = declared
        .map(|(_, value)| value.to_ascii_lowercase())
        .unwrap_or_default();
    let is_utf8 = !declared.contains("charset=") || declared.contains("utf-8");
    is_text && is_utf8 && one.body.as_ref().is_some_and(|body| std::str::from_utf8(body).is_ok())
}
