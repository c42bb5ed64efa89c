//! Further endpoints of a target, such as a mailbox: `[targets.NAME.endpoints.NAME]`.

use std::{collections::BTreeMap, time::Duration};

use super::{BaseUrl, config::entries, target::Limits};
use crate::{
    source::{Diagnostic, Diagnostics, Fields, Key, Node, Span, duration, integer, string},
    suite::Template,
};

/// Kinds of mailboxes that a step with `mail` can read.
pub const MAILBOX_KINDS: [&str; 5] = ["mailpit", "mailhog", "maildev", "imap", "smtp"];

/// An endpoint as it is written.
#[derive(Clone, Debug)]
pub struct EndpointDef {
    /// Its base URL.
    pub base_url: (String, Span),
    /// The kind of mailbox, if it is one.
    pub kind: Option<String>,
    /// Header fields of every request to it.
    pub headers: Vec<(Key, String)>,
    /// User and password of a mailbox.
    pub login: Option<((String, Span), (String, Span))>,
    /// Maximum time for one request.
    pub timeout: Option<Duration>,
    /// Maximum time to connect.
    pub connect_timeout: Option<Duration>,
    /// Maximum body size in bytes.
    pub max_body: Option<usize>,
}

/// An endpoint of a target.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Its base URL, as it is written.
    pub base_url: String,
    /// The same for HTTP.
    pub base: Option<BaseUrl>,
    /// The kind of mailbox, if it is one: one of [`MAILBOX_KINDS`].
    pub kind: Option<String>,
    /// Header fields of every request to it.
    pub headers: Vec<(String, Template)>,
    /// User and password of a mailbox.
    pub login: Option<(Template, Template)>,
    /// Limits of requests to it.
    pub limits: Limits,
}

/// Reads the table of endpoints of a target.
pub(super) fn endpoints(node: Option<&Node>, errors: &mut Diagnostics) -> Vec<(Key, EndpointDef)> {
    entries(node, errors, endpoint)
}

fn endpoint(node: &Node, errors: &mut Diagnostics) -> Option<EndpointDef> {
    let mut fields = Fields::of(node, "an endpoint", errors)?;
    let base = fields.take("base_url");
    let kind = fields.take("kind");
    let text = |node: Option<&Node>, errors: &mut Diagnostics| {
        let node = node?;
        Some((string(node, errors)?, node.span))
    };
    let (user, password) = (text(fields.take("user"), errors), text(fields.take("password"), errors));
    let headers = entries(fields.take("headers"), errors, string);
    let timeout = fields.read("timeout", errors, duration);
    let connect_timeout = fields.read("connect_timeout", errors, duration);
    let max_body = fields
        .read("max_body", errors, |node, errors| integer(node, 1, 1 << 30, errors))
        .and_then(|bytes| usize::try_from(bytes).ok());
    fields.finish(errors);
    let kind = kind.and_then(|node| {
        let kind = string(node, errors)?;
        if !MAILBOX_KINDS.contains(&kind.as_str()) {
            let error = Diagnostic::new(node.span, format!("`{kind}` is not a kind of mailbox"));
            errors.push(error.suggest(&kind, MAILBOX_KINDS));
        }
        Some(kind)
    });
    if user.is_some() != password.is_some() {
        errors.push(Diagnostic::new(node.span, "`user` and `password` go together"));
    }
    let Some(base) = base else {
        let error = Diagnostic::new(node.span, "the endpoint has no `base_url`");
        errors.push(error.help("add `base_url = \"https://...\"`"));
        return None;
    };
    let base_url = (string(base, errors)?, base.span);
    let scheme = match kind.as_deref() {
        Some("smtp") => &["smtp://"][..],
        Some("imap") => &["imap://", "imaps://"],
        _ => &["http://", "https://"],
    };
    let lower = base_url.0.to_ascii_lowercase();
    if !scheme.iter().any(|scheme| lower.starts_with(scheme)) {
        let error = Diagnostic::new(
            base.span,
            format!("the URL of this endpoint begins with `{}`", scheme[0]),
        );
        errors.push(error);
    } else if scheme.contains(&"http://")
        && let Err(reason) = BaseUrl::parse(&base_url.0)
    {
        errors.push(Diagnostic::new(base.span, reason));
    }
    Some(EndpointDef {
        base_url,
        kind,
        headers,
        login: user.zip(password),
        timeout,
        connect_timeout,
        max_body,
    })
}

impl Endpoint {
    /// An embedded mail server on a free port.
    pub(super) fn embedded_mailbox(limits: &Limits) -> Self {
        Self {
            base_url: "smtp://127.0.0.1:0".to_owned(),
            base: None,
            kind: Some("smtp".to_owned()),
            headers: Vec::new(),
            login: None,
            limits: *limits,
        }
    }
}

impl EndpointDef {
    /// Its header fields and login, as templates with the key that they belong to.
    pub(super) fn templates(&self) -> impl Iterator<Item = (Span, &str)> {
        let headers = self.headers.iter().map(|(key, value)| (key.span, value.as_str()));
        let login = self.login.iter().flat_map(|(user, password)| [user, password]);
        headers.chain(login.map(|(text, span)| (*span, text.as_str())))
    }

    /// The endpoint with the limits of its target, where it has none of its own.
    pub(super) fn resolve(&self, headers: Vec<(String, Template)>, limits: &Limits) -> Endpoint {
        let template = |(text, span): &(String, Span)| Template::parse(text, *span).ok();
        let login = self.login.as_ref();
        Endpoint {
            base_url: self.base_url.0.clone(),
            base: BaseUrl::parse(&self.base_url.0).ok(),
            kind: self.kind.clone(),
            headers,
            login: login.and_then(|(user, password)| Some((template(user)?, template(password)?))),
            limits: Limits {
                timeout: self.timeout.unwrap_or(limits.timeout),
                connect_timeout: self.connect_timeout.unwrap_or(limits.connect_timeout),
                max_body: self.max_body.unwrap_or(limits.max_body),
                ..*limits
            },
        }
    }
}

/// The endpoints of a recorded run, by name and base URL.
pub(super) fn recorded(endpoints: &BTreeMap<String, String>, limits: &Limits) -> BTreeMap<String, Endpoint> {
    let all = endpoints.iter().map(|(name, base_url)| {
        let endpoint = Endpoint {
            base_url: base_url.clone(),
            base: BaseUrl::parse(base_url).ok(),
            kind: None,
            headers: Vec::new(),
            login: None,
            limits: *limits,
        };
        (name.clone(), endpoint)
    });
    all.collect()
}
