//! Access tokens of token endpoints (OAuth 2.0, RFC 6749), found by the metadata of an issuer if need be.
//!
//! The API under test sees none of these requests. They follow no redirects, and their responses are bounded.

mod error;
mod metadata;
mod response;

use std::{
    cell::RefCell,
    time::{Duration, Instant},
};

pub use error::TokenError;
use metadata::Metadata;
use oauth2::{
    AuthType, Client, ClientId, ClientSecret, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, RefreshToken,
    RequestTokenError, Scope, TokenUrl,
    basic::{BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse},
};
use reqwest::redirect::Policy;
use response::TokenResponse;
use rustls::ClientConfig;
use tokio::sync::Mutex;
use url::Url;

use crate::{
    project::{BaseUrl, ClientAuth, Grant, OAuth2, Secret, TokenEndpoint},
    text::causes,
};

/// Maximum size of a response in bytes.
const MAX_BODY: usize = 1 << 20;

/// A client of a token endpoint for one token.
pub struct TokenClient {
    oauth2: OAuth2,
    http: reqwest::Client,
    timeout: Duration,
    state: Mutex<ClientState>,
}

/// What changes between two requests.
#[derive(Default)]
struct ClientState {
    metadata: Option<Metadata>,
    /// A refresh token that has replaced the first one.
    refresh_token: Option<Secret>,
}

/// A token and when it was requested.
pub struct ObtainedToken {
    /// The token.
    pub secret: Secret,
    /// When it was requested: it is valid from a later moment on.
    pub requested: Instant,
    /// How long it is valid.
    pub lifetime: Option<Duration>,
    /// Further secrets of the response, such as a refresh token.
    pub others: Vec<Secret>,
}

type OAuthClient = Client<
    BasicErrorResponse,
    TokenResponse,
    BasicTokenIntrospectionResponse,
    oauth2::StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// Sends a request.
type Send<'s> = dyn Fn(HttpRequest) -> Result<HttpResponse, TokenError> + 's;

type ExchangeResult = Result<TokenResponse, RequestTokenError<TokenError, BasicErrorResponse>>;

impl TokenClient {
    /// A client with this configuration for TLS. Proxies of the environment apply to endpoints that are not on loopback, if
    /// `use_proxy`. The error is a fragment that fits after "token: ".
    pub fn new(oauth2: OAuth2, tls: ClientConfig, use_proxy: bool, timeout: Duration) -> Result<Self, String> {
        let (TokenEndpoint::Url(url) | TokenEndpoint::Issuer(url)) = &oauth2.def.endpoint;
        let mut http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(Policy::none())
            .referer(false)
            .http1_only()
            .user_agent(concat!("conforme/", env!("CARGO_PKG_VERSION")));
        let origin = BaseUrl::parse(&url.origin().ascii_serialization());
        if !use_proxy || origin.is_ok_and(|origin| origin.is_loopback()) {
            http = http.no_proxy();
        }
        Ok(Self {
            oauth2,
            http: http.build().map_err(|error| causes(&error))?,
            timeout,
            state: Mutex::default(),
        })
    }

    /// Requests a token.
    pub async fn obtain(&self) -> Result<ObtainedToken, TokenError> {
        let mut state = self.state.lock().await;
        let (url, auth) = match &self.oauth2.def.endpoint {
            TokenEndpoint::Url(url) => (url.clone(), self.oauth2.def.auth),
            TokenEndpoint::Issuer(issuer) => {
                let metadata = match state.metadata.take() {
                    Some(known) => known,
                    None => self.metadata(issuer).await?,
                };
                let auth = match self.oauth2.def.auth {
                    None => Some(metadata.auth(self.oauth2.secret("client_secret").is_some())?),
                    given => given,
                };
                let url = metadata.token_endpoint.clone();
                state.metadata = Some(metadata);
                (url, auth)
            }
        };
        let requested = Instant::now();
        let refresh_token = match &state.refresh_token {
            Some(rotated) => rotated.expose().to_owned(),
            None => self.oauth2.secret("refresh_token").unwrap_or_default().to_owned(),
        };
        let response = self
            .request(url.clone(), auth.unwrap_or(ClientAuth::Basic), &refresh_token)
            .await?;
        let obtained = response.into_token(&url, requested)?;
        if let (Grant::RefreshToken, Some(new)) = (self.oauth2.def.grant, &obtained.1) {
            state.refresh_token = Some(new.clone());
        }
        Ok(obtained.0)
    }

