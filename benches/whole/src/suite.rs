//! The same cases for everyone: rows of `examples` tables, one file a case, and lines for the bare loop.

use std::{fmt::Write as _, fs, io, path::Path};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What the reference API's embedded seed knows.
const TENANT: &str = "1a143f1b-8cf1-45a5-a544-a48c870b6032";
const OTHER_TENANT: &str = "a945b880-2bee-426f-9004-e3da55f3bb38";
const USER: &str = "b6f4c0cc-e9bd-4261-bebe-5fb30b999f37";
/// Its valid token.
pub const TOKEN: &str = "not-a-secret.valid.reference-token-01";

/// What every error's `timestamp` looks like.
pub const STAMP: &str = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?Z$";
/// What every error's `content-type` is.
pub const CONTENT_TYPE: &str = "application/json; charset=utf-8";

/// One request and what must come back.
#[derive(Serialize, Deserialize)]
pub struct Case {
    pub path: String,
    pub has_token: bool,
    pub status: u16,
    /// Properties of the body; none for an empty body.
    pub body: Option<serde_json::Map<String, Value>>,
}

/// The kinds of cases, in turn.
const KINDS: [&str; 5] = [
    "activated",
    "missing-token",
    "malformed-tenant",
    "non-primary-tenant",
    "unknown-user",
];

/// The schema of every error.
pub fn schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "required": ["error", "message", "status", "timestamp"],
        "properties": {
            "error": { "type": "integer", "minimum": 400, "maximum": 599 },
            "errorCode": { "type": "string", "minLength": 1 },
            "message": { "type": "string", "minLength": 1 },
            "status": { "const": "error" },
            "timestamp": { "type": "string", "pattern": STAMP },
        },
        "additionalProperties": false,
    })
}

/// The `number`th case as a row: its name and its values.
fn row(number: usize) -> (String, Value) {
    let name = format!("r{number:06}");
    match KINDS[number % KINDS.len()] {
        "malformed-tenant" => (name, json!({ "tenant": format!("tenant-{number:06}") })),
        "unknown-user" => (
            name,
            json!({ "user": format!("f47ac10b-58cc-4372-a567-{number:012x}") }),
        ),
        _ => (name, json!({})),
    }
}

fn case(number: usize) -> Case {
    let values = row(number).1;
    let value = |name: &str, other: &str| values[name].as_str().unwrap_or(other).to_owned();
    let error = |error: u16, code: Option<&str>, message: &str| {
        let mut body = json!({ "error": error, "message": message, "status": "error" });
        if let Some(code) = code {
            body["errorCode"] = code.into();
        }
        body.as_object().cloned()
    };
    let (tenant, user) = (value("tenant", TENANT), value("user", USER));
    let (tenant, has_token, status, body) = match KINDS[number % KINDS.len()] {
        "activated" => (tenant, true, 204, None),
        "missing-token" => (tenant, false, 401, None),
        "malformed-tenant" => {
            let message = format!("The value '{tenant}' is not valid.");
            (tenant, true, 400, error(400, None, &message))
        }
        "non-primary-tenant" => {
            let message = "This is not the primary tenant for this User.";
            (
                OTHER_TENANT.to_owned(),
                true,
                400,
                error(400, Some("TenantNotPrimary"), message),
            )
        }
        _ => (tenant, true, 404, error(404, None, "Not Found")),
    };
    Case {
        path: format!("/v1.0/customers/{tenant}/users/{user}/sendActivationEmail"),
        has_token,
        status,
        body,
    }
}

/// A case file's `request` and `expect`; `tenant` and `user` are what is written for the values of a row.
fn declared(kind: &str, tenant: &str, user: &str) -> String {
    let error = |status: u16, more: &str| {
        format!(
            "expect:\n  status: {status}\n  headers: {{ content-type: {CONTENT_TYPE} }}\n  body:\n    schema: error.schema.json\n    \
             json:\n      error: {status}\n      status: error\n      timestamp: {{ $matches: '{STAMP}' }}\n{more}"
        )
    };
    let absent = "      errorCode: { $any: false }\n";
    match kind {
        "activated" => "effects: [email]\nrequest: {}\nexpect: { status: 204, headers: { content-type: { absent: true } }, body: { empty: true } }\n".to_owned(),
        "missing-token" => {
            "request: { headers: { Authorization: null } }\nexpect: { status: 401, headers: { content-type: { absent: true } }, body: { empty: true } }\n"
                .to_owned()
        }
        "malformed-tenant" => format!(
            "request: {{ params: {{ tenant: '{tenant}' }} }}\n{}",
            error(400, &format!("      message: The value '{tenant}' is not valid.\n{absent}"))
        ),
        "non-primary-tenant" => format!(
            "request: {{ params: {{ tenant: {OTHER_TENANT} }} }}\n{}",
            error(
                400,
                "      message: This is not the primary tenant for this User.\n      errorCode: TenantNotPrimary\n"
            )
        ),
        _ => format!(
            "request: {{ params: {{ user: '{user}' }} }}\n{}",
            error(404, &format!("      message: Not Found\n{absent}"))
        ),
    }
}

fn write_project(folder: &Path) -> io::Result<std::path::PathBuf> {
    let suite = folder.join("cases/portal");
    fs::create_dir_all(&suite)?;
    fs::create_dir_all(folder.join("schemas"))?;
    fs::write(folder.join("conforme.toml"), "")?;
    fs::write(folder.join("schemas/error.schema.json"), schema().to_string())?;
    fs::write(
        suite.join("suite.yaml"),
        format!(
            "inputs: {{ token: {{ secret: true }} }}\nrequest:\n  method: POST\n  \
             path: /v1.0/customers/{{tenant}}/users/{{user}}/sendActivationEmail\n  \
             params: {{ tenant: {TENANT}, user: {USER} }}\n  headers: {{ Authorization: 'Bearer {{{{ token }}}}' }}\n"
        ),
    )?;
    Ok(suite)
}

/// Writes `count` cases as rows of five tables.
pub fn write_rows(folder: &Path, count: usize) -> io::Result<()> {
    let suite = write_project(folder)?;
    for (at, kind) in KINDS.iter().enumerate() {
        let mut text = declared(kind, "{{ tenant }}", "{{ user }}");
        text.push_str("examples:\n");
        for number in (at..count).step_by(KINDS.len()) {
            let (name, values) = row(number);
            let _ = writeln!(text, "  {name}: {values}");
        }
        if at < count {
            fs::write(suite.join(format!("{kind}.yaml")), text)?;
        }
    }
    Ok(())
}

/// Writes `count` cases, each to a file of its own.
pub fn write_files(folder: &Path, count: usize) -> io::Result<()> {
    let suite = write_project(folder)?;
    for number in 0..count {
        let (name, values) = row(number);
        let value = |name: &str| values[name].as_str().unwrap_or_default().to_owned();
        let text = declared(KINDS[number % KINDS.len()], &value("tenant"), &value("user"));
        fs::write(suite.join(format!("{name}.yaml")), text)?;
    }
    Ok(())
}

/// Writes `count` cases as lines of JSON, and the schema beside them.
pub fn write_lines(folder: &Path, count: usize) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let lines: String = (0..count)
        .map(|number| serde_json::to_string(&case(number)).map(|line| line + "\n"))
        .collect::<Result<_, _>>()?;
    fs::write(folder.join("cases.jsonl"), lines)?;
    fs::write(folder.join("schema.json"), schema().to_string())
}
