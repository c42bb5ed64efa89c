//! The `snapshot` check: compares a response in normal form with the stored one.

mod names;
mod spelling;

use std::{borrow::Cow, fmt::Write as _, sync::Arc};

use base64::Engine as _;
use serde_json::Value;

pub(crate) use names::TextPiece;
pub use names::VariableSubstitution;
use spelling::{Hide, Meaning, Spelling, Substitute, VOLATILE, meaning};

use super::{Finding, ResponseView, list_fields, media_type::MediaType, sink::FindingSink, view::Text};
use crate::json;
use crate::model::{CREDENTIALS, CheckId, HIDDEN, Layer, Location, Request, Response};

/// The prefix of the first line of a body that is not JSON.
const KINDS: [&str; 2] = ["text", "base64"];

/// Masks the secrets of one exchange in a text.
pub type HideText<'m> = Box<dyn Fn(&str) -> String + 'm>;

/// Masks the secrets of a run in the texts of snapshots. A response is compared as it would be stored, so a secret in it
/// is equal to its stored placeholder.
pub trait SnapshotMask: std::fmt::Debug + Send + Sync {
    /// The placeholders of secrets. The same text in a response is stored in a quoted form.
    fn marks(&self) -> &[String];

    /// Masks in the texts of one exchange; `None` if there are no secrets.
    fn of_exchange<'m>(&'m self, request: &Request, response: &Response) -> Option<HideText<'m>>;
}

/// The expected snapshot of a response, and the options of its normal form.
#[derive(Clone, Debug)]
pub struct SnapshotExpectation {
    /// Header fields that belong to the snapshot, in order.
    pub headers: Arc<[String]>,
    /// Pointers to volatile values; `*` matches any one step.
    pub redact: Arc<[String]>,
    /// The values that are written as `{{ name }}`.
    pub values: Arc<VariableSubstitution>,
    /// Pointers to the values that are captured from the response, with their names.
    pub captured: Vec<(String, String)>,
    /// Masks secrets; `None` if they are already masked, as in a recording.
    pub mask: Option<Arc<dyn SnapshotMask>>,
    /// The accepted snapshot, if there is one.
    pub stored: Option<String>,
    /// Its line.
    pub location: Location,
}

/// The normal form of a response, which is the content of a snapshot file.
fn normal_form(expectation: &SnapshotExpectation, view: &ResponseView<'_>, hide: Option<Hide<'_>>) -> String {
    let spelling = Spelling {
        names: &expectation.values,
        marks: expectation.mask.as_deref().map_or(&[], SnapshotMask::marks),
        hide,
    };
    let mut out = format!("HTTP {}\n", view.status);
    for name in expectation.headers.iter() {
        for value in header_values(name, view, &spelling) {
            let _ = writeln!(out, "{}", format!("{name}: {value}").trim_end());
        }
    }
    if view.body.is_empty() {
        return out;
    }
    out.push('\n');
    out.push_str(&body(expectation, view, &spelling));
    out.push('\n');
    match hide {
        Some(hide) => hide(&out),
        None => out,
    }
}

fn header_values(name: &str, view: &ResponseView<'_>, spelling: &Spelling<'_>) -> Vec<String> {
    let values: Vec<_> = view.header(name).collect();
    if name == "set-cookie" {
        return values.into_iter().map(|value| cookie(value, view, spelling)).collect();
    }
    if CREDENTIALS.contains(&name) {
        return values.into_iter().map(|_| HIDDEN.to_owned()).collect();
    }
    // The order of a list and its division into field lines are not significant.
    if let Some(list) = list_fields::normal(name, values.iter().copied()).filter(|_| !values.is_empty()) {
        return vec![spelling.field(name, &list)];
    }
    let text = |value: &str| match MediaType::parse(value).filter(|_| name == "content-type") {
        Some(kind) => spelling.field(name, &kind.to_string()),
        None => spelling.field(name, value),
    };
    values.into_iter().map(text).collect()
}

/// A cookie with its name and attributes. Its value differs each time, and so does the date at which it ends, unless the
/// cookie is deleted.
fn cookie(text: &str, view: &ResponseView<'_>, spelling: &Spelling<'_>) -> String {
    let mut parts = text.split(';');
    let pair = parts.next().unwrap_or_default();
    let mut out = match pair.split_once('=') {
        Some((name, _)) => format!("{}={HIDDEN}", spelling.text(name.trim())),
        None => HIDDEN.to_owned(),
    };
    for attribute in parts.map(str::trim) {
        let (name, value) = attribute.split_once('=').unwrap_or((attribute, ""));
        let is_later = || {
            let at = super::text::instant(value.trim());
            at.is_none_or(|at| at > view.received)
        };
        out.push_str("; ");
        if name.trim().eq_ignore_ascii_case("expires") && is_later() {
            let _ = write!(out, "{}={VOLATILE}", name.trim());
        } else {
            out.push_str(&spelling.text(attribute));
        }
    }
    out
}

