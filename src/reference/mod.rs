//! The reference API: a small, real HTTP server which keeps the contract of `sendActivationEmail`
//! byte for byte. The shipped suite runs against it when no target is named, `conforme
//! serve` starts it, and the benchmarks use it. Its users are data (a [`Seed`]), the
//! time is an argument (a [`Clock`]), and this module does not depend on suites, cases or checks.
//! Each activation is recorded as an [`Activation`]; its e-mail is sent by SMTP if there is a mail server.

mod activation;
mod api;
mod directory;
mod guid;
mod mail;
mod refusal;
mod seed;
mod seed_check;
mod seed_document;
mod seed_error;
mod server;
#[cfg(test)]
mod tests;
mod timestamp;

pub use activation::{ACTIVATIONS_KEPT, Activation};
pub use api::{ACTIVATIONS_PATH, Api};
pub use guid::Guid;
pub use mail::MailerError;
pub use seed::{Fixtures, Seed};
pub use seed_error::{SeedError, SeedFault};
pub use server::{STOP_GRACE, Server, StopHandle};
pub use timestamp::{Clock, Timestamp, system_clock};
