//! The tokens of token endpoints that a run uses: each is requested once for all workers, and renewed by time.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::Mutex;

use crate::{
    http::{TlsError, tls_config},
    mask::Masker,
    oauth::{TokenClient, TokenError},
    plan::Plan,
    project::{HeaderVariables, Token, TokenSource},
    suite::Case,
};

/// How long an endpoint that was not reachable is not asked again.
const PAUSE: Duration = Duration::from_secs(10);
/// Maximum length of a reason in bytes: each case that needs the token has it.
const MAX_REASON: usize = 2000;

/// The clients of the token endpoints of a target.
pub struct TokenFetcher {
    clients: BTreeMap<String, TokenSlot>,
    masker: Arc<Masker>,
}

struct TokenSlot {
    client: TokenClient,
    /// The last failure, if no request succeeded after it.
    failure: Mutex<Option<FetchFailure>>,
}

#[derive(Clone)]
struct FetchFailure {
    at: Instant,
    reason: String,
    is_temporary: bool,
}

impl FetchFailure {
    fn new(name: &str, error: &TokenError, masker: &Masker) -> Self {
        // What is cut off is not recognized as a secret, so everything is masked before.
        let reason = format!("the token `{name}` was not obtained: {error}");
        let mut reason = masker.text(&reason);
        if reason.len() > MAX_REASON {
            reason.truncate(reason.floor_char_boundary(MAX_REASON));
            reason.push('…');
        }
        Self {
            at: Instant::now(),
            reason,
            is_temporary: error.is_temporary,
        }
    }

    /// Whether the endpoint is not asked again.
    fn counts(&self) -> bool {
        !self.is_temporary || self.at.elapsed() < PAUSE
    }
}

impl TokenFetcher {
    /// Clients for the tokens that the cases of a plan use, and its readiness check.
    pub fn new(
        plan: &Plan,
        ready: Option<&Case>,
        masker: &Arc<Masker>,
        use_proxy: bool,
    ) -> Result<Self, TokenSetupError> {
        let target = &plan.target;
        let fields = HeaderVariables::of(target);
        let mut clients = BTreeMap::new();
        for token in target.tokens.iter() {
            let TokenSource::OAuth2(oauth2) = &token.source else {
                continue;
            };
            let is_used_before = ready.is_some_and(|case| fields.are_used_in(case, &token.name));
            if !is_used_before && !plan.uses_token(&token.name) {
                continue;
            }
            let of_token = |reason: String| TokenSetupError {
                name: token.name.clone(),
                reason,
            };
            let tls = tls_config(&oauth2.tls(&target.tls)).map_err(|error: TlsError| of_token(error.to_string()))?;
            let tls = Arc::unwrap_or_clone(tls);
            let client =
                TokenClient::new((**oauth2).clone(), tls, use_proxy, target.limits.timeout).map_err(of_token)?;
            let failure = Mutex::default();
            clients.insert(token.name.clone(), TokenSlot { client, failure });
        }
        Ok(Self {
            clients,
            masker: Arc::clone(masker),
        })
    }

    /// Obtains or renews a token, unless that has been done. The error is why there is none. A token that cannot be renewed is
    /// used while it is valid.
    pub(super) async fn obtain(&self, token: &Token) -> Result<(), String> {
        let Some(endpoint) = self.clients.get(&token.name) else {
            return Err(format!(
                "internal error: the token `{}` was not planned (please report)",
                token.name
            ));
        };
        let mut failure = endpoint.failure.lock().await;
        if token.current(Instant::now()).is_some() {
            return Ok(());
        }
        if let Some(known) = failure.as_ref().filter(|known| known.counts()) {
            let reason = known.reason.clone();
            return token.keep(Instant::now()).then_some(()).ok_or(reason);
        }
        match endpoint.client.obtain().await {
            Ok(obtained) => {
                self.masker.learn(&token.name, &obtained.secret);
                for other in &obtained.others {
                    self.masker.learn(&format!("{}_refresh_token", token.name), other);
                }
                *failure = None;
                token.set(obtained.secret, obtained.requested, obtained.lifetime);
                Ok(())
            }
            Err(error) => {
                let new = FetchFailure::new(&token.name, &error, &self.masker);
                let reason = new.reason.clone();
                *failure = Some(new);
                token.keep(Instant::now()).then_some(()).ok_or(reason)
            }
        }
    }

    /// Obtains all tokens before the first case. The error is why an endpoint is not available; a later attempt asks it again.
    pub(super) async fn prepare(&self, plan: &Plan) -> Result<(), String> {
        for (name, endpoint) in &self.clients {
            let Some(token) = plan.target.tokens.get(name) else {
                continue;
            };
            let mut failure = endpoint.failure.lock().await;
            failure.take_if(|failure| failure.is_temporary);
            drop(failure);
            let obtained = self.obtain(token).await;
            let failure = endpoint.failure.lock().await;
            if let (Err(reason), Some(true)) = (obtained, failure.as_ref().map(|failure| failure.is_temporary)) {
                return Err(reason);
            }
        }
        Ok(())
    }
}

/// Why tokens of a target cannot be requested.
#[derive(Debug, thiserror::Error)]
#[error("token `{name}`: {reason}")]
pub struct TokenSetupError {
    name: String,
    reason: String,
}
