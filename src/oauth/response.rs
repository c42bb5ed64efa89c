//! The response of a token endpoint (RFC 6749 §5.1).

use std::time::{Duration, Instant};

use oauth2::{AccessToken, RefreshToken, Scope, basic::BasicTokenType};
use serde::{Deserialize, Deserializer, Serialize, de};
use url::Url;

use super::{ObtainedToken, TokenError};
use crate::project::Secret;

/// The response. Unlike the one of the library, it may lack a type, and its lifetime may be a string of digits.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct TokenResponse {
    access_token: AccessToken,
    token_type: Option<String>,
    #[serde(default, deserialize_with = "seconds")]
    expires_in: Option<u64>,
    refresh_token: Option<RefreshToken>,
    id_token: Option<String>,
}

impl oauth2::TokenResponse for TokenResponse {
    type TokenType = BasicTokenType;

    fn access_token(&self) -> &AccessToken {
        &self.access_token
    }

    fn token_type(&self) -> &BasicTokenType {
        &BasicTokenType::Bearer
    }

    fn expires_in(&self) -> Option<Duration> {
        self.expires_in.map(Duration::from_secs)
    }

    fn refresh_token(&self) -> Option<&RefreshToken> {
        self.refresh_token.as_ref()
    }

    fn scopes(&self) -> Option<&Vec<Scope>> {
        None
    }
}

impl TokenResponse {
    /// The token, and a new refresh token. It must be a bearer token that can be sent and masked.
    pub(super) fn into_token(
        self,
        url: &Url,
        requested: Instant,
    ) -> Result<(ObtainedToken, Option<Secret>), TokenError> {
        let wrong = |reason: &str| TokenError::lasting(url, reason);
        let kind = self.token_type.as_deref().unwrap_or("bearer");
        if !kind.eq_ignore_ascii_case("bearer") {
            return Err(wrong(&format!(
                "the token has the type `{kind}`, and only bearer tokens are supported"
            )));
        }
        if self.expires_in == Some(0) {
            return Err(wrong("the token has expired already: `expires_in` is 0"));
        }
        let text = self.access_token.into_secret();
        if !text.bytes().all(|b| (0x20..0x7f).contains(&b)) {
            return Err(wrong("the token contains characters that cannot be in a header field"));
        }
        let secret = Secret::new(text).map_err(|error| wrong(&format!("the token cannot be used: {error}")))?;
        let refresh_token = self
            .refresh_token
            .and_then(|token| Secret::new(token.into_secret()).ok());
        let id_token = self.id_token.and_then(|token| Secret::new(token).ok());
        let obtained = ObtainedToken {
            secret,
            requested,
            lifetime: self.expires_in.map(Duration::from_secs),
            others: refresh_token.iter().cloned().chain(id_token).collect(),
        };
        Ok((obtained, refresh_token))
    }
}

/// A number of seconds, or a string with one.
fn seconds<'de, D: Deserializer<'de>>(value: D) -> Result<Option<u64>, D::Error> {
    let value = Option::<serde_json::Value>::deserialize(value)?;
    let Some(value) = value else { return Ok(None) };
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    // Some endpoints send a fraction.
    let whole = text.split('.').next().unwrap_or_default();
    let seconds = whole
        .parse()
        .map_err(|_| de::Error::custom("not a number of seconds"))?;
    Ok(Some(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(document: &str) -> Result<(ObtainedToken, Option<Secret>), String> {
        let response: TokenResponse = serde_json::from_str(document).map_err(|error| error.to_string())?;
        let url = Url::parse("https://id.example.com/token?key=hidden").unwrap();
        response
            .into_token(&url, Instant::now())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn lifetime_is_read_as_number_or_digits() {
        let lifetime = |rest: &str| {
            read(&format!(r#"{{"access_token":"a-token-value"{rest}}}"#))
                .unwrap()
                .0
                .lifetime
        };
        assert_eq!(lifetime(""), None);
        assert_eq!(lifetime(r#","expires_in":null"#), None);
        for seconds in ["3600", r#""3600""#, "3600.0"] {
            let lifetime = lifetime(&format!(r#","token_type":"Bearer","expires_in":{seconds}"#));
            assert_eq!(lifetime, Some(Duration::from_hours(1)), "{seconds}");
        }
    }

    #[test]
    fn tokens_that_cannot_be_used_are_rejected_without_their_value() {
        for (document, reason) in [
            (r#"{"access_token":"a-token-value","token_type":"mac"}"#, "`mac`"),
            (r#"{"access_token":"a-token-value","expires_in":0}"#, "expired already"),
            (r#"{"access_token":"a-token\nvalue"}"#, "characters"),
            (r#"{"access_token":"short"}"#, "shorter than 6"),
            (r#"{"access_token":""}"#, "empty"),
            (r#"{"access_token":7}"#, "invalid type"),
            (r#"{"access_token":"a-token-value","expires_in":"soon"}"#, "seconds"),
        ] {
            let error = read(document).err().unwrap();
            assert!(error.contains(reason), "{error}");
            assert!(!error.contains("a-token") && !error.contains("hidden"), "{error}");
        }
    }

    #[test]
    fn refresh_and_id_tokens_are_secrets() {
        let document = r#"{"access_token":"a-token-value","refresh_token":"r-token-value","id_token":"i-token-value"}"#;
        let (obtained, refresh) = read(document).unwrap();
        assert_eq!(refresh.unwrap().expose(), "r-token-value");
        let others: Vec<_> = obtained.others.iter().map(Secret::expose).collect();
        assert_eq!(others, ["r-token-value", "i-token-value"]);
    }
}
