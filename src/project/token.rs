//! Tokens: secrets that a run obtains, from a token endpoint or from a login case, and renews by time.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use url::Url;

use super::{Secret, SecretSource, config::entries, config::source, target::TlsFiles};
use crate::source::{Diagnostic, Diagnostics, Fields, Kind, Node, Span, duration, list, string};

/// Maximum time before the end of its lifetime at which a token is renewed.
const MARGIN: Duration = Duration::from_secs(30);
/// Minimum time for which a new token is used, so that a lifetime shorter than its request does not repeat the request forever.
const MIN_USE: Duration = Duration::from_millis(200);
/// How long a token that could not be renewed is used before the next attempt, while it is valid.
const PAUSE: Duration = Duration::from_secs(5);

/// A token as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenDef {
    /// A token of an OAuth 2.0 token endpoint (RFC 6749).
    OAuth2(OAuth2Def),
    /// A value that a login case captures.
    Case(LoginDef),
}

/// `{ oauth2 = { ... } }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OAuth2Def {
    /// Where tokens are requested.
    pub endpoint: TokenEndpoint,
    /// How they are requested.
    pub grant: Grant,
    /// The client.
    pub client_id: ClientId,
    /// Its password.
    pub client_secret: Option<SecretSource>,
    /// The refresh token of [`Grant::RefreshToken`].
    pub refresh_token: Option<SecretSource>,
    /// How the client authenticates; otherwise the metadata of the issuer decides.
    pub auth: Option<ClientAuth>,
    /// The scopes.
    pub scopes: Vec<String>,
    /// Further parameters of the request, such as `audience`.
    pub parameters: Vec<(String, String)>,
    /// Certificate chain and key of the client (RFC 8705), PEM.
    pub client: Option<(PathBuf, PathBuf)>,
}

/// Where tokens are requested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenEndpoint {
    /// The URL of the token endpoint.
    Url(Url),
    /// The URL of an issuer, whose metadata contains that of the token endpoint (RFC 8414, `OpenID` Connect Discovery).
    Issuer(Url),
}

/// A way to request tokens (RFC 6749 §4.4, §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// `client_credentials`.
    ClientCredentials,
    /// `refresh_token`.
    RefreshToken,
}

impl Grant {
    /// All grants by name.
    const NAMES: [(&'static str, Self); 2] = [
        ("client_credentials", Self::ClientCredentials),
        ("refresh_token", Self::RefreshToken),
    ];
}

/// How a client authenticates at the token endpoint (RFC 6749 §2.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAuth {
    /// In the `Authorization` field, form-encoded.
    Basic,
    /// In the body.
    Post,
}

impl ClientAuth {
    /// All ways by name.
    const NAMES: [(&'static str, Self); 2] = [("basic", Self::Basic), ("post", Self::Post)];
}

/// The id of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientId {
    /// As it is written.
    Text(String),
    /// From a source, and masked.
    Source(SecretSource),
}

/// `{ case = "auth/login", capture = "access_token", expires = "14m" }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginDef {
    /// The id of the case.
    pub case: (String, Span),
    /// The name of the capture.
    pub capture: (String, Span),
    /// How long the value is used before the case runs again.
    pub expires: Option<Duration>,
}

impl TokenDef {
    /// The secrets that are needed to obtain the token, by key.
    pub fn secrets(&self) -> impl Iterator<Item = (&'static str, &SecretSource)> {
        let Self::OAuth2(oauth2) = self else {
            return Vec::new().into_iter();
        };
        let id = match &oauth2.client_id {
            ClientId::Source(source) => Some(source),
            ClientId::Text(_) => None,
        };
        let secrets = [
            ("client_id", id),
            ("client_secret", oauth2.client_secret.as_ref()),
            ("refresh_token", oauth2.refresh_token.as_ref()),
        ];
        let secrets: Vec<_> = secrets
            .into_iter()
            .filter_map(|(key, source)| Some((key, source?)))
            .collect();
        secrets.into_iter()
    }
}

