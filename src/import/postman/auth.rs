//! Authentication of a request, a folder or a collection.

use serde_json::Value as Json;

use crate::import::names::short;

/// Authentication that has a counterpart.
pub(super) enum PostmanAuth {
    Bearer(String),
    Basic(String, String),
    Key {
        name: String,
        value: String,
        is_query: bool,
    },
}

impl PostmanAuth {
    /// Reads it. For `null` and `noauth`, there are no credentials.
    pub(super) fn of(auth: Option<&Json>, notes: &mut Vec<String>) -> Option<Self> {
        let auth = auth?;
        let kind = auth.get("type")?.as_str()?;
        let all = auth.get(kind);
        // A list of keys and values (v2.1), or an object (v2.0).
        let value = |name: &str| -> Option<String> {
            let value = match all? {
                Json::Array(pairs) => {
                    let pair = pairs
                        .iter()
                        .find(|pair| pair.get("key").and_then(Json::as_str) == Some(name));
                    pair?.get("value")?
                }
                other => other.get(name)?,
            };
            match value {
                Json::String(text) => Some(text.clone()),
                Json::Null => None,
                other => Some(other.to_string()),
            }
        };
        let or_empty = |name: &str| value(name).unwrap_or_default();
        match kind {
            "noauth" | "inherit" => None,
            "bearer" => value("token").map(Self::Bearer),
            "basic" => Some(Self::Basic(or_empty("username"), or_empty("password"))),
            "apikey" => value("key").map(|name| Self::Key {
                name,
                value: or_empty("value"),
                is_query: value("in").as_deref() == Some("query"),
            }),
            "oauth2" if value("accessToken").is_some_and(|token| !token.is_empty()) => {
                notes.push("the renewal of the token: use `oauth2` as the source of the secret".to_owned());
                value("accessToken").map(Self::Bearer)
            }
            other => {
                let help = "define the token of the target as a secret, and send it in a header field";
                notes.push(format!("the authentication `{}`: {help}", short(other)));
                None
            }
        }
    }
}