fn body(expectation: &SnapshotExpectation, view: &ResponseView<'_>, spelling: &Spelling<'_>) -> String {
    if let Some(value) = json_of(view) {
        let steps = |pointer: &str| pointer.split('/').skip(1).map(json::unescaped).collect::<Vec<_>>();
        let volatile = expectation.redact.iter().map(|pointer| (steps(pointer), None));
        let captured = expectation.captured.iter();
        let captured = captured.map(|(pointer, name)| (steps(pointer), Some(name.as_str())));
        let all: Vec<_> = volatile.chain(captured).collect();
        let substitutes: Vec<_> = (all.iter())
            .map(|(steps, name)| Substitute { steps, name: *name })
            .collect();
        return spelling.json(value, &substitutes);
    }
    let base64 = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    match (view.text(), view.bytes()) {
        (
            Ok(Text {
                content: Ok(text),
                charset,
                has_mark,
            }),
            Ok(bytes),
        ) => {
            let charset = charset.filter(|_| text.as_bytes() != bytes);
            let charset = charset.map_or_else(String::new, |name| format!(", {name}"));
            let mark = if has_mark { ", byte order mark" } else { "" };
            format!("text{charset}{mark}:\n{}", spelling.text(&text))
        }
        (_, Ok(bytes)) => format!("base64:\n{}", base64(bytes)),
        (_, Err(_)) => format!("base64, not decoded:\n{}", base64(view.body.bytes())),
    }
}

/// The body as JSON. A body with a different media type is JSON only if it is an object or an array, because whitespace
/// around a number or a word is significant in text.
fn json_of<'v>(view: &'v ResponseView<'_>) -> Option<&'v Value> {
    let value = view.json().ok()?;
    let is_declared = view.media_type().is_none_or(MediaType::is_json);
    (is_declared || value.is_object() || value.is_array()).then_some(value)
}

/// The text with line feeds as line endings, as in snapshot files.
pub(crate) fn plain_lines(text: &str) -> Cow<'_, str> {
    if !text.contains('\r') {
        return Cow::Borrowed(text);
    }
    let lines: Vec<_> = text.split('\n').map(|line| line.trim_end_matches('\r')).collect();
    Cow::Owned(lines.join("\n"))
}

fn agrees(expectation: &SnapshotExpectation, stored: &str, new: &str) -> bool {
    let marks = expectation.mask.as_deref().map_or(&[][..], SnapshotMask::marks);
    let meaning = |text: &str| meaning(text, &expectation.values, marks);
    stored == new.trim_end() || {
        let stored = meaning(stored);
        !stored.iter().any(|part| matches!(part, Meaning::Unknown(_))) && stored == meaning(new)
    }
}

/// Compares; returns the new normal form if it differs, ready to be written.
pub(super) fn check(
    expectation: &SnapshotExpectation,
    request: &Request,
    view: &ResponseView<'_>,
    sink: &mut impl FindingSink,
) -> Option<String> {
    let stored = expectation.stored.as_deref();
    let stored = stored.map(|stored| plain_lines(stored.trim_end()));
    let mut new = normal_form(expectation, view, None);
    // Secrets are masked only if there is a difference, because responses usually contain none.
    let is_same = |new: &str| stored.as_deref().is_some_and(|stored| agrees(expectation, stored, new));
    if is_same(&new) {
        return None;
    }
    let mask = expectation.mask.as_deref();
    if let Some(hide) = mask.and_then(|mask| mask.of_exchange(request, view.response())) {
        new = normal_form(expectation, view, Some(&*hide));
        if is_same(&new) {
            return None;
        }
    }
    sink.fail(Layer::Snapshot, || {
        let mut finding = match stored {
            Some(_) => Finding::new(CheckId::Snapshot, "the response differs from its snapshot"),
            None => Finding::new(CheckId::Snapshot, "there is no snapshot yet")
                .expected("an accepted snapshot")
                .actual("none"),
        };
        let stored = stored.map_or_else(String::new, |stored| format!("{stored}\n"));
        finding.diff = Some(super::diff(&stored, &new));
        finding.location(&expectation.location)
    });
    Some(new)
}

#[cfg(test)]
mod tests;
