//! An entry of a HAR as a request and a response: without what a browser adds, and with decoded contents.

use base64::Engine as _;
use serde_json::Value as Json;

use super::{
    format::{HarContent, HarPair, HarPostData, essence, field},
    select::Selected,
};
use crate::import::{
    DraftContent, DraftPart, DraftPartContent, ReadFile,
    body::{self, encode},
    names::short,
};

/// Maximum size in bytes of a body whose values are examined.
const EXAMINED: usize = 4 << 20;

/// Header fields that a browser or a connection adds to each request.
const NOISE: [&str; 22] = [
    "accept-encoding",
    "alt-used",
    "connection",
    "content-length",
    "cookie",
    "cache-control",
    "device-memory",
    "dnt",
    "downlink",
    "dpr",
    "ect",
    "host",
    "keep-alive",
    "origin",
    "pragma",
    "priority",
    "purpose",
    "referer",
    "rtt",
    "te",
    "upgrade-insecure-requests",
    "user-agent",
];

/// A request and its response.
pub(super) struct HarExchange {
    pub(super) method: String,
    pub(super) origin: String,
    pub(super) path: String,
    pub(super) query: Option<String>,
    pub(super) user: Option<(String, String)>,
    /// Without cookies.
    pub(super) headers: Vec<(String, String)>,
    pub(super) cookies: Vec<(String, String)>,
    pub(super) content: Option<DraftContent>,
    pub(super) status: u16,
    pub(super) media_type: Option<String>,
    /// Names in lower case.
    pub(super) response_headers: Vec<(String, String)>,
    /// The body of the response, if it is in the HAR.
    pub(super) body: Option<Vec<u8>>,
    /// The same as JSON.
    pub(super) json: Option<Json>,
    /// Names and values of cookies that the response sets.
    pub(super) set_cookies: Vec<(String, String)>,
    pub(super) location: Option<String>,
    /// When it was sent, in seconds.
    pub(super) sent: Option<i64>,
    pub(super) notes: Vec<String>,
    pub(super) response_notes: Vec<String>,
}

impl HarExchange {
    pub(super) fn new(selected: Selected, read: ReadFile<'_>, file: &str) -> Self {
        let media_type = selected.media_type();
        let Selected {
            entry,
            origin,
            path,
            query,
            user,
            status,
        } = selected;
        let (mut notes, mut response_notes) = (Vec::new(), Vec::new());
        let request = entry.request;
        let response = entry.response;
        let varies = response.as_ref().and_then(|one| field(&one.headers, "vary"));
        let varies = varies.is_some_and(|value| value == "*" || value.to_ascii_lowercase().contains("accept-language"));
        let mut headers = headers(&request.headers, varies);
        let cookies = match field(&request.headers, "cookie") {
            Some(text) => pairs_of_cookie(text),
            None => (request.cookies.iter())
                .map(|pair| (pair.name.clone(), pair.value.clone().unwrap_or_default()))
                .collect(),
        };
        let content = request.post_data;
        let content = content.and_then(|data| content_of(data, &mut headers, read, file, &mut notes));
        let mut status = status;
        let is_conditional = |name: &str| matches!(name, "if-none-match" | "if-modified-since");
        if headers
            .iter()
            .any(|(name, _)| is_conditional(&name.to_ascii_lowercase()))
        {
            headers.retain(|(name, _)| !is_conditional(&name.to_ascii_lowercase()));
            if status == 304 {
                notes.push("the condition of the browser's cache: 200 is expected instead of 304".to_owned());
                status = 200;
            }
        }
        let (response_headers, cookies_set, content_received, redirect) = match response {
            Some(one) => {
                let set = set_cookies(&one.headers, &one.cookies);
                (lower(one.headers), set, one.content, one.redirect_url)
            }
            None => (Vec::new(), Vec::new(), None, None),
        };
        let is_empty = matches!(status, 204 | 205 | 304) || request.method == "HEAD" || (300..400).contains(&status);
        let body = match content_received.filter(|_| !is_empty) {
            Some(content) => body_of(content, read, &mut response_notes),
            None => None,
        };
        let is_json = media_type.as_deref().is_some_and(is_json);
        let examined = body.as_ref().filter(|body| is_json && body.len() <= EXAMINED);
        let json = examined.and_then(|body| crate::json::read(body).ok());
        let location = response_headers.iter().find(|(name, _)| name == "location");
        let location = location.map(|(_, value)| value.clone());
        let started = entry.started_date_time.as_deref();
        let started = started.and_then(|text| chrono::DateTime::parse_from_rfc3339(text).ok());
        Self {
            method: request.method,
            origin,
            path,
            query,
            user,
            headers,
            cookies,
            content,
            status,
            media_type,
            response_headers,
            json,
            body,
            set_cookies: cookies_set,
            location: location.or(redirect.filter(|url| !url.is_empty())),
            sent: started.map(|at| at.timestamp()),
            notes,
            response_notes,
        }
    }