/// The tokens of a target, by name. Copies share the current values.
#[derive(Clone, Debug, Default)]
pub struct Tokens(Arc<BTreeMap<String, Token>>);

impl Tokens {
    /// No tokens have been obtained yet.
    pub fn new(tokens: impl IntoIterator<Item = Token>) -> Self {
        Self(Arc::new(
            tokens.into_iter().map(|token| (token.name.clone(), token)).collect(),
        ))
    }

    /// The token of this name.
    pub fn get(&self, name: &str) -> Option<&Token> {
        self.0.get(name)
    }

    /// All tokens in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Token> {
        self.0.values()
    }

    /// The tokens that a case captures, with the case and the capture.
    pub fn logins(&self) -> impl Iterator<Item = (&Token, &LoginDef)> {
        self.iter().filter_map(|token| match &token.source {
            TokenSource::Case(login) => Some((token, login)),
            TokenSource::OAuth2(_) => None,
        })
    }
}

/// A token of a target.
#[derive(Debug)]
pub struct Token {
    /// The name of the secret.
    pub name: String,
    /// Where it comes from.
    pub source: TokenSource,
    current: RwLock<Option<CurrentToken>>,
}

/// Where a token comes from.
#[derive(Clone, Debug)]
pub enum TokenSource {
    /// A token endpoint.
    OAuth2(Box<OAuth2>),
    /// A login case.
    Case(LoginDef),
}

/// A client of a token endpoint, with its secrets.
#[derive(Clone, Debug)]
pub struct OAuth2 {
    /// As it is written.
    pub def: OAuth2Def,
    /// The secrets of [`TokenDef::secrets`], by key.
    secrets: Vec<(&'static str, Secret)>,
}

impl OAuth2 {
    /// With the values of [`TokenDef::secrets`].
    pub(super) fn new(def: OAuth2Def, secrets: Vec<(&'static str, Secret)>) -> Self {
        Self { def, secrets }
    }

    /// A secret by key.
    pub(crate) fn secret(&self, key: &str) -> Option<&str> {
        let (_, secret) = self.secrets.iter().find(|(known, _)| *known == key)?;
        Some(secret.expose())
    }

    /// The id of the client.
    pub(crate) fn client_id(&self) -> &str {
        match &self.def.client_id {
            ClientId::Text(text) => text,
            ClientId::Source(_) => self.secret("client_id").unwrap_or_default(),
        }
    }

    /// The files for TLS, with the certificate authorities of the target.
    pub(crate) fn tls(&self, target: &TlsFiles) -> TlsFiles {
        TlsFiles {
            ca: target.ca.clone(),
            client: self.def.client.clone(),
        }
    }
}

#[derive(Clone, Debug)]
struct CurrentToken {
    used: TokenUse,
    secret: Secret,
    /// When it is to be renewed.
    renew: Option<Instant>,
}

/// The age of a token that a request contains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenUse {
    /// Its name.
    pub name: String,
    /// When it was obtained.
    pub obtained: Instant,
    /// How long it is valid, if that is known.
    pub lifetime: Option<Duration>,
}

impl TokenUse {
    fn expires(&self) -> Option<Instant> {
        self.obtained.checked_add(self.lifetime?)
    }
}

impl Token {
    /// A token that has not been obtained yet.
    pub fn new(name: String, source: TokenSource) -> Self {
        Self {
            name,
            source,
            current: RwLock::default(),
        }
    }

    /// The value and its age, unless it is to be renewed.
    pub(crate) fn current(&self, now: Instant) -> Option<(Secret, TokenUse)> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        let current = current
            .as_ref()
            .filter(|current| current.renew.is_none_or(|at| now < at))?;
        Some((current.secret.clone(), current.used.clone()))
    }

