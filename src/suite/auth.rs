//! The credentials of a request: `request.auth`.

use schemars::JsonSchema;

use super::{Template, decode::DecodeContext, def::Written};
use crate::source::{Diagnostic, Fields, Kind, Node};

/// The credentials of a request, sent as `Authorization`: exactly one of these.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(rename = "Auth", deny_unknown_fields, rename_all = "kebab-case")]
pub enum AuthDef {
    /// User and password (RFC 7617), sent as UTF-8 in base64.
    Basic(BasicDef),
    /// A token (RFC 6750), without the word `Bearer`.
    Bearer(Template),
    /// No credentials, not even those of the target: `auth: none`.
    #[schemars(skip)]
    None,
}

/// User and password.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(rename = "Basic", deny_unknown_fields)]
pub struct BasicDef {
    /// The user, without a colon.
    pub user: Template,
    /// The password; `""` for none.
    pub password: Template,
}

const HELP: &str = "write `auth: { basic: { user: ..., password: ... } }` `auth: { bearer: \"{{ token }}\" }` or \
                    `auth: none`";

/// Reads `auth` of a request.
pub(super) fn auth(node: &Node, cx: &mut DecodeContext<'_>) -> Option<Written<AuthDef>> {
    if matches!(&node.kind, Kind::String(text) if text == "none") {
        let value = AuthDef::None;
        return Some(Written { value, span: node.span });
    }
    let Some(mut fields) = Some(node)
        .filter(|node| matches!(node.kind, Kind::Map(_)))
        .and_then(|node| Fields::of(node, "`auth`", cx.errors))
    else {
        let error = Diagnostic::new(node.span, format!("`auth` is a mapping, not {}", node.describe()));
        cx.error(error.help(HELP));
        return None;
    };
    let (basic, bearer) = (fields.take("basic"), fields.take("bearer"));
    finished(fields, cx)?;
    let value = match (basic, bearer) {
        (Some(node), None) => AuthDef::Basic(self::basic(node, cx)?),
        (None, Some(node)) => AuthDef::Bearer(cx.omissible(|cx| cx.template(node))?),
        _ => {
            let error = Diagnostic::new(node.span, "`auth` has exactly one of `basic` and `bearer`");
            cx.error(error.help(HELP));
            return None;
        }
    };
    Some(Written { value, span: node.span })
}

/// Reports unknown keys; without any, missing ones can be reported.
fn finished(fields: Fields<'_>, cx: &mut DecodeContext<'_>) -> Option<()> {
    let before = cx.errors.len();
    fields.finish(cx.errors);
    (cx.errors.len() == before).then_some(())
}

fn basic(node: &Node, cx: &mut DecodeContext<'_>) -> Option<BasicDef> {
    let mut fields = Fields::of(node, "a mapping with `user` and `password`", cx.errors)?;
    let (user, password) = (fields.take("user"), fields.take("password"));
    finished(fields, cx)?;
    let (Some(user), Some(password)) = (user, password) else {
        let missing = if user.is_none() { "user" } else { "password" };
        let error = Diagnostic::new(node.span, format!("`basic` has no `{missing}`"));
        cx.error(error.help("write `basic: { user: ..., password: ... }`; an empty password is `\"\"`"));
        return None;
    };
    Some(BasicDef {
        user: cx.template(user)?,
        password: cx.template(password)?,
    })
}

/// An error for a request with both `auth` and `Authorization`, of which only one can be sent.
pub(super) fn check(node: &Node, cx: &mut DecodeContext<'_>) {
    let auth = node.get("auth").filter(|auth| !auth.is_null());
    let headers = node.get("headers").map(Node::entries).unwrap_or_default();
    let header = headers
        .iter()
        .find(|(key, value)| key.text.eq_ignore_ascii_case("authorization") && !value.is_null());
    if let (Some(_), Some((key, _))) = (auth, header) {
        let error = Diagnostic::new(
            key.span,
            format!("the header `{}` and `auth` exclude each other", key.text),
        );
        cx.error(error.help("remove one of them: `auth` sends this header"));
    }
}
