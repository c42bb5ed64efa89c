//! Which entries of a HAR become requests of a suite, and why the others do not.

use std::collections::HashMap;

use super::format::{HarEntry, HarRequest, essence, field};
use crate::import::url::{self, UrlStyle};

/// An entry with its URL in parts.
pub(super) struct Selected {
    pub(super) entry: HarEntry,
    pub(super) origin: String,
    /// The path as the browser sent it.
    pub(super) path: String,
    pub(super) query: Option<String>,
    pub(super) user: Option<(String, String)>,
    pub(super) status: u16,
}

impl Selected {
    /// The media type of the response.
    pub(super) fn media_type(&self) -> Option<String> {
        let response = self.entry.response.as_ref()?;
        let declared = field(&response.headers, "content-type");
        let of_content = || response.content.as_ref()?.mime_type.as_deref();
        let text = essence(declared.or_else(of_content)?);
        (text.contains('/') && text != "x-unknown").then_some(text)
    }

    /// The method and the path, without a query, which can contain credentials.
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.entry.request.method, self.path)
    }
}

/// Splits the entries into those of one origin that an API serves, and notes about the others.
pub(super) fn select(entries: Vec<HarEntry>) -> (Vec<Selected>, Vec<String>) {
    let mut notes = Vec::new();
    let mut kept: Vec<Selected> = Vec::new();
    for entry in sorted(entries) {
        match selected(entry) {
            Ok(selected) => kept.push(selected),
            Err(note) => notes.push(note),
        }
    }
    // Pages are often of another origin than the API that they use.
    let mut counts: HashMap<&str, (usize, usize)> = HashMap::new();
    for (at, one) in kept.iter().enumerate() {
        let is_page = one.media_type().is_some_and(|kind| kind == "text/html");
        let count = counts.entry(&one.origin).or_insert((0, at));
        count.0 += if is_page { 1 } else { 1000 };
    }
    let best = counts
        .iter()
        .max_by_key(|(_, (count, first))| (*count, usize::MAX - first));
    let Some(origin) = best.map(|(origin, _)| (*origin).to_owned()) else {
        return (Vec::new(), notes);
    };
    let (same, other): (Vec<_>, Vec<_>) = kept.into_iter().partition(|one| one.origin == origin);
    for one in other {
        notes.push(format!("{} of {}: the suite is for {origin}", one.name(), one.origin));
    }
    (same, notes)
}

/// In the order in which the requests were sent.
fn sorted(mut entries: Vec<HarEntry>) -> Vec<HarEntry> {
    let time = |entry: &HarEntry| {
        let text = entry.started_date_time.as_deref()?;
        chrono::DateTime::parse_from_rfc3339(text).ok()
    };
    if entries.iter().all(|entry| time(entry).is_some()) {
        entries.sort_by_key(time);
    }
    entries
}

/// An entry that can be sent, or why it is left out.
fn selected(entry: HarEntry) -> Result<Selected, String> {
    let style = UrlStyle {
        keeps_dots: true,
        globs_are_text: true,
        is_upper: true,
        in_query: "",
    };
    let request = &entry.request;
    let method = &request.method;
    let (scheme, rest) = request.url.split_once(':').unwrap_or_default();
    let scheme = scheme.to_ascii_lowercase();
    if !matches!(scheme.as_str(), "http" | "https") {
        let what = match scheme.as_str() {
            "ws" | "wss" => {
                let url = rest.split(['?', '#']).next().unwrap_or_default();
                let url = url.rsplit('@').next().unwrap_or_default().trim_start_matches('/');
                return Err(format!("{scheme}://{}: a WebSocket", crate::import::names::short(url)));
            }
            other if other.len() < 32 && other.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c)) => {
                format!("a URL of the scheme `{other}`")
            }
            _ => "a URL without a scheme".to_owned(),
        };
        return Err(format!("a request of {what}"));
    }
    let url = match url::parse(&request.url, style) {
        Ok(url) => url,
        Err(reason) => return Err(format!("a {method} request: its URL: {reason}")),
    };
    let name = format!("{method} {}", url.path);
    let origin = url.origin.unwrap_or_default();
    let whole = format!("{method} {origin}{}", url.path);
    if !method.chars().all(|c| c.is_ascii_uppercase()) || method == "CONNECT" || method.is_empty() {
        return Err(format!("{name}: the method"));
    }
    let response = entry.response.as_ref();
    let status = response.map_or(0.0, |response| response.status);
    if entry.messages.is_some() || (status - 101.0).abs() < f64::EPSILON {
        return Err(format!("{whole}: a WebSocket"));
    }
    let kind = entry.resource_type.as_deref().unwrap_or_default().to_ascii_lowercase();
    if kind == "preflight"
        || (method == "OPTIONS" && field(&request.headers, "access-control-request-method").is_some())
    {
        return Err(format!("{whole}: a preflight request of the browser"));
    }
    let Some(status) = code(status) else {
        let error = response.and_then(|one| one.error.as_ref().or(one.failure_text.as_ref()));
        let error = error.map(|error| format!(" ({})", crate::import::names::short(error)));
        return Err(format!("{whole}: it has no response{}", error.unwrap_or_default()));
    };
    if lacks_content(request) {
        return Err(format!("{whole}: its content is not in the HAR"));
    }
    let selected = Selected {
        origin,
        path: url.path,
        query: url.query,
        user: url.user,
        status,
        entry,
    };
    match asset(&selected, &kind) {
        Some(what) => Err(format!("{whole}: {what}")),
        None => Ok(selected),
    }
}

/// Whether a request had content that was not recorded: Chromium leaves out contents with files.
fn lacks_content(request: &HarRequest) -> bool {
    let has_content =
        request.body_size.is_some_and(|size| size > 0.0) || field(&request.headers, "content-type").is_some();
    has_content && request.post_data.is_none() && !matches!(request.method.as_str(), "GET" | "HEAD" | "DELETE")
}

/// The status, if it is one.
fn code(status: f64) -> Option<u16> {
    (status.fract() == 0.0 && (200.0..600.0).contains(&status)).then(|| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is below 600")]
        let status = status as u16;
        status
    })
}

/// What a request loads, if it is a part of a page and not of an API.
fn asset(one: &Selected, kind: &str) -> Option<&'static str> {
    if one.entry.request.method != "GET" {
        return None;
    }
    match kind {
        "script" => return Some("a script"),
        "stylesheet" => return Some("a style sheet"),
        "image" | "imageset" => return Some("an image"),
        "font" => return Some("a font"),
        "media" | "texttrack" => return Some("a medium"),
        "manifest" => return Some("a manifest"),
        "eventsource" => return Some("a stream of events"),
        _ => {}
    }
    let media_type = one.media_type()?;
    let (family, rest) = media_type.split_once('/')?;
    match (family, rest) {
        ("text", "event-stream") => Some("a stream of events"),
        // The application asked for it, so it is data.
        _ if matches!(kind, "xhr" | "fetch") => None,
        ("text" | "application", "javascript" | "x-javascript" | "ecmascript" | "wasm") => Some("a script"),
        ("text", "css") => Some("a style sheet"),
        ("image", _) => Some("an image"),
        ("font", _) | ("application", "font-woff" | "font-woff2" | "x-font-ttf" | "vnd.ms-fontobject") => {
            Some("a font")
        }
        ("audio" | "video", _) => Some("a medium"),
        ("application", "manifest+json") => Some("a manifest"),
        _ => None,
    }
}
