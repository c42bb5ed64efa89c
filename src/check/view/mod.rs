//! A response as checks read it: content codings removed, text decoded, JSON parsed. Each is done at most once, and only
//! if a check asks for it.

mod charset;
mod coding;

use std::{borrow::Cow, cell::OnceCell, ops::Deref};

use serde_json::Value;

pub(crate) use charset::Text;
pub(crate) use coding::DecodeError;

use super::media_type::MediaType;
use crate::{
    json::{self, Unreadable},
    model::Response,
};

/// Maximum size of a decoded body in bytes where no target sets one, as in a comparison of recordings.
pub(crate) const MAX_DECODED: usize = 64 << 20;

/// Why a body cannot be read as text or JSON.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BodyError {
    /// Its content coding cannot be removed.
    #[error(transparent)]
    Coding(#[from] DecodeError),
    /// It is not JSON.
    #[error(transparent)]
    Json(#[from] Unreadable),
    /// Its charset is unknown.
    #[error("the charset `{0}` is not supported")]
    Charset(String),
}

/// A response and the decoded forms of its body, computed on demand.
#[derive(Debug)]
pub(crate) struct ResponseView<'a> {
    response: &'a Response,
    limit: usize,
    decoded: OnceCell<Result<Option<Vec<u8>>, DecodeError>>,
    json: OnceCell<Result<Value, BodyError>>,
    media_type: OnceCell<Option<MediaType>>,
}

impl Deref for ResponseView<'_> {
    type Target = Response;

    fn deref(&self) -> &Response {
        self.response
    }
}

impl<'a> ResponseView<'a> {
    /// Views a response; a decoded body is at most `limit` bytes.
    pub(crate) fn new(response: &'a Response, limit: usize) -> Self {
        Self {
            response,
            limit,
            decoded: OnceCell::new(),
            json: OnceCell::new(),
            media_type: OnceCell::new(),
        }
    }

    /// The response itself.
    pub(crate) fn response(&self) -> &'a Response {
        self.response
    }

    /// Whether the server rejected the client certificate, so that there is no response.
    pub(crate) fn is_refusal(&self) -> bool {
        self.response().is_refusal()
    }

    /// Maximum size of the decoded body in bytes.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// The bytes of the body with its content codings removed.
    pub(crate) fn bytes(&self) -> Result<&[u8], DecodeError> {
        let decoded = self.decoded.get_or_init(|| {
            // A part of a coded representation cannot be decoded on its own (RFC 9110 §14.2).
            let is_part = self.response.status == 206;
            if self.response.body.is_empty() || self.response.body.is_decoded() || is_part {
                return Ok(None);
            }
            let codings = coding::codings(self.response.header("content-encoding"));
            if codings.is_empty() {
                return Ok(None);
            }
            coding::decode(self.response.body.bytes(), &codings, self.limit).map(Some)
        });
        match decoded {
            Ok(Some(bytes)) => Ok(bytes),
            Ok(None) => Ok(self.response.body.bytes()),
            Err(error) => Err(error.clone()),
        }
    }

    /// The body as one strict JSON document.
    pub(crate) fn json(&self) -> Result<&Value, &BodyError> {
        self.json.get_or_init(|| Ok(json::read(self.bytes()?)?)).as_ref()
    }

    /// The body as text in its charset.
    pub(crate) fn text(&self) -> Result<Text<'_>, BodyError> {
        let bytes = self.bytes()?;
        charset::decode(bytes, self.media_type()).map_err(BodyError::Charset)
    }

    /// The body as text; an error if some bytes are not text.
    pub(crate) fn strict_text(&self) -> Result<Cow<'_, str>, String> {
        let text = self.text().map_err(|error| error.to_string())?;
        text.content.map_err(|invalid| invalid.reason)
    }

    /// The body as the text of an XML document: a byte order mark decides, or else the charset of the media type, or else the
    /// XML declaration (RFC 7303 §3).
    pub(crate) fn xml_text(&self) -> Result<Cow<'_, str>, String> {
        let kind = self.media_type();
        let bytes = self.bytes().map_err(|error| error.to_string())?;
        let declared = match kind.and_then(|kind| kind.parameters.get("charset")) {
            Some(_) => None,
            None => charset::of_xml_declaration(bytes),
        };
        let declared = declared.map(|charset| MediaType {
            essence: "application/xml".to_owned(),
            parameters: [("charset".to_owned(), charset)].into(),
        });
        let text = charset::decode(bytes, declared.as_ref().or(kind));
        let text = text.map_err(|charset| BodyError::Charset(charset).to_string())?;
        text.content.map_err(|invalid| invalid.reason)
    }

    /// The body for output, as far as it can be decoded.
    pub(crate) fn shown(&self) -> Cow<'_, str> {
        match (self.text(), self.bytes()) {
            (Ok(text), _) => text.into_shown(),
            (Err(_), Ok(bytes)) => String::from_utf8_lossy(bytes),
            (Err(_), Err(_)) => self.response.body.text(),
        }
    }

    /// The first `Content-Type`, if it is a media type.
    pub(crate) fn media_type(&self) -> Option<&MediaType> {
        let parse = || self.response.header("content-type").next().and_then(MediaType::parse);
        self.media_type.get_or_init(parse).as_ref()
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn response(headers: &[(&str, &str)], body: &[u8]) -> Response {
        Response {
            version: "HTTP/1.1".to_owned(),
            status: 200,
            reason: None,
            headers: headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            body: body.to_vec().into(),
            trailers: Vec::new(),
            cut: None,
            stopped: None,
            excess: Vec::new().into(),
            syntax: Vec::new(),
            received: DateTime::UNIX_EPOCH,
            elapsed_us: 1,
        }
    }

    #[test]
    fn a_body_without_coding_is_not_copied() {
        let plain = response(&[("content-encoding", "identity")], b"[1]");
        let view = ResponseView::new(&plain, 10);
        assert!(std::ptr::eq(view.bytes().unwrap(), plain.body.bytes()));
        assert_eq!(view.json(), Ok(&serde_json::json!([1])));
    }

    #[test]
    fn an_empty_body_is_not_decoded() {
        let empty = response(&[("content-encoding", "gzip")], b"");
        assert_eq!(ResponseView::new(&empty, 10).bytes(), Ok(&b""[..]));
    }

    #[test]
    fn a_broken_coding_is_the_error_of_text_and_json() {
        let broken = response(&[("content-encoding", "gzip")], b"[1]");
        let view = ResponseView::new(&broken, 10);
        assert!(matches!(
            view.json(),
            Err(BodyError::Coding(DecodeError::Corrupt { .. }))
        ));
        assert!(matches!(view.text(), Err(BodyError::Coding(_))));
        assert_eq!(view.shown(), "[1]");
    }
}
