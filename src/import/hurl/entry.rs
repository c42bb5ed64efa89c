//! Entries of a file of Hurl: a request, its sections, and the expected response.

use super::{
    ImportError,
    lines::{HurlBody, HurlLines, unescaped, without_comment},
};

/// A section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HurlSection {
    Query,
    Form,
    Multipart,
    Cookies,
    BasicAuth,
    Options,
    Captures,
    Asserts,
}

impl HurlSection {
    const NAMES: [(&'static str, HurlSection); 11] = [
        ("[QueryStringParams]", HurlSection::Query),
        ("[Query]", HurlSection::Query),
        ("[FormParams]", HurlSection::Form),
        ("[Form]", HurlSection::Form),
        ("[MultipartFormData]", HurlSection::Multipart),
        ("[Multipart]", HurlSection::Multipart),
        ("[Cookies]", HurlSection::Cookies),
        ("[BasicAuth]", HurlSection::BasicAuth),
        ("[Options]", HurlSection::Options),
        ("[Captures]", HurlSection::Captures),
        ("[Asserts]", HurlSection::Asserts),
    ];

    fn of(line: &str) -> Option<Self> {
        let line = without_comment(line);
        Self::NAMES
            .iter()
            .find(|(name, _)| *name == line)
            .map(|(_, section)| *section)
    }
}

/// A request with its response.
#[derive(Clone, Debug, Default)]
pub(super) struct HurlEntry {
    pub(super) method: String,
    pub(super) url: String,
    pub(super) headers: Vec<(String, String)>,
    /// The lines of sections, as keys and values. Asserts are whole lines.
    sections: Vec<(HurlSection, Vec<(String, String)>)>,
    pub(super) body: Option<HurlBody>,
    pub(super) response: Option<HurlResponse>,
}

/// What is written after `HTTP`.
#[derive(Clone, Debug, Default)]
pub(super) struct HurlResponse {
    /// `/1.1`, or nothing.
    pub(super) version: String,
    /// A code, or `*`.
    pub(super) status: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Option<HurlBody>,
}

impl HurlEntry {
    /// The lines of sections.
    pub(super) fn pairs(&self, wanted: &[HurlSection]) -> Vec<(&str, &str)> {
        let sections = self.sections.iter().filter(|(section, _)| wanted.contains(section));
        let lines = sections.flat_map(|(_, lines)| lines);
        lines.map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }
}

/// The method and the URL of a line, if it begins a request.
pub(super) fn request_line(line: &str) -> Option<(&str, &str)> {
    let (method, url) = line.trim().split_once([' ', '\t'])?;
    let is_method = method.len() > 1 && method.chars().all(|c| c.is_ascii_uppercase()) && method != "HTTP";
    let url = url.trim();
    let url = url.split_once(" #").map_or(url, |(url, _)| url.trim_end());
    (is_method && !url.is_empty()).then_some((method, url))
}

pub(super) fn entries(lines: &mut HurlLines<'_>) -> Result<Vec<HurlEntry>, ImportError> {
    let mut entries = Vec::new();
    while let Some(line) = lines.peek() {
        let Some((method, url)) = request_line(line) else {
            return Err(lines.error("expected a request, such as `GET https://example.com/users`"));
        };
        let mut entry = HurlEntry {
            method: method.to_owned(),
            url: unescaped(&generated(url)),
            ..HurlEntry::default()
        };
        lines.advance();
        entry.headers = headers(lines);
        sections(lines, &mut entry)?;
        entry.body = lines.body()?;
        sections(lines, &mut entry)?;
        if let Some(line) = lines.peek().filter(|line| line.starts_with("HTTP")) {
            let line = without_comment(line);
            let mut words = line.split_whitespace();
            let version = words.next().unwrap_or_default().trim_start_matches("HTTP").to_owned();
            let status = words.next().unwrap_or_default().to_owned();
            let is_status = status == "*" || status.parse::<u16>().is_ok_and(|code| (100..600).contains(&code));
            if !is_status || words.next().is_some() {
                return Err(lines.error("expected a status, such as `HTTP 200`"));
            }
            lines.advance();
            let mut response = HurlResponse {
                version,
                status,
                headers: headers(lines),
                body: None,
            };
            sections(lines, &mut entry)?;
            response.body = lines.body()?;
            sections(lines, &mut entry)?;
            entry.response = Some(response);
        }
        entries.push(entry);
    }
    Ok(entries)
}

/// Names of functions as variables that are generated.
fn generated(text: &str) -> String {
    let text = text.replace("{{newUuid}}", "{{$uuid}}");
    text.replace("{{newDate}}", "{{$isoTimestamp}}")
}

fn headers(lines: &mut HurlLines<'_>) -> Vec<(String, String)> {
    let mut headers = Vec::new();
    while let Some(line) = lines.peek() {
        let is_other = HurlSection::of(line).is_some()
            || line.starts_with("HTTP")
            || line.starts_with(['{', '[', '"', '<', '`'])
            || ["file,", "base64,", "hex,"].iter().any(|start| line.starts_with(start))
            || request_line(line).is_some();
        let Some(pair) = pair(line).filter(|_| !is_other) else {
            break;
        };
        headers.push(pair);
        lines.advance();
    }
    headers
}

fn pair(line: &str) -> Option<(String, String)> {
    let line = without_comment(line);
    let (name, value) = if let Some(rest) = line.strip_prefix('"') {
        let (name, rest) = rest.split_once('"')?;
        (name, rest.trim_start().strip_prefix(':')?)
    } else {
        line.split_once(':')?
    };
    let is_name = !name.trim().is_empty();
    is_name.then(|| (unescaped(name.trim()), unescaped(&generated(value.trim()))))
}

fn sections(lines: &mut HurlLines<'_>, entry: &mut HurlEntry) -> Result<(), ImportError> {
    while let Some(line) = lines.peek() {
        let Some(section) = HurlSection::of(line) else {
            if line.starts_with('[')
                && line.ends_with(']')
                && line.chars().nth(1).is_some_and(char::is_alphabetic)
                && line.contains(char::is_uppercase)
            {
                return Err(lines.error("the section is not known"));
            }
            return Ok(());
        };
        lines.advance();
        let mut all = Vec::new();
        while let Some(line) = lines.peek() {
            let is_end = HurlSection::of(line).is_some() || line.starts_with("HTTP") || request_line(line).is_some();
            if is_end {
                break;
            }
            if section == HurlSection::Asserts {
                // The content of a response can follow its asserts.
                if line.starts_with(['{', '[', '<', '`']) {
                    break;
                }
                all.push((without_comment(line).to_owned(), String::new()));
            } else if let Some(pair) = section_pair(section, line) {
                all.push(pair);
            } else {
                break;
            }
            lines.advance();
        }
        entry.sections.push((section, all));
    }
    Ok(())
}

fn section_pair(section: HurlSection, line: &str) -> Option<(String, String)> {
    if line.starts_with(['{', '[', '<', '`']) && !line.starts_with("{{") {
        return None;
    }
    match section {
        // Queries have quotes and patterns with escapes of their own.
        HurlSection::Captures => {
            let (name, value) = without_comment(line).split_once(':')?;
            Some((name.trim().to_owned(), value.trim().to_owned()))
        }
        _ => pair(line),
    }
}
