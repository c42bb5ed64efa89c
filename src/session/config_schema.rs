//! The JSON Schema of `conforme.toml`. A field's comment is what an editor shows.
#![expect(dead_code, reason = "these types are never made: they describe what may be written")]

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings, json_schema};

use super::toml_schema::for_toml;
use crate::{
    compare::CHANGE_RULES,
    project::MAILBOX_KINDS,
    suite::{ExpectDef, RequestDef},
};

/// The JSON Schema (2020-12) of `conforme.toml`, as text.
pub fn config_schema() -> String {
    let mut schema = SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<Config>()
        .to_value();
    schema["title"] = "conforme.toml".into();
    // A request and its expectations have defaults for everything.
    for name in ["Request", "Expect", "Body"] {
        if let Some(definition) = schema.pointer_mut(&format!("/$defs/{name}")) {
            definition.as_object_mut().map(|object| object.remove("required"));
        }
    }
    for_toml(&mut schema);
    serde_json::to_string_pretty(&schema).unwrap_or_default() + "\n"
}

/// A project: its folders, and the deployments that it is run against.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Config {
    /// The target of `conforme run` without `--target`: a target of this file, or `reference` for the embedded API.
    default_target: Option<String>,
    /// The folder of the suites, relative to this file; `cases` by default.
    cases: Option<String>,
    /// The folder of the JSON Schemas, relative to this file; `schemas` by default.
    schemas: Option<String>,
    /// The folder of the snapshots, relative to this file; `snapshots` by default.
    snapshots: Option<String>,
    /// Deployments under test, by name: `[targets.staging]`.
    targets: Option<BTreeMap<String, TargetTable>>,
    /// Settings of `conforme compare`.
    compare: Option<Compare>,
}

/// A deployment under test.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct TargetTable {
    /// The address of the API, such as `https://api.example.com/v1`: no query, no user and password.
    base_url: String,
    /// Values of the inputs that suites declare, by name. Secrets are under `secrets`.
    vars: Option<BTreeMap<String, Scalar>>,
    /// Where secrets come from, by name. The values are never in this file.
    secrets: Option<BTreeMap<String, SecretTable>>,
    /// Header fields of every request; values can contain `{{ name }}` of variables and secrets.
    headers: Option<BTreeMap<String, String>>,
    /// Maximum time for one request; `10s` by default.
    timeout: Option<Duration>,
    /// Maximum time for a whole run, waits and retries included; unlimited by default.
    deadline: Option<Duration>,
    /// Maximum time to connect; `5s` by default.
    connect_timeout: Option<Duration>,
    /// Maximum number of concurrent requests; 16 on loopback and 4 elsewhere by default.
    #[schemars(range(min = 1, max = 1024))]
    jobs: Option<u16>,
    /// Maximum request rate, retries included: `50/s`, `100/m`, `1000/h`.
    #[schemars(regex(pattern = r"^[0-9]+/(s|m|h)$"))]
    rate_limit: Option<String>,
    /// Maximum burst of requests within the rate limit; 1 by default.
    #[schemars(range(min = 1, max = 1_000_000))]
    burst: Option<u32>,
    /// Effects that cases may have on this target, such as `email`; all on loopback, none elsewhere by default.
    effects: Option<Vec<String>>,
    /// A PEM file of certificate authorities to trust in addition to the platform's.
    ca_file: Option<String>,
    /// A PEM file with the client certificate and its chain; goes with `client_key`.
    client_cert: Option<String>,
    /// A PEM file with the key of the client certificate.
    client_key: Option<String>,
    /// Sign requests for AWS (Signature Version 4).
    sigv4: Option<SigV4Table>,
    /// Client certificates that cases name with `identity`: `[targets.staging.identities.partner]`.
    identities: Option<BTreeMap<String, IdentityTable>>,
    /// Maximum size of a body in bytes, as received and after its content codings are removed; 8388608 by default.
    #[schemars(range(min = 1, max = 1_073_741_824))]
    max_body: Option<u64>,
    /// A running case is reported as slow after this time; `5s` by default.
    slow: Option<Duration>,
    /// Maximum number of retries of a case; 0 by default.
    #[schemars(range(max = 100))]
    retries: Option<u32>,
    /// The statuses that are retried, instead of 429 and 503 with `Retry-After`.
    retry_statuses: Option<Vec<StatusCode>>,
    /// Maximum wait before an attempt; `30s` by default.
    retry_wait: Option<Duration>,
    /// Whether a case that passes only on a retry fails the run (`fail`, the default) or not (`pass`).
    flaky: Option<FlakyOutcome>,
    /// A request that must succeed before the first case is sent; see `conforme run --wait`.
    ready: Option<ReadyTable>,
    /// Further endpoints of the deployment, such as a mailbox: `[targets.staging.endpoints.mailbox]`.
    endpoints: Option<BTreeMap<String, EndpointTable>>,
}

/// What requests are signed for.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct SigV4Table {
    /// The region, such as `eu-west-1`.
    region: String,
    /// The service, such as `execute-api` or `s3`.
    service: String,
    /// The id of the access key; from `AWS_ACCESS_KEY_ID` by default.
    access_key_id: Option<SecretForms>,
    /// The access key; from `AWS_SECRET_ACCESS_KEY` by default.
    secret_access_key: Option<SecretForms>,
    /// The token of temporary credentials; from `AWS_SESSION_TOKEN` by default, if that is set.
    session_token: Option<SecretForms>,
}

