//! The parts of HTTP Archive 1.2 that an import reads. Fields that begin with `_` belong to browsers and Playwright.

use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub(super) struct Har {
    pub(super) log: HarLog,
}

#[derive(Debug, Deserialize)]
pub(super) struct HarLog {
    #[serde(default)]
    pub(super) creator: Option<HarCreator>,
    #[serde(default)]
    pub(super) browser: Option<HarCreator>,
    pub(super) entries: Vec<HarEntry>,
}

#[derive(Debug, Deserialize)]
pub(super) struct HarCreator {
    #[serde(default)]
    pub(super) name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HarEntry {
    #[serde(default)]
    pub(super) started_date_time: Option<String>,
    pub(super) request: HarRequest,
    #[serde(default)]
    pub(super) response: Option<HarResponse>,
    #[serde(default, rename = "_resourceType")]
    pub(super) resource_type: Option<String>,
    #[serde(default, rename = "_webSocketMessages")]
    pub(super) messages: Option<serde::de::IgnoredAny>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HarRequest {
    pub(super) method: String,
    pub(super) url: String,
    #[serde(default)]
    pub(super) headers: Vec<HarPair>,
    #[serde(default)]
    pub(super) cookies: Vec<HarPair>,
    #[serde(default)]
    pub(super) post_data: Option<HarPostData>,
    #[serde(default)]
    pub(super) body_size: Option<f64>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct HarPair {
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) value: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HarPostData {
    #[serde(default)]
    pub(super) mime_type: Option<String>,
    #[serde(default)]
    pub(super) text: Option<String>,
    #[serde(default)]
    pub(super) encoding: Option<String>,
    #[serde(default)]
    pub(super) params: Vec<HarParam>,
    #[serde(default, rename = "_file")]
    pub(super) file: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HarParam {
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) value: Option<String>,
    #[serde(default)]
    pub(super) file_name: Option<String>,
    #[serde(default)]
    pub(super) content_type: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HarResponse {
    #[serde(default)]
    pub(super) status: f64,
    #[serde(default)]
    pub(super) headers: Vec<HarPair>,
    #[serde(default)]
    pub(super) cookies: Vec<HarPair>,
    #[serde(default)]
    pub(super) content: Option<HarContent>,
    #[serde(default, rename = "redirectURL")]
    pub(super) redirect_url: Option<String>,
    #[serde(default, rename = "_error")]
    pub(super) error: Option<String>,
    #[serde(default, rename = "_failureText")]
    pub(super) failure_text: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HarContent {
    #[serde(default)]
    pub(super) size: Option<f64>,
    #[serde(default)]
    pub(super) mime_type: Option<String>,
    #[serde(default)]
    pub(super) text: Option<String>,
    #[serde(default)]
    pub(super) encoding: Option<String>,
    /// A file next to the HAR, as Playwright writes with `content: attach`.
    #[serde(default, rename = "_file")]
    pub(super) file: Option<String>,
}

/// The value of a header field by its name, in lower case.
pub(super) fn field<'h>(headers: &'h [HarPair], name: &str) -> Option<&'h str> {
    let found = headers.iter().find(|pair| pair.name.eq_ignore_ascii_case(name));
    found.and_then(|pair| pair.value.as_deref())
}

/// A media type without its parameters, in lower case.
pub(super) fn essence(text: &str) -> String {
    text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}
