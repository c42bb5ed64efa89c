//! The parts of a collection that an import reads. Postman writes many values in several forms.

use serde::{Deserialize, Deserializer};
use serde_json::Value as Json;

use crate::import::variables::Variables;

#[derive(Debug, Deserialize)]
pub(super) struct PostmanCollection {
    pub(super) info: PostmanInfo,
    #[serde(default)]
    pub(super) item: Vec<PostmanItem>,
    #[serde(default)]
    pub(super) auth: Option<Json>,
    #[serde(default)]
    pub(super) event: Vec<PostmanEvent>,
    #[serde(default)]
    pub(super) variable: Vec<PostmanVariable>,
}

#[derive(Debug, Deserialize)]
pub(super) struct PostmanInfo {
    #[serde(default)]
    pub(super) name: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct PostmanEnvironment {
    pub(super) values: Vec<PostmanVariable>,
}

#[derive(Debug, Deserialize)]
pub(super) struct PostmanVariable {
    #[serde(default, alias = "id")]
    pub(super) key: String,
    #[serde(default)]
    pub(super) value: Json,
    #[serde(default, rename = "type")]
    pub(super) kind: Option<String>,
    #[serde(default)]
    pub(super) enabled: Option<bool>,
    #[serde(default)]
    pub(super) disabled: bool,
}

impl PostmanVariable {
    pub(super) fn add(&self, variables: &mut Variables) {
        if self.key.is_empty() || self.disabled || self.enabled == Some(false) {
            return;
        }
        let is_secret = self.kind.as_deref() == Some("secret");
        variables
            .values
            .insert(self.key.clone(), (plain(&self.value), is_secret));
    }
}

/// A value as text.
fn plain(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Null => String::new(),
        other => other.to_string(),
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct PostmanItem {
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) item: Vec<PostmanItem>,
    /// Saved examples.
    #[serde(default, deserialize_with = "examples")]
    pub(super) response: Vec<Json>,
    #[serde(default, deserialize_with = "request")]
    pub(super) request: Option<PostmanRequest>,
    #[serde(default)]
    pub(super) auth: Option<Json>,
    #[serde(default)]
    pub(super) event: Vec<PostmanEvent>,
    #[serde(default, rename = "protocolProfileBehavior")]
    pub(super) protocol_profile_behavior: Json,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct PostmanRequest {
    #[serde(default)]
    pub(super) method: Option<String>,
    #[serde(default)]
    pub(super) url: Option<PostmanUrl>,
    #[serde(default, deserialize_with = "headers")]
    pub(super) header: Vec<PostmanPair>,
    #[serde(default)]
    pub(super) body: Option<PostmanBody>,
    #[serde(default)]
    pub(super) auth: Option<Json>,
    #[serde(default)]
    pub(super) description: Option<PostmanText>,
}

/// A request can be its URL.
fn request<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PostmanRequest>, D::Error> {
    match Json::deserialize(deserializer)? {
        Json::Null => Ok(None),
        Json::String(url) => Ok(Some(PostmanRequest {
            url: Some(PostmanUrl(Json::String(url))),
            ..PostmanRequest::default()
        })),
        other => serde_json::from_value(other)
            .map(Some)
            .map_err(serde::de::Error::custom),
    }
}

/// Saved examples; `null` is none.
fn examples<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Json>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Header fields can be one text.
fn headers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<PostmanPair>, D::Error> {
    match Json::deserialize(deserializer)? {
        Json::Null => Ok(Vec::new()),
        Json::String(text) => {
            let lines = text.lines().filter_map(|line| line.split_once(':'));
            let pairs = lines.map(|(name, value)| PostmanPair {
                key: name.trim().to_owned(),
                value: Some(value.trim().to_owned()),
                disabled: false,
            });
            Ok(pairs.collect())
        }
        other => serde_json::from_value(other).map_err(serde::de::Error::custom),
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct PostmanPair {
    #[serde(default)]
    pub(super) key: String,
    #[serde(default)]
    pub(super) value: Option<String>,
    #[serde(default)]
    pub(super) disabled: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct PostmanPart {
    #[serde(default)]
    pub(super) key: String,
    #[serde(default)]
    pub(super) value: Option<String>,
    #[serde(default)]
    pub(super) src: Json,
    #[serde(default, rename = "type")]
    pub(super) kind: Option<String>,
    #[serde(default, rename = "contentType")]
    pub(super) content_type: Option<String>,
    #[serde(default)]
    pub(super) disabled: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct PostmanBody {
    #[serde(default)]
    pub(super) mode: Option<String>,
    #[serde(default)]
    pub(super) raw: Option<String>,
    #[serde(default)]
    pub(super) urlencoded: Vec<PostmanPair>,
    #[serde(default)]
    pub(super) formdata: Vec<PostmanPart>,
    #[serde(default)]
    pub(super) file: Json,
    #[serde(default)]
    pub(super) graphql: Json,
    #[serde(default)]
    pub(super) options: Json,
    #[serde(default)]
    pub(super) disabled: bool,
}

impl PostmanBody {
    /// Whether nothing is sent.
    pub(super) fn is_empty(&self) -> bool {
        self.disabled
            || match self.mode.as_deref() {
                None | Some("" | "none") => true,
                Some("raw") => self.raw.as_deref().unwrap_or_default().is_empty(),
                Some("urlencoded") => self.urlencoded.iter().all(|pair| pair.disabled),
                Some("formdata") => self.formdata.iter().all(|pair| pair.disabled),
                _ => false,
            }
    }
}

/// A URL: a text, or its parts.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct PostmanUrl(pub(super) Json);

impl PostmanUrl {
    /// The URL that is sent: with path variables, without disabled parameters.
    pub(super) fn text(&self) -> String {
        let Json::Object(parts) = &self.0 else {
            return plain(&self.0);
        };
        let list = |name: &str, separator: &str| match parts.get(name) {
            Some(Json::Array(all)) => {
                let all = all.iter().map(|part| match part {
                    Json::Object(part) => part.get("value").map(plain).unwrap_or_default(),
                    other => plain(other),
                });
                Some(all.collect::<Vec<_>>().join(separator))
            }
            Some(Json::String(text)) => Some(text.clone()),
            _ => None,
        };
        let Some(host) = list("host", ".") else {
            return self.with_variables(&parts.get("raw").map(plain).unwrap_or_default());
        };
        let mut text = String::new();
        if let Some(protocol) = parts
            .get("protocol")
            .and_then(Json::as_str)
            .filter(|text| !text.is_empty())
        {
            text.push_str(protocol.trim_end_matches("://"));
            text.push_str("://");
        }
        text.push_str(&host);
        if let Some(port) = parts.get("port").map(plain).filter(|port| !port.is_empty()) {
            text.push(':');
            text.push_str(&port);
        }
        if let Some(path) = list("path", "/") {
            if !path.starts_with('/') {
                text.push('/');
            }
            text.push_str(&path);
        }
        let mut text = self.with_variables(&text);
        if let Some(Json::Array(query)) = parts.get("query") {
            let enabled = query
                .iter()
                .filter(|pair| pair.get("disabled") != Some(&Json::Bool(true)));
            let pairs = enabled.map(|pair| {
                let key = pair.get("key").map(plain).unwrap_or_default();
                match pair.get("value") {
                    None | Some(Json::Null) => key,
                    Some(value) => format!("{key}={}", plain(value).replace('&', "%26")),
                }
            });
            let pairs: Vec<_> = pairs.collect();
            if !pairs.is_empty() {
                text.push('?');
                text.push_str(&pairs.join("&"));
            }
        }
        text
    }

    /// Replaces `:name` segments of the path.
    fn with_variables(&self, text: &str) -> String {
        let empty = Vec::new();
        let variables = self.0.get("variable").and_then(Json::as_array).unwrap_or(&empty);
        let (path, query) = text
            .split_once('?')
            .map_or((text, None), |(path, query)| (path, Some(query)));
        let segments = path.split('/').map(|segment| {
            let name = segment.strip_prefix(':').filter(|name| !name.is_empty())?;
            let named = |one: &&Json| one.get("key").or(one.get("id")).and_then(Json::as_str) == Some(name);
            let variable = variables.iter().find(named)?;
            Some(plain(variable.get("value")?)).filter(|value| !value.is_empty())
        });
        let replaced: Vec<Option<String>> = segments.collect();
        let segments = path.split('/').zip(replaced);
        let segments: Vec<_> = segments
            .map(|(segment, value)| value.unwrap_or_else(|| segment.to_owned()))
            .collect();
        let path = segments.join("/");
        query.map_or(path.clone(), |query| format!("{path}?{query}"))
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct PostmanEvent {
    #[serde(default)]
    pub(super) listen: String,
    #[serde(default)]
    pub(super) script: Option<PostmanScript>,
    #[serde(default)]
    pub(super) disabled: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct PostmanScript {
    #[serde(default)]
    pub(super) exec: Json,
}

impl PostmanScript {
    pub(super) fn text(&self) -> String {
        match &self.exec {
            Json::Array(lines) => lines.iter().map(plain).collect::<Vec<_>>().join("\n"),
            other => plain(other),
        }
    }
}

/// A text, or an object with it.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct PostmanText(Json);

impl PostmanText {
    pub(super) fn text(&self) -> Option<String> {
        match &self.0 {
            Json::String(text) => Some(text.clone()),
            other => other.get("content").and_then(Json::as_str).map(str::to_owned),
        }
    }
}