/// A client certificate.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct IdentityTable {
    /// A PEM file with the certificate and its chain.
    cert: String,
    /// A PEM file with its key.
    key: String,
}

/// The source of a secret: exactly one.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
enum SecretForms {
    /// The name of an environment variable.
    Env(String),
    /// A file; a trailing line break is not part of the secret.
    File(String),
    /// A program and its arguments; its output is the secret.
    Command(Vec<String>),
}

/// The source of a secret: exactly one. A token is obtained by a run, and renewed.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct SecretTable {
    /// The name of an environment variable.
    env: Option<String>,
    /// A file; a trailing line break is not part of the secret.
    file: Option<String>,
    /// A program and its arguments; its output is the secret.
    command: Option<Vec<String>>,
    /// A token of an OAuth 2.0 token endpoint, requested once for a run and renewed before it expires.
    oauth2: Option<OAuth2Table>,
    /// The id of a login case. It runs once, before the first case that needs what it captures.
    case: Option<String>,
    /// The name of the value that the login case captures.
    capture: Option<String>,
    /// How long the captured value is used before the login case runs again; for the whole run by default.
    expires: Option<Duration>,
}

/// How a token is requested: from a `token_url`, or from the endpoint that the metadata of an `issuer` names.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct OAuth2Table {
    /// The URL of the token endpoint.
    token_url: Option<String>,
    /// The URL of the issuer, whose metadata names the token endpoint.
    issuer: Option<String>,
    /// How tokens are requested; `client_credentials` by default.
    grant: Option<GrantType>,
    /// The id of the client, or where it comes from.
    client_id: ClientIdForm,
    /// Where the secret of the client comes from. A public client has none.
    client_secret: Option<SecretForms>,
    /// Where the refresh token comes from, for `grant = "refresh_token"`. One that the endpoint sends replaces it for the run.
    refresh_token: Option<SecretForms>,
    /// How the client authenticates: in the `Authorization` field or in the body. By default as the metadata of the issuer
    /// allows, or else `basic`.
    auth: Option<ClientAuthForm>,
    /// The scopes of the token.
    scopes: Option<Vec<String>>,
    /// The parameter `audience` of the request.
    audience: Option<String>,
    /// Further parameters of the request.
    parameters: Option<BTreeMap<String, String>>,
    /// A PEM file with the certificate of the client and its chain; goes with `client_key`.
    client_cert: Option<String>,
    /// A PEM file with the key of the certificate.
    client_key: Option<String>,
}

/// The id of a client, or where it comes from.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum ClientIdForm {
    Text(String),
    Source(SecretForms),
}

/// How tokens are requested.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
enum GrantType {
    ClientCredentials,
    RefreshToken,
}

/// How a client authenticates.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
enum ClientAuthForm {
    Basic,
    Post,
}

/// A request that must succeed before the first case.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct ReadyTable {
    /// The request.
    request: RequestDef,
    /// The expected response.
    expect: Option<ExpectDef>,
}

/// A further endpoint of a deployment.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct EndpointTable {
    /// Its address.
    base_url: String,
    /// The kind of mailbox, if it is one.
    kind: Option<MailboxKind>,
    /// Header fields of every request to it.
    headers: Option<BTreeMap<String, String>>,
    /// The user of a mailbox; goes with `password`.
    user: Option<String>,
    /// The password of a mailbox: `{{ name }}` of a secret.
    password: Option<String>,
    /// Maximum time for one request.
    timeout: Option<Duration>,
    /// Maximum time to connect.
    connect_timeout: Option<Duration>,
    /// Maximum size of a body in bytes.
    #[schemars(range(min = 1, max = 1_073_741_824))]
    max_body: Option<u64>,
}

/// Settings of `conforme compare`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Compare {
    /// The file of accepted changes, relative to this file; `accepted-changes.toml` by default.
    accepted: Option<String>,
    /// Levels of changes by rule, or by rule and location: `"header/removed:etag" = "info"`.
    levels: Option<Levels>,
}

/// Whether a flaky case fails the run.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
enum FlakyOutcome {
    Fail,
    Pass,
}

/// A schema that is written by hand.
macro_rules! schema_of {
    ($name:ident, $generator:ident => $schema:expr) => {
        struct $name(String);

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema($generator: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    };
}

schema_of!(Duration, _generator => json_schema!({
    "type": "string", "pattern": r"^[0-9]+(\.[0-9]+)? ?(ms|s|m|min|h|d)$"
}));
schema_of!(Scalar, _generator => json_schema!({ "type": ["string", "number", "boolean"] }));
schema_of!(StatusCode, _generator => json_schema!({ "type": "integer", "minimum": 100, "maximum": 599 }));
schema_of!(MailboxKind, _generator => json_schema!({ "enum": MAILBOX_KINDS }));
schema_of!(Levels, _generator => {
    let properties: BTreeMap<_, _> = CHANGE_RULES
        .iter()
        .map(|row| {
            let level = serde_json::json!({ "description": row.reason, "enum": ["breaking", "warning", "info", "off"] });
            (row.id, level)
        })
        .collect();
    json_schema!({
        "type": "object",
        "properties": properties,
        "patternProperties": { "^(header|body)/[a-z-]+:": { "enum": ["breaking", "warning", "info", "off"] } },
        "additionalProperties": false
    })
});
