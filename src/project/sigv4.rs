//! Signing of requests for AWS: `[targets.NAME.sigv4]`.

use std::path::Path;

use super::{SecretSource, TargetDef, config::source as read_source};
use crate::source::{Diagnostic, Diagnostics, Fields, Key, Node, string};

/// What requests are signed for (AWS Signature Version 4). The credentials are secrets of the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigV4 {
    /// The region, such as `eu-west-1`.
    pub region: String,
    /// The service, such as `execute-api` or `s3`.
    pub service: String,
    /// Whether there may be no session token.
    pub is_token_optional: bool,
}

impl SigV4 {
    /// The name of the secret with the id of the access key.
    pub const ACCESS_KEY_ID: &str = "aws_access_key_id";
    /// The name of the secret with the access key.
    pub const SECRET_ACCESS_KEY: &str = "aws_secret_access_key";
    /// The name of the secret with the session token.
    pub const SESSION_TOKEN: &str = "aws_session_token";

    /// Whether a target can be without a secret of this name.
    pub(super) fn is_optional(def: &TargetDef, name: &str) -> bool {
        name == Self::SESSION_TOKEN && def.sigv4.as_ref().is_some_and(|sigv4| sigv4.is_token_optional)
    }

    /// Whether a secret of this name belongs to the signature.
    pub(super) fn has(name: &str) -> bool {
        [Self::ACCESS_KEY_ID, Self::SECRET_ACCESS_KEY, Self::SESSION_TOKEN].contains(&name)
    }
}

/// Reads the table, and adds the credentials to the secrets of the target. Without a source, they are read from the usual
/// environment variables.
pub(super) fn add(def: &mut TargetDef, node: Option<&Node>, root: &Path, errors: &mut Diagnostics) {
    let Some(node) = node else { return };
    let Some(mut fields) = Fields::of(node, "`sigv4`", errors) else {
        return;
    };
    let (region, service) = (
        fields.read("region", errors, string),
        fields.read("service", errors, string),
    );
    let written = [
        (SigV4::ACCESS_KEY_ID, fields.take("access_key_id")),
        (SigV4::SECRET_ACCESS_KEY, fields.take("secret_access_key")),
        (SigV4::SESSION_TOKEN, fields.take("session_token")),
    ];
    fields.finish(errors);
    for (name, source) in written {
        let source = match source {
            Some(source) => read_source(source, root, errors),
            None => Some(SecretSource::Env(name.to_ascii_uppercase())),
        };
        let is_known = def.secrets.iter().any(|(key, _)| &*key.text == name);
        if let Some(source) = source.filter(|_| !is_known) {
            let key = Key {
                span: node.span,
                text: name.into(),
            };
            def.secrets.push((key, source));
        }
    }
    let is_value = |text: &String| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let (Some(region), Some(service)) = (region.filter(is_value), service.filter(is_value)) else {
        let error = Diagnostic::new(node.span, "`sigv4` has a `region` and a `service`");
        errors.push(error.help("write `sigv4 = { region = \"eu-west-1\", service = \"execute-api\" }`"));
        return;
    };
    def.sigv4 = Some(SigV4 {
        region,
        service,
        is_token_optional: written[2].1.is_none(),
    });
}
