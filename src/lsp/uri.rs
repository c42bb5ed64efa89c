//! `file:` URIs of the protocol and paths.

use std::path::{Path, PathBuf};

use url::Url;

/// The path of a `file:` URI, with the links of its folders resolved; the file itself need not exist.
pub(super) fn path_of(uri: &str) -> Option<PathBuf> {
    let url = Url::parse(uri).ok().filter(|url| url.scheme() == "file")?;
    Some(resolved(&url.to_file_path().ok()?))
}

/// The `file:` URI of an absolute path.
pub(super) fn uri_of(path: &Path) -> Option<String> {
    Url::from_file_path(path).ok().map(String::from)
}

/// A path with the links of its folders resolved, as far as they exist.
fn resolved(path: &Path) -> PathBuf {
    let Some((folder, name)) = path.parent().zip(path.file_name()) else {
        return path.to_owned();
    };
    match folder.canonicalize() {
        Ok(folder) => folder.join(name),
        Err(_) => resolved(folder).join(name),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn uri_is_read_with_escapes_and_links() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().canonicalize().unwrap();
        std::fs::create_dir(real.join("ä b")).unwrap();
        std::os::unix::fs::symlink("ä b", real.join("link")).unwrap();
        let uri = |name: &str| format!("file://{}/{name}", real.display());
        let path = Some(real.join("ä b/x#.yaml"));
        assert_eq!(path_of(&uri("%C3%A4%20b/x%23.yaml")), path);
        assert_eq!(path_of(&uri("link/x%23.yaml")), path);
        assert_eq!(path_of(&uri("none/deep/x.yaml")), Some(real.join("none/deep/x.yaml")));
        assert_eq!(path.as_deref().and_then(uri_of).as_deref().and_then(path_of), path);
        for other in ["untitled:Untitled-1", "https://h/x", "", "file://host/x", "%"] {
            assert_eq!(path_of(other), None, "{other}");
        }
    }
}
