//! The README and the pages of `docs`: their links, their generated tables, and every command and block in them.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helper functions too"
)]
#![expect(clippy::format_collect, clippy::format_push_string, reason = "the texts are short")]

mod blocks;
mod change_examples;
mod check_examples;
mod commands;
mod configuration;
mod generated;
mod links;
mod page;
mod repository;
mod server;
mod transcripts;
