//! Captures: one value of a response, for later steps.

use std::{fmt, sync::Arc};

use regex::Regex;
use serde_json::Value;
use serde_json_path::JsonPath;

use super::{
    ResponseView, XmlPath,
    identifiers::{self, CaptureOrigin},
    xml,
};
use crate::{
    json,
    model::{CheckId, Finding, Location, Origin},
};

/// The part of a response that a capture selects.
#[derive(Clone, Debug)]
pub enum CaptureSource {
    /// A JSON pointer (RFC 6901) into the body.
    Pointer(String),
    /// A `JSONPath` (RFC 9535) into the body.
    Path(Arc<JsonPath>),
    /// A header field, or the match of the only group of a pattern in it.
    Header {
        /// The name.
        name: String,
        /// The pattern.
        pattern: Option<Arc<Regex>>,
    },
    /// The value of a cookie that the response sets.
    Cookie(String),
    /// The text of a node of an XML body.
    Xml(Arc<XmlPath>),
    /// The match of the only group of a pattern in the body as text.
    Text(Arc<Regex>),
}

impl CaptureSource {
    /// Reads a JSON pointer, or a `JSONPath` if the text begins with `$`.
    pub fn json(text: &str) -> Result<Self, String> {
        if text.starts_with('$') {
            return JsonPath::parse(text)
                .map(|path| Self::Path(Arc::new(path)))
                .map_err(|error| format!("`{text}` is not a JSONPath: {error}"));
        }
        if !text.is_empty() && !text.starts_with('/') {
            return Err(format!("`{text}` is neither a JSON pointer nor a JSONPath"));
        }
        let is_escape = |after: &str| after.starts_with(['0', '1']);
        if !text.split('~').skip(1).all(is_escape) {
            return Err(format!("`{text}` is not a JSON pointer: `~` is written `~0`"));
        }
        Ok(Self::Pointer(text.to_owned()))
    }

    /// The same as data.
    pub(crate) fn origin(&self) -> Origin {
        match self {
            Self::Pointer(pointer) => Origin::Json(pointer.clone()),
            Self::Path(path) => Origin::Json(path.to_string()),
            Self::Header { name, pattern } => Origin::Header {
                name: name.clone(),
                matches: pattern.as_ref().map(ToString::to_string),
            },
            Self::Cookie(name) => Origin::Cookie(name.clone()),
            Self::Xml(path) => Origin::Xml(path.as_str().to_owned()),
            Self::Text(pattern) => Origin::Text(pattern.to_string()),
        }
    }

    /// Whether it reads the body as JSON.
    fn is_json(&self) -> bool {
        matches!(self, Self::Pointer(_) | Self::Path(_))
    }

    /// What it selects in the response to a request with this path.
    pub(crate) fn of_request(&self, path: Option<&str>) -> CaptureOrigin {
        let property = self.property();
        let is_identifier = match self {
            Self::Header { name, .. } => name.eq_ignore_ascii_case("location"),
            _ => property.as_deref().is_some_and(identifiers::is_identifier),
        };
        let resource = path.filter(|_| is_identifier).and_then(identifiers::resource);
        CaptureOrigin { property, resource }
    }

    /// The name of the property or header field that it selects, if that is known without a body.
    fn property(&self) -> Option<String> {
        let name = match self {
            Self::Pointer(pointer) => json::unescaped(pointer.rsplit('/').next()?),
            Self::Path(path) => {
                let path = path.to_string();
                let path = path.trim_end_matches(['\'', '"', ']']);
                let is_of_name = |sign: char| sign.is_alphanumeric() || sign == '_' || sign == '-';
                let start = path.rfind(|sign| !is_of_name(sign)).map_or(0, |at| at + 1);
                path[start..].to_owned()
            }
            Self::Header { name, pattern: None } => name.clone(),
            Self::Header { .. } | Self::Cookie(_) | Self::Xml(_) | Self::Text(_) => return None,
        };
        let is_position = name.bytes().all(|byte| byte.is_ascii_digit());
        (!is_position).then_some(name)
    }

