//! The reference API: a small, real HTTP server which keeps the contract of `sendActivationEmail`
//! to the byte. It is what the shipped suite runs against when no target is named, what `conforme
//! serve` starts, and what the benchmarks fire at. Who exists in it is data (a [`Seed`]), the
//! moment is an argument (a [`Clock`]), and nothing in this room knows of suites, cases or checks:
//! it stands on the other side of the wire. No e-mail is ever sent; what would have been sent is
//! remembered as an [`Activation`].

mod activation;
mod api;
mod directory;
mod guid;
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
pub use seed::{Fixtures, Seed};
pub use seed_error::{SeedError, SeedFault};
pub use server::{STOP_GRACE, Server, StopHandle};
pub use timestamp::{Clock, Timestamp, system_clock};
