//! The metadata of an issuer (`OpenID` Connect Discovery 1.0 §4, RFC 8414 §3).

use serde::Deserialize;
use url::Url;

use super::TokenError;
use crate::project::ClientAuth;

/// What is used of the metadata.
pub(super) struct Metadata {
    pub(super) token_endpoint: Url,
    /// The ways to authenticate that the endpoint supports.
    methods: Vec<String>,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    token_endpoint: String,
    /// Without it, `client_secret_basic` is supported.
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

/// The URLs where the metadata of an issuer can be.
pub(super) fn urls(issuer: &Url) -> [Url; 2] {
    let path = issuer.path().trim_end_matches('/').to_owned();
    let at = |path: &str| {
        let mut url = issuer.clone();
        url.set_path(path);
        url
    };
    [
        at(&format!("{path}/.well-known/openid-configuration")),
        at(&format!("/.well-known/oauth-authorization-server{path}")),
    ]
}

impl Metadata {
    /// Reads the metadata at a URL. It must name its issuer, and a token endpoint that is as secure as the issuer.
    pub(super) fn read(issuer: &Url, url: &Url, body: &[u8]) -> Result<Self, TokenError> {
        let wrong = |reason: &str| TokenError::lasting(url, reason);
        let document: Document = serde_json::from_slice(body)
            .map_err(|_| wrong("the metadata has no valid `issuer` and `token_endpoint`"))?;
        let same = |text: &str| text.trim_end_matches('/').to_owned();
        let named = Url::parse(&document.issuer).map(|url| same(url.as_str()));
        if named.as_deref() != Ok(&same(issuer.as_str())) {
            return Err(wrong(&format!(
                "the metadata is that of the issuer `{}`",
                document.issuer
            )));
        }
        let token_endpoint = Url::parse(&document.token_endpoint)
            .ok()
            .filter(|endpoint| endpoint.scheme() == "https" || endpoint.scheme() == issuer.scheme())
            .ok_or_else(|| wrong("the `token_endpoint` of the metadata is not an `https` URL"))?;
        let methods = document.token_endpoint_auth_methods_supported;
        Ok(Self {
            token_endpoint,
            methods: methods.unwrap_or_else(|| vec!["client_secret_basic".to_owned()]),
        })
    }

    /// How a client authenticates that sets no `auth`.
    pub(super) fn auth(&self, has_secret: bool) -> Result<ClientAuth, TokenError> {
        let supports = |method: &str| self.methods.iter().any(|known| known == method);
        if !has_secret || supports("client_secret_basic") {
            return Ok(ClientAuth::Basic);
        }
        if supports("client_secret_post") {
            return Ok(ClientAuth::Post);
        }
        Err(TokenError::lasting(
            &self.token_endpoint,
            &format!(
                "it supports neither `client_secret_basic` nor `client_secret_post`, but {}",
                self.methods.join(", ")
            ),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn read(issuer: &str, document: &str) -> Result<Metadata, String> {
        let at = url("https://id.example.com/meta");
        Metadata::read(&url(issuer), &at, document.as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn metadata_is_looked_for_below_the_issuer_and_its_host() {
        let shown = |issuer: &str| urls(&url(issuer)).map(|url| url.to_string());
        assert_eq!(
            shown("https://id.example.com/realms/a/"),
            [
                "https://id.example.com/realms/a/.well-known/openid-configuration",
                "https://id.example.com/.well-known/oauth-authorization-server/realms/a",
            ]
        );
        assert_eq!(
            shown("https://id.example.com")[1],
            "https://id.example.com/.well-known/oauth-authorization-server"
        );
    }

    #[test]
    fn metadata_of_other_issuers_and_insecure_urls_is_rejected() {
        let document =
            |issuer: &str, endpoint: &str| format!(r#"{{"issuer":"{issuer}","token_endpoint":"{endpoint}"}}"#);
        let (issuer, endpoint) = ("https://id.example.com/", "https://id.example.com/token");
        assert!(read(issuer, &document("https://id.example.com", endpoint)).is_ok());
        for (named, endpoint) in [
            ("https://evil.example.com", endpoint),
            ("https://id.example.com", "http://id.example.com/token"),
            ("https://id.example.com", "/token"),
            ("", endpoint),
        ] {
            assert!(read(issuer, &document(named, endpoint)).is_err(), "{named} {endpoint}");
        }
        assert!(read(issuer, "[]").is_err() && read(issuer, "{}").is_err());
    }

    #[test]
    fn client_authenticates_as_the_metadata_allows() {
        let with = |methods: &str| {
            let (issuer, rest) = ("https://a.example", r#""token_endpoint":"https://a.example/t""#);
            let metadata = read(issuer, &format!(r#"{{"issuer":"{issuer}",{rest}{methods}}}"#)).unwrap();
            metadata.auth(true).map_err(|error| error.to_string())
        };
        let methods = |list: &str| format!(r#","token_endpoint_auth_methods_supported":[{list}]"#);
        assert_eq!(with(""), Ok(ClientAuth::Basic));
        assert_eq!(with(&methods(r#""client_secret_post""#)), Ok(ClientAuth::Post));
        assert_eq!(
            with(&methods(r#""client_secret_post","client_secret_basic""#)),
            Ok(ClientAuth::Basic)
        );
        assert!(
            with(&methods(r#""private_key_jwt""#))
                .unwrap_err()
                .contains("private_key_jwt")
        );
    }
}