    /// Whether the request changes nothing.
    pub(super) fn is_safe(&self) -> bool {
        matches!(self.method.as_str(), "GET" | "HEAD" | "OPTIONS")
    }

    /// The body of a page.
    pub(super) fn page(&self) -> Option<&str> {
        let is_page = matches!(self.media_type.as_deref(), Some("text/html" | "application/xhtml+xml"));
        let body = self.body.as_deref().filter(|body| is_page && body.len() <= EXAMINED);
        body.and_then(|body| std::str::from_utf8(body).ok())
    }
}

/// Whether a media type is JSON.
pub(super) fn is_json(media_type: &str) -> bool {
    media_type == "application/json" || media_type == "text/json" || media_type.ends_with("+json")
}

/// The header fields that the application set.
fn headers(all: &[HarPair], varies_by_language: bool) -> Vec<(String, String)> {
    let kept = all.iter().filter(|pair| {
        let name = pair.name.to_ascii_lowercase();
        let value = pair.value.as_deref().unwrap_or_default();
        let is_noise = name.starts_with(':')
            || name.is_empty()
            || name.starts_with("sec-")
            || name.starts_with("x-client-data")
            || NOISE.contains(&name.as_str())
            || (name == "accept" && value == "*/*")
            || (name == "accept-language" && !varies_by_language);
        !is_noise
    });
    kept.map(|pair| (pair.name.clone(), pair.value.clone().unwrap_or_default()))
        .collect()
}

/// Fields with names in lower case. Chromium joins the values of a name with line breaks.
fn lower(all: Vec<HarPair>) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    for pair in all {
        let name = pair.name.to_ascii_lowercase();
        if !name.is_empty() && !name.starts_with(':') {
            let value = pair.value.unwrap_or_default();
            fields.extend(value.split('\n').map(|value| (name.clone(), value.to_owned())));
        }
    }
    fields
}

fn pairs_of_cookie(text: &str) -> Vec<(String, String)> {
    let pairs = text.split(';').filter_map(|pair| pair.trim().split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn set_cookies(headers: &[HarPair], cookies: &[HarPair]) -> Vec<(String, String)> {
    let fields = headers
        .iter()
        .filter(|pair| pair.name.eq_ignore_ascii_case("set-cookie"));
    let lines = fields.flat_map(|pair| pair.value.as_deref().unwrap_or_default().split('\n'));
    let mut set: Vec<(String, String)> = Vec::new();
    for line in lines {
        let pair = line.split(';').next().and_then(|pair| pair.split_once('='));
        set.extend(pair.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())));
    }
    if set.is_empty() {
        let cookies = cookies.iter();
        set.extend(cookies.map(|pair| (pair.name.clone(), pair.value.clone().unwrap_or_default())));
    }
    set
}