    /// Sets the value. It is renewed at the end of its lifetime; one of a token endpoint, earlier by the smaller of 30 s and a
    /// tenth of its lifetime.
    pub(crate) fn set(&self, secret: Secret, obtained: Instant, lifetime: Option<Duration>) {
        let margin = |lifetime: Duration| match self.source {
            TokenSource::OAuth2(_) => MARGIN.min(lifetime / 10),
            TokenSource::Case(_) => Duration::ZERO,
        };
        let renew = lifetime.and_then(|lifetime| obtained.checked_add(lifetime.saturating_sub(margin(lifetime))));
        let renew = renew.map(|at| at.max(Instant::now() + MIN_USE));
        let used = TokenUse {
            name: self.name.clone(),
            obtained,
            lifetime,
        };
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        *current = Some(CurrentToken { used, secret, renew });
    }

    /// Sets a value that occurs nowhere else, for requests that are only shown.
    pub(crate) fn set_placeholder(&self) -> Secret {
        let secret = Secret::unique();
        self.set(secret.clone(), Instant::now(), None);
        secret
    }

    /// Keeps a token that could not be renewed for some more seconds, as long as it is valid; false if it is not.
    pub(crate) fn keep(&self, now: Instant) -> bool {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let Some(current) = current.as_mut() else { return false };
        let Some(end) = current.used.expires().filter(|end| now < *end) else {
            return false;
        };
        current.renew = Some(end.min(now + PAUSE));
        true
    }
}

/// Whether a request with these tokens must be made again, because one of them is to be renewed.
pub(crate) fn is_stale(tokens: &Tokens, used: &[TokenUse], now: Instant) -> bool {
    used.iter().any(|one| {
        let current = tokens.get(&one.name).and_then(|token| token.current(now));
        current.is_none_or(|(_, current)| current != *one)
    })
}

/// Reads a token whose fields are `oauth2`, or `case`, `capture` and `expires`; none if it has none of them.
pub(super) fn token(fields: &mut Fields<'_>, root: &Path, errors: &mut Diagnostics) -> Option<TokenDef> {
    let oauth2 = fields.take("oauth2");
    let case = fields.take("case");
    let capture = fields.take("capture");
    let expires = fields.take("expires");
    if let Some(node) = case {
        let text = |node: &Node, errors: &mut Diagnostics| Some((string(node, errors)?, node.span));
        let case = text(node, errors)?;
        let Some(capture) = capture else {
            let error = Diagnostic::new(
                node.span,
                "a login case needs `capture`, the name of the value that it captures",
            );
            errors.push(error.help("write `{ case = \"auth/login\", capture = \"access_token\" }`"));
            return None;
        };
        let capture = text(capture, errors)?;
        let expires = expires.and_then(|node| duration(node, errors));
        return Some(TokenDef::Case(LoginDef { case, capture, expires }));
    }
    for node in [capture, expires].into_iter().flatten() {
        errors.push(Diagnostic::new(node.span, "`capture` and `expires` go with `case`"));
    }
    self::oauth2(oauth2?, root, errors).map(TokenDef::OAuth2)
}