    /// The JSON pointer to the value that it selects in a body.
    pub(super) fn pointer(&self, view: &ResponseView<'_>) -> Option<String> {
        match self {
            Self::Pointer(pointer) => Some(pointer.clone()),
            Self::Path(path) => {
                let found = path.query_located(view.json().ok()?);
                let pointer = found.first()?.location().to_json_pointer();
                Some(pointer)
            }
            Self::Header { .. } | Self::Cookie(_) | Self::Xml(_) | Self::Text(_) => None,
        }
    }

    /// All values that it selects; an error if the body cannot be read.
    fn select(&self, view: &ResponseView<'_>) -> Result<Vec<Value>, String> {
        let matches = |pattern: &Regex, text: &str| -> Vec<Value> {
            let found = pattern.captures_iter(text).filter_map(|found| found.get(1));
            found.map(|group| group.as_str().into()).collect()
        };
        Ok(match self {
            Self::Pointer(pointer) => {
                let json = view.json().map_err(ToString::to_string)?;
                json.pointer(pointer).cloned().into_iter().collect()
            }
            Self::Path(path) => {
                let json = view.json().map_err(ToString::to_string)?;
                path.query(json).all().into_iter().cloned().collect()
            }
            Self::Header { name, pattern: None } => view.header(name).map(|value| value.trim().into()).collect(),
            Self::Header {
                name,
                pattern: Some(pattern),
            } => view
                .header(name)
                .flat_map(|value| matches(pattern, value.trim()))
                .collect(),
            Self::Cookie(name) => {
                let cookies = view.header("set-cookie").filter_map(|cookie| {
                    let pair = cookie.split(';').next().unwrap_or_default();
                    let (known, value) = pair.split_once('=')?;
                    (known.trim() == name).then(|| value.trim().into())
                });
                cookies.collect()
            }
            Self::Xml(path) => xml::select(path, view)?.into_iter().map(Value::String).collect(),
            Self::Text(pattern) => {
                let text = view.text().map_err(|error| error.to_string())?;
                matches(pattern, &text.content.map_err(|invalid| invalid.reason)?)
            }
        })
    }
}

impl fmt::Display for CaptureSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pointer(pointer) if pointer.is_empty() => write!(f, "the JSON body"),
            Self::Pointer(pointer) => write!(f, "`{pointer}` of the JSON body"),
            Self::Path(path) => write!(f, "`{path}` of the JSON body"),
            Self::Header { name, pattern: None } => write!(f, "the header `{name}`"),
            Self::Header {
                name,
                pattern: Some(pattern),
            } => write!(f, "`{pattern}` in the header `{name}`"),
            Self::Cookie(name) => write!(f, "the cookie `{name}`"),
            Self::Xml(path) => write!(f, "`{}` of the XML body", path.as_str()),
            Self::Text(pattern) => write!(f, "`{pattern}` in the body"),
        }
    }
}

/// A capture and its location.
#[derive(Clone, Debug)]
pub struct Capture {
    /// The name of the value.
    pub name: Arc<str>,
    /// The part of the response.
    pub source: CaptureSource,
    /// Whether the value is masked in all output.
    pub secret: bool,
    /// Its line.
    pub location: Location,
}

