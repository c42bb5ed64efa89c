//! Environments of the HTTP Client: `http-client.env.json`, and `http-client.private.env.json`, whose values are secrets.

use serde_json::{Map, Value as Json};

use super::{ImportError, Variables};
use crate::import::{names::short, source_text};

/// The environment whose variables all others have.
const SHARED: &str = "$shared";
/// Keys of an environment that are settings of the client.
const SETTINGS: [&str; 2] = ["Security", "SSLConfiguration"];

const HELP: &str =
    "expected environments with their variables: `{ \"dev\": { \"host\": \"https://dev.example.com\" } }`";

/// A file of environments: its name, and whether its values are secrets.
struct EnvironmentFile {
    name: String,
    is_private: bool,
    environments: Map<String, Json>,
}

/// Adds the variables of an environment; the only one if `name` is `None`. Returns what was not imported.
pub(super) fn add(
    files: Vec<(String, Vec<u8>)>,
    name: Option<&str>,
    variables: &mut Variables,
) -> Result<Vec<String>, ImportError> {
    let mut all = Vec::new();
    for (file, bytes) in files {
        all.push(read(&file, bytes).map_err(|error| error.in_file(&file))?);
    }
    let mut names: Vec<&String> = Vec::new();
    for environment in all.iter().flat_map(|file| file.environments.keys()) {
        if environment != SHARED && !names.contains(&environment) {
            names.push(environment);
        }
    }
    let listed = || {
        names
            .iter()
            .map(|name| format!("`{}`", short(name)))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let mut notes = Vec::new();
    let chosen = match name {
        Some(name) if names.iter().any(|known| *known == name) => Some(name),
        Some(name) => {
            let help = match all.first() {
                None => "there is no `http-client.env.json` next to the source".to_owned(),
                Some(file) => format!("the environments of `{}` are {}", file.name, listed()),
            };
            return Err(ImportError::new(
                format!("there is no environment `{}`", short(name)),
                help,
            ));
        }
        None if names.len() == 1 => names.first().map(|name| name.as_str()),
        None => {
            if !names.is_empty() {
                notes.push(format!("the environments {}: name one with `--environment`", listed()));
            }
            None
        }
    };
    for environment in std::iter::once(SHARED).chain(chosen) {
        for file in &all {
            let Some(Json::Object(values)) = file.environments.get(environment) else {
                continue;
            };
            for (variable, value) in values {
                let value = match value {
                    Json::String(text) => text.clone(),
                    Json::Number(_) | Json::Bool(_) => value.to_string(),
                    _ => {
                        let kind = if SETTINGS.contains(&variable.as_str()) {
                            "settings"
                        } else {
                            "variable"
                        };
                        let (variable, file) = (short(variable), &file.name);
                        notes.push(format!("the {kind} `{variable}` of `{file}`"));
                        continue;
                    }
                };
                variables.values.insert(variable.clone(), (value, file.is_private));
            }
        }
    }
    Ok(notes)
}

fn read(file: &str, bytes: Vec<u8>) -> Result<EnvironmentFile, ImportError> {
    let text = source_text::text_of(bytes)?;
    let environments: Map<String, Json> = source_text::json(&text, "a file of environments", HELP)?;
    if let Some((name, _)) = environments.iter().find(|(_, value)| !value.is_object()) {
        let message = format!("the environment `{}` has no variables", short(name));
        return Err(ImportError::new(message, HELP));
    }
    Ok(EnvironmentFile {
        name: file.to_owned(),
        is_private: file.contains(".private."),
        environments,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn added(public: &str, private: &str, name: Option<&str>) -> (Variables, Vec<String>) {
        let mut variables = Variables::default();
        let files = [
            ("http-client.env.json", public),
            ("http-client.private.env.json", private),
        ];
        let files = files.map(|(name, text)| (name.to_owned(), text.into()));
        let notes = add(files.into(), name, &mut variables);
        (variables, notes.map_err(|error| error.to_string()).unwrap())
    }

    const PUBLIC: &str = r#"{ "$shared": { "page": 2, "host": "https://h.example" },
        "dev": { "host": "https://dev.example", "Security": { "Auth": {} }, "list": [1] }, "prod": {} }"#;
    const PRIVATE: &str = r#"{ "dev": { "token": "abcdefgh12" } }"#;

    #[test]
    fn private_values_are_secrets_and_override() {
        let (variables, notes) = added(PUBLIC, PRIVATE, Some("dev"));
        let of = |name: &str| variables.values.get(name).cloned();
        assert_eq!(of("host"), Some(("https://dev.example".to_owned(), false)));
        assert_eq!(of("token"), Some(("abcdefgh12".to_owned(), true)));
        assert_eq!(of("page"), Some(("2".to_owned(), false)));
        let expected = [
            "the settings `Security` of `http-client.env.json`",
            "the variable `list` of `http-client.env.json`",
        ];
        assert_eq!(notes, expected);
    }

    #[test]
    fn several_environments_need_a_name() {
        let (variables, notes) = added(PUBLIC, PRIVATE, None);
        assert_eq!(notes, ["the environments `dev`, `prod`: name one with `--environment`"]);
        assert_eq!(variables.values.keys().collect::<Vec<_>>(), ["host", "page"]);
        let (variables, notes) = added("{ \"dev\": { \"a\": \"1\" } }", PRIVATE, None);
        assert_eq!((variables.values.len(), notes.len()), (2, 0));
    }

    #[test]
    fn unknown_environment_is_an_error_with_the_names() {
        let files = vec![("http-client.env.json".to_owned(), PUBLIC.into())];
        let error = add(files, Some("test"), &mut Variables::default()).unwrap_err();
        assert_eq!(error.message, "there is no environment `test`");
        assert_eq!(
            error.help,
            "the environments of `http-client.env.json` are `dev`, `prod`"
        );
        let files = vec![("http-client.env.json".to_owned(), b"{\n\"dev\" 1}".to_vec())];
        let error = add(files, None, &mut Variables::default()).unwrap_err();
        assert_eq!(
            (error.file.as_deref(), error.at),
            (Some("http-client.env.json"), Some((2, 7)))
        );
    }
}