fn oauth2(node: &Node, root: &Path, errors: &mut Diagnostics) -> Option<OAuth2Def> {
    let mut fields = Fields::of(node, "an `oauth2` source", errors)?;
    let (token_url, issuer) = (fields.take("token_url"), fields.take("issuer"));
    let grant = fields.read("grant", errors, |node, errors| {
        one_of(node, "a grant", &Grant::NAMES, errors)
    });
    let auth = fields.read("auth", errors, |node, errors| {
        one_of(node, "a way to authenticate", &ClientAuth::NAMES, errors)
    });
    let id = fields.take("client_id");
    let client_id = id.and_then(|node| match &node.kind {
        Kind::Map(_) => source(node, root, errors).map(ClientId::Source),
        _ => string(node, errors).map(ClientId::Text),
    });
    let client_secret = fields.read("client_secret", errors, |node, errors| source(node, root, errors));
    let refresh = fields.take("refresh_token");
    let refresh_token = refresh.and_then(|node| source(node, root, errors));
    let scopes = fields.read("scopes", errors, |node, errors| list(node, errors, scope));
    let audience = fields.read("audience", errors, string);
    let given = fields.take("parameters");
    let parameters = entries(given, errors, string);
    let path = |name, fields: &mut Fields<'_>, errors: &mut Diagnostics| {
        fields.read(name, errors, string).map(|path: String| root.join(path))
    };
    let certificate = path("client_cert", &mut fields, errors);
    let key = path("client_key", &mut fields, errors);
    fields.finish(errors);
    if certificate.is_some() != key.is_some() {
        errors.push(Diagnostic::new(node.span, "`client_cert` and `client_key` go together"));
    }
    for (key, _) in &parameters {
        if let Some(own) = RESERVED.iter().find(|own| **own == &*key.text) {
            let error = Diagnostic::new(key.span, format!("`{own}` is not one of the further parameters"));
            errors.push(error.help("it has a key of its own in `oauth2`"));
        }
    }
    let grant = grant.unwrap_or(Grant::ClientCredentials);
    match (grant, refresh) {
        (Grant::RefreshToken, None) => {
            let error = Diagnostic::new(node.span, "the grant `refresh_token` needs a `refresh_token`");
            errors.push(error.help("write `refresh_token = { env = \"REFRESH_TOKEN\" }`"));
        }
        (Grant::ClientCredentials, Some(node)) => {
            let error = Diagnostic::new(node.span, "`refresh_token` goes with `grant = \"refresh_token\"`");
            errors.push(error);
        }
        _ => {}
    }
    if id.is_none() {
        errors.push(Diagnostic::new(node.span, "the `oauth2` source has no `client_id`"));
    }
    let endpoint = match (token_url, issuer) {
        (Some(node), None) => TokenEndpoint::Url(url(node, errors)?),
        (None, Some(node)) => TokenEndpoint::Issuer(url(node, errors)?),
        _ => {
            let error = Diagnostic::new(node.span, "an `oauth2` source has either a `token_url` or an `issuer`");
            errors.push(error);
            return None;
        }
    };
    let audience = audience.map(|audience| ("audience".to_owned(), audience));
    let parameters = parameters.into_iter().map(|(key, value)| (key.text.to_string(), value));
    Some(OAuth2Def {
        endpoint,
        grant,
        client_id: client_id?,
        client_secret,
        refresh_token,
        auth,
        scopes: scopes.unwrap_or_default(),
        parameters: audience.into_iter().chain(parameters).collect(),
        client: certificate.zip(key),
    })
}

/// The parameters of a token request that have keys of their own.
const RESERVED: [&str; 6] = [
    "grant_type",
    "client_id",
    "client_secret",
    "refresh_token",
    "scope",
    "audience",
];

/// A scope: printable ASCII without spaces, quotes and backslashes (RFC 6749 §3.3).
fn scope(node: &Node, errors: &mut Diagnostics) -> Option<String> {
    let text = string(node, errors)?;
    let is_scope = |b: u8| b.is_ascii_graphic() && b != b'"' && b != b'\\';
    if text.is_empty() || !text.bytes().all(is_scope) {
        let error = Diagnostic::new(node.span, format!("`{text}` is not a scope"));
        errors.push(error.help("write scopes as a list: `scopes = [\"orders.read\", \"orders.write\"]`"));
        return None;
    }
    Some(text)
}

/// An `http` or `https` URL without user and fragment. The error does not quote it, because it may contain a password.
fn url(node: &Node, errors: &mut Diagnostics) -> Option<Url> {
    let text = string(node, errors)?;
    let is_http = |url: &Url| ["http", "https"].contains(&url.scheme()) && url.has_host();
    let is_plain = |url: &Url| url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    match Url::parse(&text) {
        Ok(url) if is_http(&url) && is_plain(&url) => Some(url),
        Ok(url) if is_http(&url) => {
            errors.push(Diagnostic::general(
                "an `oauth2` source in conforme.toml: its URL has no user, no password and no fragment",
            ));
            None
        }
        _ => {
            errors.push(Diagnostic::new(node.span, "not an `http` or `https` URL"));
            None
        }
    }
}