fn decoded(text: String, encoding: Option<&str>) -> Result<Vec<u8>, &'static str> {
    match encoding {
        Some("base64") => base64::engine::general_purpose::STANDARD
            .decode(text.trim())
            .map_err(|_| "its base64 is damaged"),
        None | Some("" | "utf-8" | "utf8" | "UTF-8") => Ok(text.into_bytes()),
        Some(_) => Err("its encoding is not known"),
    }
}

/// A file next to the HAR.
fn attached(name: &str, read: ReadFile<'_>) -> Result<Vec<u8>, String> {
    if name.contains(['/', '\\', ':']) || name.starts_with('.') {
        return Err(format!("`{}` is not the name of a file next to the HAR", short(name)));
    }
    read(name).map_err(|reason| format!("failed to read `{name}`: {reason}"))
}

fn body_of(content: HarContent, read: ReadFile<'_>, notes: &mut Vec<String>) -> Option<Vec<u8>> {
    let result = match (content.text, content.file) {
        (Some(text), _) => decoded(text, content.encoding.as_deref()).map_err(str::to_owned),
        (None, Some(file)) => attached(&file, read),
        (None, None) if content.size.is_some_and(|size| size > 0.0) => Err("it is not in the HAR".to_owned()),
        (None, None) => return None,
    };
    match result {
        Ok(body) => Some(body),
        Err(reason) => {
            notes.push(format!("the body of the response: {reason}"));
            None
        }
    }
}

/// The content of a request. Its media type is removed from the headers where a case implies it.
fn content_of(
    data: HarPostData,
    headers: &mut Vec<(String, String)>,
    read: ReadFile<'_>,
    file: &str,
    notes: &mut Vec<String>,
) -> Option<DraftContent> {
    let at = headers
        .iter()
        .position(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    if at.is_none() {
        headers.extend(
            data.mime_type
                .clone()
                .filter(|kind| kind.contains('/'))
                .map(|kind| ("content-type".to_owned(), kind)),
        );
    }
    let media_type = headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    let media_type = media_type.map(|(_, value)| value.clone());
    let text = data.text.filter(|text| !text.is_empty() || data.params.is_empty());
    let bytes = match (text, data.file) {
        (Some(text), _) => decoded(text, data.encoding.as_deref()).map_err(str::to_owned),
        (None, Some(name)) => attached(&name, read),
        (None, None) if data.params.is_empty() => return None,
        (None, None) if media_type.as_deref().map(essence).as_deref() == Some("multipart/form-data") => {
            headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
            let parts = data.params.into_iter().map(|param| {
                let is_file = param.file_name.is_some();
                if is_file && param.value.as_deref().unwrap_or_default().is_empty() {
                    notes.push(format!(
                        "the content of the file `{}`: it is not in the HAR",
                        short(&param.name)
                    ));
                }
                DraftPart {
                    name: param.name,
                    content: DraftPartContent::Text(param.value.unwrap_or_default()),
                    content_type: param.content_type.filter(|_| is_file),
                    file_name: param.file_name,
                }
            });
            return Some(DraftContent::Multipart(parts.collect()));
        }
        (None, None) => {
            let pairs = data.params.iter().map(|param| {
                let value = param.value.as_deref().unwrap_or_default();
                format!(
                    "{}={}",
                    encode(param.name.as_bytes(), "+"),
                    encode(value.as_bytes(), "+")
                )
            });
            Ok(pairs.collect::<Vec<_>>().join("&").into_bytes())
        }
    };
    let bytes = match bytes {
        Ok(bytes) => bytes,
        Err(reason) => {
            notes.push(format!("the content of the request: {reason}"));
            return None;
        }
    };
    if bytes.windows(3).any(|three| three == "\u{fffd}".as_bytes()) {
        notes.push("bytes of the content that are not text: they are not in the HAR".to_owned());
    }
    let Some(media_type) = media_type else {
        // Only a file is sent without a media type.
        return Some(DraftContent::File(file.to_owned(), bytes));
    };
    let (content, is_implied) = body::content(bytes, Some(&media_type), file);
    if is_implied {
        headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
    }
    Some(content)
}
