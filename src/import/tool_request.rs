//! A request as another tool describes it, as a request of a case.

use super::{
    DraftContent, DraftPart, DraftRequest, DraftStep, SuiteDraft, Value,
    body::{self, FORM},
    credentials::Secrets,
    url::{self, UrlStyle},
};

/// A request with the variables of a suite.
#[derive(Default)]
pub(super) struct ToolRequest {
    pub(super) method: String,
    /// The base URL, if the URL begins with a variable: its value or its name.
    pub(super) base: Option<String>,
    /// The URL, or what follows the base.
    pub(super) url: Value,
    pub(super) style: UrlStyle,
    pub(super) headers: Vec<(String, Value)>,
    pub(super) content: ToolContent,
}

/// The content of a request.
#[derive(Default)]
pub(super) enum ToolContent {
    #[default]
    None,
    /// Bytes, and the media type that the tool sends unless a header field says otherwise.
    Bytes(Vec<u8>, Option<&'static str>),
    /// Form fields, encoded as a case does.
    Form(Vec<(Value, Value)>),
    Parts(Vec<DraftPart>),
}

/// What a request is in a case.
pub(super) struct ToolResult {
    pub(super) request: DraftRequest,
    pub(super) user: Option<(String, String)>,
    pub(super) skip: Option<String>,
}

impl ToolRequest {
    /// Writes the request into a step, with its credentials (`user`: those of Basic authentication) as secrets. Returns why the
    /// case is skipped: `skip`, or because of the URL.
    pub(super) fn fill(
        self,
        step: &mut DraftStep,
        user: Option<(String, String)>,
        skip: Option<String>,
        draft: &mut SuiteDraft,
        notes: &mut Vec<String>,
    ) -> Option<String> {
        match self.build("content.bin", draft, notes) {
            Ok(mut result) => {
                let mut secrets = Secrets::new(draft);
                let headers = &result.request.headers;
                let has_own = headers
                    .iter()
                    .any(|(name, _)| name.eq_ignore_ascii_case("authorization"));
                if let Some((user, password)) = user.or(result.user.take()).filter(|_| !has_own) {
                    secrets.basic(&mut result.request, &user, &password, "the Basic authentication");
                }
                secrets.hide(&mut result.request);
                step.request = result.request;
                skip.or(result.skip)
            }
            Err(reason) => {
                let reason = format!("the URL: {reason}");
                notes.push(reason.clone());
                "GET".clone_into(&mut step.request.method);
                "/".clone_into(&mut step.request.path);
                Some(reason)
            }
        }
    }

    /// The request of a case. `file` is the name of a file for content that is not text.
    pub(super) fn build(
        self,
        file: &str,
        draft: &mut SuiteDraft,
        notes: &mut Vec<String>,
    ) -> Result<ToolResult, String> {
        // Only what follows the base is read.
        let known = draft.base.clone().filter(|base| base.starts_with("http"));
        let below = known.and_then(|base| Some((self.url.strip_prefix(&*base)?.to_owned(), base)));
        let (base, text) = match (self.base, below) {
            (Some(base), _) => (Some(base), format!("http://base{}", from_slash(&self.url))),
            (None, Some((rest, base))) if rest.is_empty() || rest.starts_with(['/', '?', '#']) => {
                (Some(base), format!("http://base{}", from_slash(&rest)))
            }
            (None, _) => (None, self.url),
        };
        let mut url = url::parse(&text, self.style)?;
        notes.append(&mut url.notes);
        let base = base.or(url.origin.take());
        let skip = draft.other_origin(base.as_deref());
        notes.extend(skip.clone());
        let mut request = DraftRequest {
            method: self.method,
            path: url.path,
            query: url
                .query
                .filter(|query| !query.is_empty())
                .map(|query| body::encoding_query(&query)),
            headers: self.headers,
            ..DraftRequest::default()
        };
        request.content = match self.content {
            ToolContent::None => None,
            ToolContent::Form(fields) => {
                let form = body::form(fields, &mut draft.names);
                let own = request
                    .headers
                    .iter()
                    .position(|(name, _)| name.eq_ignore_ascii_case("content-type"));
                match own {
                    Some(own) if request.headers[own].1 == FORM && matches!(form, DraftContent::Form(_)) => {
                        request.headers.remove(own);
                    }
                    None if !matches!(form, DraftContent::Form(_)) => {
                        request.headers.push(("Content-Type".to_owned(), FORM.to_owned()));
                    }
                    _ => {}
                }
                Some(form)
            }
            ToolContent::Parts(parts) => {
                request.headers.retain(|(name, value)| {
                    !(name.eq_ignore_ascii_case("content-type") && value.starts_with("multipart/form-data"))
                });
                Some(DraftContent::Multipart(parts))
            }
            ToolContent::Bytes(bytes, default) => Some(content(bytes, default, &mut request, file)),
        };
        Ok(ToolResult {
            request,
            user: url.user,
            skip,
        })
    }
}

fn from_slash(rest: &str) -> String {
    if rest.is_empty() || rest.starts_with(['/', '?', '#']) {
        rest.to_owned()
    } else {
        format!("/{rest}")
    }
}

fn content(bytes: Vec<u8>, default: Option<&'static str>, request: &mut DraftRequest, file: &str) -> DraftContent {
    let is_type = |name: &str| name.eq_ignore_ascii_case("content-type");
    let own = request.headers.iter().find(|(name, _)| is_type(name));
    let own = own.map(|(_, value)| value.clone());
    let media_type = own.clone().or(default.map(str::to_owned));
    let (content, is_implied) = body::content(bytes, media_type.as_deref(), file);
    match (&media_type, &content) {
        (Some(_), _) if is_implied => request.headers.retain(|(name, _)| !is_type(name)),
        (Some(media_type), _) if own.is_none() => request.headers.push(("Content-Type".to_owned(), media_type.clone())),
        // Text has a media type unless it is removed.
        (None, DraftContent::Text(_)) => request.removed.push("Content-Type".to_owned()),
        _ => {}
    }
    content
}
