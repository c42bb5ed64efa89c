//! Documents that people write (YAML and TOML), read with the location of every value.
//!
//! Both formats become one tree of [`Node`]s. `Fields` takes a mapping apart and reports every unknown key, and all
//! errors go into one [`Diagnostics`] list, so that a file with five errors shows five. This module does not depend on
//! cases or targets.

mod credentials;
mod diagnostic;
mod digest;
mod fields;
mod file;
mod node;
mod overlay;
mod span;
mod suggest;
mod toml;
mod yaml;
mod yaml_subset;

pub(crate) use credentials::without_credentials;
pub use diagnostic::{Diagnostic, Diagnostics};
pub(crate) use digest::Digester;
pub(crate) use fields::{Fields, boolean, duration, integer, list, parse_duration, string};
pub(crate) use file::{
    FileKind, check_folder, is_below, is_taken, lexical, open_file, read_file, read_file_in, read_text,
};
pub use node::{Key, Kind, Node};
pub use overlay::Overlay;
pub use span::{FileId, Sources, Span};

use crate::model::Location;
pub(crate) use suggest::nearest;
pub(crate) use toml::parse_toml;
pub(crate) use yaml::{parse_foreign_yaml, parse_yaml};
