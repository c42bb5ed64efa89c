//! A language server: `validate` while a project is edited, and help with writing it.
//!
//! [`serve`] speaks the Language Server Protocol on standard input and output. Unsaved text enters as an
//! [`Overlay`](crate::source::Overlay) of the files on disk, so that everything is read as `validate` reads it. A project is read again
//! in a thread of its own, a moment after the last change; requests are answered from the text as it is now and the project as
//! it was read last.

mod actions;
mod completion;
mod cursor;
mod diagnostics;
mod hover;
mod insert;
mod jobs;
mod keys;
mod position;
mod project;
mod protocol;
mod role;
mod scope;
mod server;
mod uri;
mod view;

pub(crate) use server::serve;
