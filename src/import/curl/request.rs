//! A transfer of curl as a case.

use super::{ImportError, Secrets, arguments::Transfer, multipart};
use crate::import::{
    DraftCase, DraftContent, DraftRequest, DraftStep, SuiteDraft, Value,
    body::{self, FORM, JSON},
    names::file_name,
    url::{self, UrlStyle},
};

/// What curl accepts if it is built with all codings.
const CODINGS: &str = "deflate, gzip, br, zstd";

/// Adds the case of a transfer to a draft.
pub(super) fn add(transfer: &Transfer, draft: &mut SuiteDraft) -> Result<(), ImportError> {
    let mut notes = transfer.notes.clone();
    let style = UrlStyle {
        keeps_dots: transfer.path_as_is,
        globs_are_text: transfer.globoff,
        is_upper: false,
        in_query: "",
    };
    let mut url = url::parse(&transfer.url, style)
        .map_err(|reason| ImportError::new(format!("the URL of the curl command: {reason}"), super::HELP))?;
    notes.append(&mut url.notes);
    let skip = draft.other_origin(url.origin.as_deref());
    if let Some(reason) = &skip {
        notes.push(reason.clone());
    }
    let method = method(transfer, &mut notes);
    let file = file_name(&method, &url.path, |name| draft.has_file(name));
    let user = match &transfer.user {
        Some(user) => {
            let (user, password) = user.split_once(':').unwrap_or((user, ""));
            Some((user.to_owned(), password.to_owned(), "`-u`"))
        }
        None => url.user.clone().map(|(user, password)| (user, password, "the URL")),
    };
    let mut headers = own_headers(transfer, &mut notes);
    let mut request = DraftRequest {
        query: query(transfer, url.query).map(|query| body::query(&query)),
        path: url.path,
        content: content(transfer, &mut headers, &format!("{file}.bin")),
        headers,
        method,
        ..DraftRequest::default()
    };
    let title = format!("{} {}", request.method, draft.names.template(&request.path));
    let is_authorized = has(&request.headers, "authorization");
    let mut hiding = Secrets::new(draft);
    if let Some((user, password, location)) = user.filter(|_| !is_authorized) {
        hiding.basic(&mut request, &user, &password, location);
    } else if let Some(token) = transfer.bearer.as_ref().filter(|_| !is_authorized) {
        request
            .headers
            .insert(0, ("Authorization".to_owned(), format!("Bearer {token}")));
    }
    hiding.hide(&mut request);
    let timeout = transfer.max_time.as_deref();
    let timeout = timeout.and_then(|time| self::timeout(time, &mut notes));
    let step = DraftStep {
        timeout,
        request,
        notes,
        ..DraftStep::default()
    };
    draft.cases.push(DraftCase {
        file,
        title,
        skip,
        steps: vec![step],
        ..DraftCase::default()
    });
    Ok(())
}

fn method(transfer: &Transfer, notes: &mut Vec<String>) -> String {
    let has_content = (transfer.data.is_some() && !transfer.get) || !transfer.forms.is_empty();
    let implied = if transfer.head {
        "HEAD"
    } else if transfer.upload.is_some() {
        "PUT"
    } else if has_content {
        "POST"
    } else {
        "GET"
    };
    let Some(method) = &transfer.method else {
        return implied.to_owned();
    };
    let upper = method.to_ascii_uppercase();
    if upper != *method {
        notes.push(format!(
            "the method `{method}`: methods are case-sensitive, and `{upper}` is sent"
        ));
    }
    upper
}

/// The query of the URL, with the data of `-G` and `--url-query`.
fn query(transfer: &Transfer, own: Option<String>) -> Option<String> {
    let mut parts: Vec<String> = own.into_iter().collect();
    if transfer.get {
        let data = transfer.data.as_deref().unwrap_or_default();
        parts.extend((!data.is_empty()).then(|| String::from_utf8_lossy(data).into_owned()));
    }
    parts.extend(transfer.url_query.iter().cloned());
    (!parts.is_empty()).then(|| parts.join("&"))
}

