//! The operation: the response to each request, and the order of rejections if several
//! apply.

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use percent_encoding::percent_decode_str;

use super::activation::{Activation, ActivationLog};
use super::directory::{Directory, TokenState};
use super::guid::Guid;
use super::mail::{Mailer, MailerError};
use super::refusal::{Refusal, json};
use super::seed::Seed;
use super::timestamp::{Clock, Timestamp};

/// Where the activations so far can be read, as a JSON array with the oldest first. The path is nott
/// part of the contract and is outside the prefix.
pub const ACTIVATIONS_PATH: &str = "/_reference/activations";

/// How many activations there were, also those no longer in the array.
const TOTAL_COUNT: HeaderName = HeaderName::from_static("x-total-count");

/// The reference API without a socket: a seed, a clock, and the activations.
pub struct Api {
    prefix: String,
    directory: Arc<Directory>,
    clock: Clock,
    activations: ActivationLog,
    mailer: OnceLock<Mailer>,
}

impl Api {
    /// An API without activations.
    #[must_use]
    pub fn new(seed: &Seed, clock: Clock) -> Self {
        Self {
            prefix: seed.prefix().to_owned(),
            directory: seed.directory(),
            clock,
            activations: ActivationLog::default(),
            mailer: OnceLock::new(),
        }
    }

    /// Sends the e-mails of later activations to a mail server, unless there is one already. With `is_tested`, a server that
    /// does not respond is an error.
    ///
    /// # Errors
    /// If the URL is not `smtp://HOST:PORT`, or no thread can be started.
    pub fn send_mail_to(&self, url: &str, is_tested: bool) -> Result<(), MailerError> {
        let mailer = Mailer::start(url, is_tested)?;
        // A second one is dropped.
        let _ = self.mailer.set(mailer);
        Ok(())
    }

    /// The API as a service for other servers. The activations are shared with `self`.
    ///
    /// There is one handler for every path: routing by pattern would respond by itself if a
    /// segment is empty or is not UTF-8, and the contract defines responses for both.
    pub fn router(self: Arc<Self>) -> Router {
        async fn handle(State(api): State<Arc<Api>>, request: Request) -> Response {
            api.respond(request.method(), request.uri().path(), request.headers())
        }
        Router::new().fallback(handle).with_state(self)
    }

    /// The newest activations, at most [`super::ACTIVATIONS_KEPT`], oldest first.
    #[must_use]
    pub fn activations(&self) -> Vec<Activation> {
        self.activations.snapshot().0
    }

    /// How many activations there were, those no longer kept included.
    #[must_use]
    pub fn activation_count(&self) -> u64 {
        self.activations.total()
    }

    /// Responds to one request, whose `path` is percent-encoded.
    fn respond(&self, method: &Method, path: &str, headers: &HeaderMap) -> Response {
        let outcome = if path == ACTIVATIONS_PATH {
            self.list_activations(method)
        } else if let Some((tenant, user)) = self.operation(path) {
            self.send_activation_email(method, headers, tenant, user)
        } else {
            Err(Refusal::NotFound)
        };
        outcome.unwrap_or_else(|refusal| refusal.into_dated_response(self.now()))
    }

    /// The tenant and the user segment, as sent, if `path` is that of the operation. Either may be
    /// empty.
    fn operation<'p>(&self, path: &'p str) -> Option<(&'p str, &'p str)> {
        path.strip_prefix(self.prefix.as_str())?
            .strip_prefix("/v1.0/customers/")?
            .strip_suffix("/sendActivationEmail")?
            .split_once("/users/")
            .filter(|(tenant, user)| !tenant.contains('/') && !user.contains('/'))
    }

    /// The contract does not define the order of rejections; here it is the order of the lines below.
    fn send_activation_email<'p>(
        &self,
        method: &Method,
        headers: &HeaderMap,
        tenant: &'p str,
        user: &str,
    ) -> Result<Response, Refusal<'p>> {
        if method != Method::POST {
            return Err(Refusal::MethodNotAllowed { allow: "POST" });
        }
        if bearer_token(headers).and_then(|token| self.directory.token(token)) != Some(TokenState::Valid) {
            return Err(Refusal::Unauthorized);
        }
        // Bytes that are not UTF-8 become U+FFFD, which no identifier contains.
        let tenant = percent_decode_str(tenant).decode_utf8_lossy();
        let Some(tenant) = Guid::parse(&tenant) else {
            return Err(Refusal::MalformedTenant(tenant));
        };
        if !self.directory.has_customer(tenant) {
            return Err(Refusal::NotFound);
        }
        let id = Guid::parse(&percent_decode_str(user).decode_utf8_lossy()).ok_or(Refusal::NotFound)?;
        let user = self.directory.user_of(tenant, id).ok_or(Refusal::NotFound)?;
        if user.primary_tenant != tenant {
            return Err(Refusal::NotPrimary);
        }
        let activation = Activation {
            tenant,
            user: id,
            email: Arc::clone(&user.email),
            at: self.now(),
        };
        self.activations.record(activation.clone());
        if let Some(mailer) = self.mailer.get() {
            mailer.send(activation);
        }
        Ok(StatusCode::NO_CONTENT.into_response())
    }

    fn list_activations(&self, method: &Method) -> Result<Response, Refusal<'static>> {
        if method != Method::GET && method != Method::HEAD {
            return Err(Refusal::MethodNotAllowed { allow: "GET, HEAD" });
        }
        let (activations, total) = self.activations.snapshot();
        Ok((
            [(TOTAL_COUNT, HeaderValue::from(total))],
            json(StatusCode::OK, &activations),
        )
            .into_response())
    }

    fn now(&self) -> Timestamp {
        Timestamp((self.clock)())
    }
}

/// The token of the one `Authorization` field. The scheme is compared without case (RFC 9110,
/// section 11.1), the token byte by byte (RFC 6750, section 2.1). Two such fields count as
/// none: the field is not a list.
fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let mut fields = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(field), None) = (fields.next(), fields.next()) else {
        return None;
    };
    let (scheme, token) = field.to_str().ok()?.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("Bearer")
        .then(|| token.trim_start_matches(' '))
}