fn one_of<T: Copy>(node: &Node, what: &str, names: &[(&'static str, T)], errors: &mut Diagnostics) -> Option<T> {
    let text = string(node, errors)?;
    if let Some((_, value)) = names.iter().find(|(name, _)| *name == text) {
        return Some(*value);
    }
    let known: Vec<_> = names.iter().map(|(name, _)| format!("`{name}`")).collect();
    let error = Diagnostic::new(
        node.span,
        format!("`{text}` is not {what}: it is one of {}", known.join(", ")),
    );
    errors.push(error.suggest(&text, names.iter().map(|(name, _)| *name)));
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(seconds: Option<u64>, source: TokenSource) -> (Token, Instant) {
        let (token, now) = (Token::new("token".to_owned(), source), Instant::now());
        let secret = Secret::new("secret-token".to_owned()).unwrap();
        token.set(secret, now, seconds.map(Duration::from_secs));
        (token, now)
    }

    fn oauth2() -> TokenSource {
        let def = OAuth2Def {
            endpoint: TokenEndpoint::Url(Url::parse("https://id.example.com/token").unwrap()),
            grant: Grant::ClientCredentials,
            client_id: ClientId::Text("tests".to_owned()),
            client_secret: None,
            refresh_token: None,
            auth: None,
            scopes: Vec::new(),
            parameters: Vec::new(),
            client: None,
        };
        TokenSource::OAuth2(Box::new(OAuth2::new(def, Vec::new())))
    }

    fn login() -> TokenSource {
        let text = |text: &str| (text.to_owned(), Span::default());
        TokenSource::Case(LoginDef {
            case: text("auth/login"),
            capture: text("access_token"),
            expires: None,
        })
    }

    #[test]
    fn token_is_renewed_before_its_end_by_the_smaller_margin() {
        for (lifetime, source, renewed) in [
            (3600, oauth2(), Some(3570)),
            (300, oauth2(), Some(270)),
            (100, oauth2(), Some(90)),
            (10, oauth2(), Some(9)),
            (840, login(), Some(840)),
        ] {
            let (token, now) = token(Some(lifetime), source);
            let at = |seconds| token.current(now + Duration::from_secs(seconds)).is_none();
            let first = (0..=lifetime).find(|seconds| at(*seconds));
            assert_eq!(first, renewed, "{lifetime}");
        }
        let (token, now) = token(None, oauth2());
        assert!(token.current(now + Duration::from_hours(1000)).is_some());
    }

    #[test]
    fn token_that_expires_before_it_is_used_is_used_once() {
        let (token, begun) = (Token::new("token".to_owned(), oauth2()), Instant::now());
        let requested = begun.checked_sub(Duration::from_secs(5)).unwrap();
        let secret = Secret::new("secret-token".to_owned()).unwrap();
        token.set(secret, requested, Some(Duration::from_secs(1)));
        assert!(token.current(begun).is_some() && token.current(begun + Duration::from_secs(1)).is_none());
    }

    #[test]
    fn token_that_cannot_be_renewed_is_kept_while_it_is_valid() {
        let (token, now) = token(Some(100), oauth2());
        let after = |seconds| now + Duration::from_secs(seconds);
        assert!(token.current(after(91)).is_none() && token.keep(after(91)));
        assert!(token.current(after(95)).is_some() && token.current(after(96)).is_none());
        assert!(token.keep(after(96)) && token.current(after(99)).is_some());
        assert!(token.current(after(100)).is_none() && !token.keep(after(100)));
    }

    #[test]
    fn requests_are_stale_when_their_token_was_replaced() {
        let (token, now) = token(None, oauth2());
        let (_, used) = token.current(now).unwrap();
        let tokens = Tokens::new([token]);
        assert!(!is_stale(&tokens, std::slice::from_ref(&used), now));
        let token = tokens.get("token").unwrap();
        let later = now + Duration::from_secs(1);
        token.set(Secret::new("another-token".to_owned()).unwrap(), later, None);
        assert!(is_stale(&tokens, &[used], later) && !is_stale(&tokens, &[], later));
    }
}
