//! The HTTP APIs of mail catchers. Only requests that leave messages as they are (unread) are used: lists and sources.

use std::{
    collections::HashSet,
    net::{IpAddr, Ipv4Addr},
    sync::OnceLock,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, SubsecRound as _, Utc};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::AUTHORIZATION};
use reqwest::{Client, redirect::Policy};
use rustls::ClientConfig;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _},
};
use url::{Host, Url};

use super::{MailboxKind, MailboxSettings, QueryError, Received, tls};
use crate::text::causes;

/// Messages of one page.
const PAGE: usize = 50;

/// Maximum number of messages that a query lists.
const MAX_LISTED: usize = 2_000;

/// A mail catcher.
pub(super) struct MailCatcher {
    kind: MailboxKind,
    base: Url,
    client: Client,
    max_bytes: usize,
    /// Where the list of `maildev` is, once it has been found.
    maildev_list: OnceLock<&'static str>,
}

/// One query: what it may still read.
struct Query<'a> {
    api: &'a MailCatcher,
    to: &'a str,
    since: Option<DateTime<Utc>>,
    bytes_left: usize,
}

impl MailCatcher {
    /// A client for these settings, or why they are invalid. Without `tls`, the roots of the platform are trusted.
    pub(super) fn new(settings: &MailboxSettings, base: Url, tls: Option<&ClientConfig>) -> Result<Self, String> {
        if !["http", "https"].contains(&base.scheme()) {
            return Err("expected http:// or https://".to_owned());
        }
        if base.query().is_some() || base.fragment().is_some() {
            return Err("it has a query or a fragment".to_owned());
        }
        // The client is built without HTTP/2, so a server must not choose it.
        let tls = tls::config(tls, Some("http/1.1")).map_err(|error| error.to_string())?;
        let mut client = Client::builder()
            .tls_backend_preconfigured(tls)
            .default_headers(headers(settings)?)
            .redirect(Policy::none())
            .referer(false)
            .http1_only();
        if is_loopback(&base) {
            client = client.no_proxy();
        }
        Ok(Self {
            kind: settings.kind,
            base,
            client: client.build().map_err(|error| causes(&error))?,
            max_bytes: settings.max_bytes,
            maildev_list: OnceLock::new(),
        })
    }

    pub(super) async fn messages(&self, to: &str, since: Option<DateTime<Utc>>) -> Result<Vec<Received>, QueryError> {
        let mut query = Query {
            api: self,
            to,
            since,
            bytes_left: self.max_bytes,
        };
        match self.kind {
            MailboxKind::Mailpit => query.mailpit().await,
            MailboxKind::Mailhog => query.mailhog().await,
            _ => query.maildev().await,
        }
    }

    fn url(&self, path: &[&str], parameters: &[(&str, &str)]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        if !parameters.is_empty() {
            url.query_pairs_mut().extend_pairs(parameters);
        }
        url
    }
}

