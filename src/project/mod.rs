//! A project: where its suites, schemas and snapshots are, and the targets that `conforme.toml` names.
//!
//! [`Project::open`] reads the file; [`Target::resolve`] turns a name or URL, the flags and the environment into one
//! [`Target`], secrets fetched. After that nothing reads the environment again.

mod command;
mod config;
mod endpoint;
mod environment;
mod fetch;
mod login;
mod rate_limit;
mod secret;
mod sigv4;
mod target;
mod token;
mod variables;

pub use config::{IdentityFiles, NO_IDENTITY, Project, SecretSource, TargetDef};
pub use endpoint::{Endpoint, EndpointDef, MAILBOX_KINDS};
pub use environment::Environment;
pub(crate) use login::HeaderVariables;
pub use rate_limit::{Rate, RateLimit};
pub use secret::{FetchError, SECRET_PREFIX, Secret, SecretError, known_secrets};
pub use sigv4::SigV4;
pub use target::{BaseUrl, KnownSecrets, Limits, MaskSecrets, RUN_ID, Retry, Target, TargetOptions, TlsFiles};
pub(crate) use target::{DEFAULT_TIMEOUT, filtered_mark};
pub(crate) use token::is_stale;
pub use token::{
    ClientAuth, ClientId, Grant, LoginDef, OAuth2, OAuth2Def, Token, TokenDef, TokenEndpoint, TokenSource, TokenUse,
    Tokens,
};

pub(crate) use target::shown_address;