impl Capture {
    /// The value; a finding if the response contains none, or several.
    pub(crate) fn take(&self, view: &ResponseView<'_>) -> Result<Value, Box<Finding>> {
        let finding = |check: CheckId, message: String, actual: String| {
            let finding = Finding::new(check, message).expected(format!("exactly one value: {}", self.source));
            Box::new(finding.actual(actual).location(&self.location))
        };
        let message = |what: &str| format!("capture `{}`: {what}", self.name);
        let mut found = match self.source.select(view) {
            Ok(found) => found,
            Err(reason) => {
                let what = match self.source {
                    CaptureSource::Xml(_) => "the body is not XML",
                    _ if self.source.is_json() => "the body is not JSON",
                    _ => "the body cannot be read as text",
                };
                return Err(finding(CheckId::CaptureNone, message(what), reason));
            }
        };
        match (found.pop(), found.len()) {
            (Some(value), 0) => Ok(value),
            (None, _) => {
                let what = "the response does not contain the value";
                Err(finding(CheckId::CaptureNone, message(what), "no value".to_owned()))
            }
            (Some(_), more) => {
                let what = "the response contains several values";
                Err(finding(
                    CheckId::CaptureMany,
                    message(what),
                    format!("{} values", more + 1),
                ))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::Response;

    fn response() -> Response {
        serde_json::from_value(json!({
            "version": "HTTP/1.1", "status": 201, "received": "2026-01-01T00:00:00Z", "elapsed_us": 1,
            "headers": [
                ["location", "/orders/42"], ["set-cookie", "sid=a=b; Path=/"], ["set-cookie", "x=1"],
                ["set-cookie", "x=2"], ["vary", "a"], ["vary", "b"],
            ],
            "body": { "text": "{\"id\": 7, \"none\": null, \"items\": [{\"sku\": \"A1\", \"n\": 1}, {\"sku\": \"B2\", \"n\": 2}]}" },
        }))
        .unwrap()
    }

    fn taken(source: CaptureSource) -> Result<Value, String> {
        let location = Location {
            file: "c.yaml".into(),
            line: 1,
            column: 1,
        };
        let capture = Capture {
            name: "x".into(),
            source,
            secret: false,
            location,
        };
        let response = response();
        let view = ResponseView::new(&response, 1000);
        capture.take(&view).map_err(|finding| finding.check.to_string())
    }

    fn regex(pattern: &str) -> Arc<Regex> {
        Arc::new(Regex::new(pattern).unwrap())
    }

    #[test]
    fn capture_selects_exactly_one_value_and_keeps_its_type() {
        let json = |text: &str| taken(CaptureSource::json(text).unwrap());
        assert_eq!(json("/id"), Ok(json!(7)));
        assert_eq!(json("/none"), Ok(Value::Null));
        assert_eq!(json("/items/1/sku"), Ok(json!("B2")));
        assert_eq!(json("$.items[?@.sku == 'A1'].n"), Ok(json!(1)));
        assert_eq!(json("$.items[*].n"), Err("capture/many".to_owned()));
        for missing in ["/nope", "/items/2", "$.nope", "/id/x"] {
            assert_eq!(json(missing), Err("capture/none".to_owned()), "{missing}");
        }
        let header = |name: &str, pattern: Option<&str>| {
            let (name, pattern) = (name.to_owned(), pattern.map(regex));
            taken(CaptureSource::Header { name, pattern })
        };
        assert_eq!(header("Location", None), Ok(json!("/orders/42")));
        assert_eq!(header("location", Some("/orders/([^/]+)$")), Ok(json!("42")));
        assert_eq!(header("location", Some("/nope/(.)")), Err("capture/none".to_owned()));
        assert_eq!(header("etag", None), Err("capture/none".to_owned()));
        assert_eq!(header("vary", None), Err("capture/many".to_owned()));
        let cookie = |name: &str| taken(CaptureSource::Cookie(name.to_owned()));
        assert_eq!(cookie("sid"), Ok(json!("a=b")));
        assert_eq!(cookie("x"), Err("capture/many".to_owned()));
        assert_eq!(cookie("SID"), Err("capture/none".to_owned()));
        assert_eq!(taken(CaptureSource::Text(regex("\"id\": ([0-9])"))), Ok(json!("7")));
        assert_eq!(
            taken(CaptureSource::Text(regex("\"n\": ([0-9])"))),
            Err("capture/many".to_owned())
        );
    }

    #[test]
    fn malformed_paths_are_errors() {
        for wrong in ["id", "$.", "$[", "/a~2", "#/a", "$.a[?]"] {
            assert!(CaptureSource::json(wrong).is_err(), "{wrong}");
        }
    }
}