/// The header fields of options and of `-H`, without those of the content.
fn own_headers(transfer: &Transfer, notes: &mut Vec<String>) -> Vec<(String, Value)> {
    let mut headers: Vec<(String, Value)> = Vec::new();
    let mut dropped: Vec<String> = Vec::new();
    for field in &transfer.headers {
        match field.split_once(':') {
            Some((name, value)) if value.trim().is_empty() => dropped.push(name.trim().to_owned()),
            Some((name, value)) => headers.push((name.trim().to_owned(), value.trim().to_owned())),
            None => match field.strip_suffix(';') {
                Some(name) => headers.push((name.trim().to_owned(), String::new())),
                None => notes.push(format!(
                    "the header `{field}`: it has no colon, and curl does not send it"
                )),
            },
        }
    }
    let is_dropped = |name: &str| dropped.iter().any(|one| one.eq_ignore_ascii_case(name));
    let mut implied: Vec<(&str, String)> = Vec::new();
    if let Some(agent) = transfer.user_agent.as_ref().filter(|agent| !agent.is_empty()) {
        implied.push(("User-Agent", agent.clone()));
    }
    if transfer.is_json {
        implied.push(("Accept", JSON.to_owned()));
    }
    if transfer.compressed {
        implied.push(("Accept-Encoding", CODINGS.to_owned()));
    }
    if let Some(referer) = &transfer.referer {
        implied.push(("Referer", referer.clone()));
    }
    if let Some(range) = &transfer.range {
        implied.push(("Range", format!("bytes={range}")));
    }
    if !transfer.cookies.is_empty() {
        implied.push(("Cookie", transfer.cookies.join(";")));
    }
    for (name, value) in implied {
        if !has(&headers, name) && !is_dropped(name) {
            headers.push((name.to_owned(), value));
        }
    }
    for name in ["Accept", "User-Agent", "Host"] {
        if is_dropped(name) {
            notes.push(format!("the removal of `{name}`: it is always sent"));
        }
    }
    // `Content-Length` follows from the content.
    headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-length"));
    if is_dropped("content-type") {
        headers.push(("content-type".to_owned(), String::new()));
    }
    headers
}

/// The content, with its media type added to the headers unless a case adds it by itself.
fn content(transfer: &Transfer, headers: &mut Vec<(String, Value)>, file: &str) -> Option<DraftContent> {
    let at = headers
        .iter()
        .position(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    let own = at.map(|at| headers[at].1.clone());
    // An empty value is the removal of the field.
    let is_removed = own.as_deref() == Some("");
    if is_removed {
        headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
    }
    let (bytes, default) = if !transfer.forms.is_empty() {
        let boundary = format!("; boundary={}", multipart::BOUNDARY);
        let media_type = match &own {
            Some(own) if own.starts_with("multipart/") && !own.contains("boundary=") => format!("{own}{boundary}"),
            Some(own) => own.clone(),
            None => format!("multipart/form-data{boundary}"),
        };
        headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
        headers.push(("Content-Type".to_owned(), media_type.clone()));
        let (content, _) = body::content(multipart::content(&transfer.forms), None, file);
        return Some(content);
    } else if let Some((_, bytes)) = &transfer.upload {
        (bytes.clone(), None)
    } else if transfer.get {
        return None;
    } else {
        (transfer.data.clone()?, Some(if transfer.is_json { JSON } else { FORM }))
    };
    let media_type = match &own {
        _ if is_removed => None,
        Some(own) => Some(own.as_str()),
        None => default,
    };
    let Some(media_type) = media_type else {
        // Only a file is sent without a media type.
        return Some(DraftContent::File(file.to_owned(), bytes));
    };
    let (content, is_implied) = body::content(bytes, Some(media_type), file);
    if is_implied {
        headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
    } else if own.is_none() {
        headers.push(("Content-Type".to_owned(), media_type.to_owned()));
    }
    Some(content)
}

/// Seconds as a duration.
fn timeout(seconds: &str, notes: &mut Vec<String>) -> Option<String> {
    let is_number = seconds
        .parse::<f64>()
        .is_ok_and(|number| number > 0.0 && number < 86400.0);
    if !is_number {
        notes.push(format!("-m {seconds}: not a time"));
    }
    is_number.then(|| format!("{seconds}s"))
}

fn has(headers: &[(String, Value)], name: &str) -> bool {
    headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))
}
