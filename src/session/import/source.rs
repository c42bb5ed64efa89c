//! Sources of an import: a file, a URL, or standard input.

use std::{
    collections::BTreeMap,
    io::{self, Read as _},
    path::Path,
    time::Duration,
};

use reqwest::{Client, redirect::Policy};

use crate::{
    http::tls_config,
    import::{ImportError, SuiteDraft},
    model::Exit,
    project::TlsFiles,
    session::{SessionError, prepared::runtime},
    source::{FileKind, read_file},
    text::causes,
};

/// Maximum time for a URL.
const TIMEOUT: Duration = Duration::from_mins(1);

/// A format that is read from a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SourceFormat {
    /// HTTP archives (HAR 1.2).
    Har,
    /// Collections of Postman (v2.0 and v2.1).
    Postman,
    /// Files of Hurl.
    Hurl,
    /// `.http` files of VS Code and `JetBrains`.
    Http,
}

/// Reads the folder of a collection of Bruno, or its `bruno.json`. `environment` is the name of one of its environments.
pub fn draft_of_bruno(source: &Path, environment: Option<&str>) -> Result<SuiteDraft, SessionError> {
    let is_settings = source.file_name().is_some_and(|name| name == "bruno.json");
    let folder = if is_settings {
        source.parent().unwrap_or(Path::new(""))
    } else {
        source
    };
    let error = |message: String| SessionError::Advised {
        message: format!("failed to read `{}`: {message}", source.display()),
        help: "pass the folder of a collection of Bruno, which contains `bruno.json`".to_owned(),
        exit: Exit::Usage,
    };
    let root = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    if !root.is_dir() {
        return Err(error("it is not a folder".to_owned()));
    }
    if !root.join("bruno.json").is_file() && root.join("opencollection.yml").is_file() {
        return Err(error(
            "it is a collection in YAML: convert it to files with the extension `.bru` in Bruno".to_owned(),
        ));
    }
    let mut files = BTreeMap::new();
    let mut folders = vec![(String::new(), 0)];
    while let Some((path, depth)) = folders.pop() {
        let entries = root
            .join(&path)
            .read_dir()
            .map_err(|reason| error(reason.to_string()))?;
        for entry in entries {
            let entry = entry.map_err(|reason| error(reason.to_string()))?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let kind = entry.file_type().map_err(|reason| error(reason.to_string()))?;
            let below = format!("{path}{name}");
            if kind.is_dir() && depth < BRUNO_DEPTH && name != "node_modules" && name != ".git" {
                folders.push((format!("{below}/"), depth + 1));
            } else if kind.is_file() && (is_bru(&name) || below == "bruno.json") {
                let bytes = read(&root.join(&below).to_string_lossy())?;
                files.insert(below, bytes);
            }
            if files.len() > BRUNO_FILES {
                return Err(error(format!("it contains more than {BRUNO_FILES} files")));
            }
        }
    }
    let near = |name: &str| read_file(&root.join(name), FileKind::Body);
    let shown = source.display().to_string();
    crate::import::bruno(files, environment, &near).map_err(|error| {
        let file = error.file.as_ref().map(|file| root.join(file).display().to_string());
        located(ImportError { file, ..error }, &shown)
    })
}

fn is_bru(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "bru")
}

/// Maximum depth of the folders of a collection.
const BRUNO_DEPTH: usize = 32;
/// Maximum number of the files of a collection.
const BRUNO_FILES: usize = 10_000;

/// Reads a source: a path, a URL, or `-` for standard input. `environments` are files with values of its variables (Postman),
/// or the name of an environment in the files next to it (HTTP files).
pub fn draft_of(format: SourceFormat, source: &str, environments: &[String]) -> Result<SuiteDraft, SessionError> {
    let bytes = read(source)?;
    // Files that the source names are relative to it.
    let folder = match source {
        "-" => Path::new(""),
        path => Path::new(path).parent().unwrap_or(Path::new("")),
    };
    let is_local = source != "-" && !is_url(source);
    let near = |name: &str| {
        if !is_local {
            return Err("only a file has other files next to it".to_owned());
        }
        read_file(&folder.join(name), FileKind::Body)
    };
    let draft = match format {
        SourceFormat::Har => crate::import::har(bytes, &near),
        SourceFormat::Hurl => crate::import::hurl(bytes, &near),
        SourceFormat::Http => {
            let files = if is_local {
                http_environments(folder)?
            } else {
                Vec::new()
            };
            crate::import::http(bytes, files, environments.last().map(String::as_str), &near)
        }
        SourceFormat::Postman => {
            let files = environments.iter().map(|source| Ok((shown(source), read(source)?)));
            crate::import::postman(bytes, files.collect::<Result<_, SessionError>>()?, &near)
        }
    };
    draft.map_err(|error| located(error, &shown(source)))
}