#[derive(Deserialize)]
struct MailpitPage {
    #[serde(default)]
    messages: Option<Vec<MailpitMessage>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MailpitMessage {
    #[serde(rename = "ID")]
    id: String,
    #[serde(default)]
    to: Option<Vec<Address>>,
    #[serde(default)]
    cc: Option<Vec<Address>>,
    /// Recipients of the envelope that are in no header field.
    #[serde(default)]
    bcc: Option<Vec<Address>>,
    #[serde(deserialize_with = "time")]
    created: DateTime<Utc>,
}

#[derive(Deserialize)]
struct Address {
    #[serde(alias = "Address")]
    address: String,
}

#[derive(Deserialize)]
struct MailhogPage {
    #[serde(default)]
    items: Option<Vec<MailhogMessage>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MailhogMessage {
    #[serde(rename = "ID")]
    id: String,
    #[serde(deserialize_with = "time")]
    created: DateTime<Utc>,
    raw: MailhogRaw,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MailhogRaw {
    #[serde(default)]
    to: Option<Vec<String>>,
    data: String,
}

#[derive(Deserialize)]
struct MaildevMessage {
    id: String,
    #[serde(deserialize_with = "time")]
    time: DateTime<Utc>,
    envelope: MaildevEnvelope,
}

#[derive(Deserialize)]
struct MaildevEnvelope {
    to: Vec<Address>,
}

/// A time in RFC 3339.
fn time<'de, D: Deserializer<'de>>(value: D) -> Result<DateTime<Utc>, D::Error> {
    let text = String::deserialize(value)?;
    let time = DateTime::parse_from_rfc3339(&text).map_err(D::Error::custom)?;
    Ok(time.with_timezone(&Utc))
}

impl Query<'_> {
    /// Lists all messages, newest first, until they are older than `since`. A search would depend on the server's version:
    /// an old one takes an unknown filter for words of the text.
    async fn mailpit(&mut self) -> Result<Vec<Received>, QueryError> {
        let mut found = Vec::new();
        let mut seen = HashSet::new();
        for start in (0..=MAX_LISTED).step_by(PAGE) {
            let (start, limit) = (start.to_string(), PAGE.to_string());
            let url = self
                .api
                .url(&["api", "v1", "messages"], &[("start", &start), ("limit", &limit)]);
            let page: MailpitPage = self.json(url).await?;
            let messages = page.messages.unwrap_or_default();
            let is_last = messages.len() < PAGE || messages.iter().any(|message| !self.is_new(message.created));
            for message in messages {
                let lists = [&message.to, &message.cc, &message.bcc];
                let recipients = lists.into_iter().flatten().flatten().map(|address| &address.address);
                // A message that arrives between two pages moves the others to the next page.
                if self.is_new(message.created) && self.is_addressed(recipients) && seen.insert(message.id.clone()) {
                    found.push((message.created, message.id));
                }
            }
            if is_last {
                let mut received = Vec::new();
                for (at, id) in found {
                    let url = self.api.url(&["api", "v1", "message", &id, "raw"], &[]);
                    let raw = self.get(url).await?.into();
                    received.push(Received { at, raw });
                }
                return Ok(received);
            }
        }
        Err(QueryError::Count(MAX_LISTED))
    }

    async fn mailhog(&mut self) -> Result<Vec<Received>, QueryError> {
        let mut received = Vec::new();
        let mut seen = HashSet::new();
        // Some of its stores take the address for a regular expression. A domain finds more, and what is found is compared.
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "@._-".contains(c);
        let text = match self.to.rsplit_once('@') {
            Some((_, domain)) if !self.to.chars().all(is_plain) => domain,
            _ => self.to,
        };
        let text = text.to_owned();
        for start in (0..=MAX_LISTED).step_by(PAGE) {
            let (start, limit) = (start.to_string(), PAGE.to_string());
            let parameters = [("kind", "to"), ("query", &text), ("start", &start), ("limit", &limit)];
            let url = self.api.url(&["api", "v2", "search"], &parameters);
            let page: MailhogPage = self.json(url).await?;
            let messages = page.items.unwrap_or_default();
            let is_last = messages.len() < PAGE;
            for message in messages {
                let recipients = message.raw.to.iter().flatten();
                if self.is_new(message.created) && self.is_addressed(recipients) && seen.insert(message.id) {
                    let raw = message.raw.data.into_bytes().into();
                    received.push(Received {
                        at: message.created,
                        raw,
                    });
                }
            }
            if is_last {
                return Ok(received);
            }
        }
        Err(QueryError::Count(MAX_LISTED))
    }

    async fn maildev(&mut self) -> Result<Vec<Received>, QueryError> {
        let (list, messages) = self.maildev_list().await?;
        if messages.len() > MAX_LISTED {
            return Err(QueryError::Count(MAX_LISTED));
        }
        let mut received = Vec::new();
        for message in messages {
            let recipients = message.envelope.to.iter().map(|address| &address.address);
            if self.is_new(message.time) && self.is_addressed(recipients) {
                let mut path: Vec<_> = list.split('/').collect();
                path.extend([message.id.as_str(), "source"]);
                let raw = self.get(self.api.url(&path, &[])).await?.into();
                received.push(Received { at: message.time, raw });
            }
        }
        Ok(received)
    }

    /// The list is at `/api/email` since version 3.
    async fn maildev_list(&mut self) -> Result<(&'static str, Vec<MaildevMessage>), QueryError> {
        let known = self.api.maildev_list.get().copied();
        let mut result = Err(QueryError::Other("no list of messages".to_owned()));
        for list in ["api/email", "email"] {
            if known.is_some_and(|known| known != list) {
                continue;
            }
            let path: Vec<_> = list.split('/').collect();
            result = self.json(self.api.url(&path, &[])).await;
            if let Ok(messages) = result {
                self.api.maildev_list.get_or_init(|| list);
                return Ok((list, messages));
            }
            if !matches!(result, Err(QueryError::Status(StatusCode::NOT_FOUND))) {
                break;
            }
        }
        result.map(|messages| ("email", messages))
    }

    fn is_new(&self, at: DateTime<Utc>) -> bool {
        self.since.is_none_or(|since| at.trunc_subsecs(0) >= since)
    }

    fn is_addressed<'r>(&self, recipients: impl IntoIterator<Item = &'r String>) -> bool {
        let to = self.to.to_lowercase();
        recipients.into_iter().any(|recipient| recipient.to_lowercase() == to)
    }

    async fn json<T: DeserializeOwned>(&mut self, url: Url) -> Result<T, QueryError> {
        let path = url.path().to_owned();
        let body = self.get(url).await?;
        serde_json::from_slice(&body).map_err(|error| {
            QueryError::Other(format!(
                "the response to {path} is not what `{}` sends: {error}",
                self.api.kind.name()
            ))
        })
    }

    async fn get(&mut self, url: Url) -> Result<Vec<u8>, QueryError> {
        let failed = |error: reqwest::Error| QueryError::Other(causes(&error.without_url()));
        let mut response = self.api.client.get(url).send().await.map_err(failed)?;
        if response.status() != StatusCode::OK {
            return Err(QueryError::Status(response.status()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            self.bytes_left = self.bytes_left.checked_sub(chunk.len()).ok_or(QueryError::Size)?;
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

/// The fields of every request. Errors contain names only.
fn headers(settings: &MailboxSettings) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    let basic = settings.login.iter().map(|(user, password)| {
        let credentials = STANDARD.encode(format!("{user}:{password}"));
        (AUTHORIZATION.as_str(), format!("Basic {credentials}"))
    });
    let others = settings
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.clone()));
    for (name, value) in basic.chain(others) {
        let invalid = |_| format!("the header field `{name}` cannot be sent");
        let parsed =
            HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("`{name}` is not the name of a field"))?;
        let mut value = HeaderValue::from_bytes(value.as_bytes()).map_err(invalid)?;
        value.set_sensitive(true);
        headers.append(parsed, value);
    }
    Ok(headers)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost") || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback() || ip == Ipv4Addr::UNSPECIFIED,
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip).is_loopback(),
        None => false,
    }
}