    async fn request(&self, url: Url, auth: ClientAuth, refresh_token: &str) -> Result<TokenResponse, TokenError> {
        let request = self.token_request(&url, auth, refresh_token)?;
        let response = self.send(request).await?;
        let status = response.status().as_u16();
        let received = self.exchange(&url, auth, refresh_token, &|_| Ok(response.clone()));
        received.map_err(|error| match error {
            RequestTokenError::Request(error) => error,
            RequestTokenError::ServerResponse(response) => TokenError::refused(&url, status, &response),
            RequestTokenError::Parse(_, body) => TokenError::unreadable(&url, status, &body),
            RequestTokenError::Other(_) => TokenError::unreadable(&url, status, &[]),
        })
    }

    /// The request for a token. The library sends through a function. It is called twice, because the future of an asynchronous
    /// one is not `Send`: the first function takes the request, the second one gives the response.
    fn token_request(&self, url: &Url, auth: ClientAuth, refresh_token: &str) -> Result<HttpRequest, TokenError> {
        let made = RefCell::new(None);
        let take = |request: HttpRequest| {
            made.replace(Some(request));
            Err(TokenError::general("the request was not sent"))
        };
        let unsent = self.exchange(url, auth, refresh_token, &take);
        let reason = || unsent.err().map(|error| error.to_string()).unwrap_or_default();
        made.take().ok_or_else(|| TokenError::general(&reason()))
    }

    fn exchange(&self, url: &Url, auth: ClientAuth, refresh_token: &str, send: &Send<'_>) -> ExchangeResult {
        let def = &self.oauth2.def;
        let client: OAuthClient = Client::new(ClientId::new(self.oauth2.client_id().to_owned()))
            .set_token_uri(TokenUrl::from_url(url.clone()))
            .set_auth_type(match auth {
                ClientAuth::Basic => AuthType::BasicAuth,
                ClientAuth::Post => AuthType::RequestBody,
            });
        let client = match self.oauth2.secret("client_secret") {
            Some(secret) => client.set_client_secret(ClientSecret::new(secret.to_owned())),
            None => client,
        };
        let scopes = def.scopes.iter().cloned().map(Scope::new);
        match def.grant {
            Grant::ClientCredentials => {
                let mut request = client.exchange_client_credentials().add_scopes(scopes);
                for (name, value) in &def.parameters {
                    request = request.add_extra_param(name, value);
                }
                request.request(&send)
            }
            Grant::RefreshToken => {
                let refresh_token = RefreshToken::new(refresh_token.to_owned());
                let mut request = client.exchange_refresh_token(&refresh_token).add_scopes(scopes);
                for (name, value) in &def.parameters {
                    request = request.add_extra_param(name, value);
                }
                request.request(&send)
            }
        }
    }

    /// The metadata of an issuer.
    async fn metadata(&self, issuer: &Url) -> Result<Metadata, TokenError> {
        let mut first = None;
        for url in metadata::urls(issuer) {
            let request = http::Request::get(url.as_str()).header("accept", "application/json");
            let request = request
                .body(Vec::new())
                .map_err(|error| TokenError::lasting(&url, &error.to_string()))?;
            let response = self.send(request).await?;
            if response.status().is_success() {
                return Metadata::read(issuer, &url, response.body());
            }
            let status = response.status().as_u16();
            first.get_or_insert_with(|| TokenError::unreadable(&url, status, response.body()));
        }
        Err(first.unwrap_or_else(|| TokenError::lasting(issuer, "it has no metadata")))
    }

    /// Sends a request, and reads its response completely.
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TokenError> {
        let (parts, body) = request.into_parts();
        let url = Url::parse(&parts.uri.to_string()).map_err(|error| TokenError::general(&error.to_string()))?;
        let request = self
            .http
            .request(parts.method, url.clone())
            .headers(parts.headers)
            .body(body);
        let exchange = async {
            let mut response = request.send().await.map_err(|error| TokenError::failed(&url, error))?;
            let mut body = Vec::new();
            while let Some(chunk) = response
                .chunk()
                .await
                .map_err(|error| TokenError::failed(&url, error))?
            {
                if body.len() + chunk.len() > MAX_BODY {
                    return Err(TokenError::lasting(
                        &url,
                        &format!("the response is longer than {MAX_BODY} bytes"),
                    ));
                }
                body.extend_from_slice(&chunk);
            }
            // The caller distinguishes success and failure only.
            let is_success = response.status().is_success();
            let mut read = HttpResponse::new(body);
            *read.status_mut() = if is_success {
                http::StatusCode::OK
            } else {
                response.status()
            };
            Ok(read)
        };
        match tokio::time::timeout(self.timeout, exchange).await {
            Ok(result) => result,
            Err(_) => Err(TokenError::late(&url, self.timeout)),
        }
    }
}