/// The files of environments next to an HTTP file, or in the nearest folder above it that has one, up to the working directory.
fn http_environments(folder: &Path) -> Result<Vec<(String, Vec<u8>)>, SessionError> {
    const NAMES: [&str; 2] = ["http-client.env.json", "http-client.private.env.json"];
    let mut folders = folder
        .ancestors()
        .take(if folder.is_absolute() { 1 } else { usize::MAX });
    let found = folders.find(|folder| NAMES.iter().any(|name| folder.join(name).is_file()));
    let files = found.into_iter().flat_map(|folder| NAMES.map(|name| folder.join(name)));
    let files = files.filter(|path| path.is_file()).map(|path| {
        let path = path.to_string_lossy().into_owned();
        Ok((path.clone(), read(&path)?))
    });
    files.collect()
}

/// The source in messages: a URL without its query and user, which can be credentials.
pub(super) fn shown(source: &str) -> String {
    if source == "-" {
        return "standard input".to_owned();
    }
    match url::Url::parse(source) {
        Ok(mut url) if is_url(source) => {
            url.set_query(None);
            url.set_fragment(None);
            // A URL with a host can have a user.
            let _ = url.set_username("").and_then(|()| url.set_password(None));
            url.to_string()
        }
        _ => source.to_owned(),
    }
}

pub(super) fn located(error: ImportError, source: &str) -> SessionError {
    let at = error.at.map(|(line, column)| format!(":{line}:{column}"));
    let source = error.file.as_deref().unwrap_or(source);
    SessionError::Advised {
        message: format!("{source}{}: {}", at.unwrap_or_default(), error.message),
        help: error.help,
        exit: Exit::Usage,
    }
}

pub(super) fn is_url(source: &str) -> bool {
    let lower = source.get(..8).unwrap_or(source).to_ascii_lowercase();
    lower.starts_with("http://") || lower.starts_with("https://")
}

pub(super) fn read(source: &str) -> Result<Vec<u8>, SessionError> {
    let help = match source {
        "-" => "pass the source on standard input",
        _ if is_url(source) => "download the file, and pass its path",
        _ => "pass the path of a file, a URL, or `-` for standard input",
    };
    let bytes = match source {
        "-" => standard_input(),
        _ if is_url(source) => fetch(source)?,
        path => read_file(Path::new(path), FileKind::Import),
    };
    bytes.map_err(|reason| SessionError::Advised {
        message: format!("failed to read `{}`: {reason}", shown(source)),
        help: help.to_owned(),
        exit: Exit::Usage,
    })
}

/// The bytes of standard input.
pub fn standard_input() -> Result<Vec<u8>, String> {
    let most = FileKind::Import.max_bytes();
    let mut bytes = Vec::new();
    let read = io::stdin().lock().take(most + 1).read_to_end(&mut bytes);
    match read {
        Ok(read) if read as u64 > most => Err(format!("it is larger than {most} bytes")),
        Ok(_) => Ok(bytes),
        Err(error) => Err(error.to_string()),
    }
}

/// The content of a URL. Redirects are not followed.
fn fetch(url: &str) -> Result<Result<Vec<u8>, String>, SessionError> {
    Ok(runtime()?.block_on(async {
        let tls = tls_config(&TlsFiles::default()).map_err(|error| error.to_string())?;
        let client = Client::builder()
            .tls_backend_preconfigured((*tls).clone())
            .user_agent(concat!("conforme/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .referer(false)
            .http1_only()
            .timeout(TIMEOUT)
            .build()
            .map_err(reason)?;
        let mut response = client.get(url).send().await.map_err(reason)?;
        let status = response.status();
        if status.is_redirection() {
            return Err(format!("the status is {status}: redirects are not followed"));
        }
        if !status.is_success() {
            return Err(format!("the status is {status}"));
        }
        let most = FileKind::Import.max_bytes();
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(reason)? {
            if (bytes.len() + chunk.len()) as u64 > most {
                return Err(format!("it is larger than {most} bytes"));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }))
}

/// Why there is no response, without the URL.
fn reason(error: reqwest::Error) -> String {
    causes(&error.without_url())
}
