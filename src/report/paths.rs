//! Paths of a project in its repository.

/// A path of the project, relative to the repository.
pub(super) fn in_repository(folder: Option<&str>, file: &str) -> String {
    match folder {
        Some(folder) if !is_absolute(file) => format!("{folder}/{file}"),
        _ => file.to_owned(),
    }
}

/// Whether a path is absolute, on any system.
pub(super) fn is_absolute(file: &str) -> bool {
    file.starts_with('/') || file.get(1..3) == Some(":/")
}
