//! Operators that change the messages of a mailbox as faults of the sender do.

use serde_json::{Value, json};

use super::mutant::{MutantTarget, Mutants};

/// Maximum number of messages, and of links of a message, that are changed.
const ITEMS: usize = 20;

pub(super) fn missing(out: &mut Mutants<'_>) {
    for at in 0..messages(out) {
        list_changed(out, |all| drop(all.remove(at)));
    }
}

pub(super) fn doubled(out: &mut Mutants<'_>) {
    for at in 0..messages(out) {
        list_changed(out, |all| all.insert(at, all[at].clone()));
    }
}

pub(super) fn appeared(out: &mut Mutants<'_>) {
    if messages(out) == 0 {
        list_changed(out, |all| {
            all.push(json!({
                "from": "sender@example.com", "to": ["recipient@example.com"], "subject": "Hello",
                "date": "2026-01-01T00:00:00Z", "text": "Hello\nhttps://example.com/1\n", "html": null,
                "links": ["https://example.com/1"], "headers": { "subject": "Hello" },
            }));
        });
    }
}

pub(super) fn recipient_changed(out: &mut Mutants<'_>) {
    const OTHER: &str = "someone.else@example.com";
    for at in 0..messages(out) {
        message_changed(out, at, "to", |message| {
            set_header(message, "to", OTHER);
            message["to"] = json!([OTHER]);
        });
    }
}

pub(super) fn subject_changed(out: &mut Mutants<'_>) {
    for at in 0..messages(out) {
        message_changed(out, at, "subject", |message| {
            set_header(message, "subject", "Notification");
            message["subject"] = json!("Notification");
        });
    }
}

pub(super) fn text_emptied(out: &mut Mutants<'_>) {
    for at in 0..messages(out) {
        message_changed(out, at, "text", |message| {
            message["text"] = json!("");
            message["html"] = Value::Null;
            message["links"] = json!([]);
        });
    }
}

pub(super) fn link_removed(out: &mut Mutants<'_>) {
    each_link(out, |message, at, link| {
        replace(message, link, "");
        if let Some(links) = message["links"].as_array_mut() {
            links.remove(at);
        }
    });
}

pub(super) fn link_cut(out: &mut Mutants<'_>) {
    each_link(out, |message, at, link| {
        let cut = cut(link);
        replace(message, link, cut);
        message["links"][at] = json!(cut);
    });
}

/// A link without what follows its last `=` or `/`: where the code of a template is.
fn cut(link: &str) -> &str {
    let end = link.trim_end_matches(['=', '/']).rfind(['=', '/']);
    end.map_or(link, |end| &link[..=end])
}

fn messages(out: &Mutants<'_>) -> usize {
    let all = out.at("/messages").and_then(Value::as_array);
    all.map_or(0, |all| all.len().min(ITEMS))
}

fn list_changed(out: &mut Mutants<'_>, change: impl FnOnce(&mut Vec<Value>)) {
    out.add_json(&MutantTarget::Body("/messages".to_owned()), "", |document| {
        let Some(all) = document.get_mut("messages").and_then(Value::as_array_mut) else {
            return false;
        };
        change(all);
        let count = all.len();
        document["count"] = json!(count);
        true
    });
}

fn message_changed(out: &mut Mutants<'_>, at: usize, part: &str, change: impl FnOnce(&mut Value)) {
    let target = MutantTarget::Body(format!("/messages/{at}/{part}"));
    out.add_json(&target, &format!("/messages/{at}"), |message| {
        let is_message = message.is_object();
        if is_message {
            change(message);
        }
        is_message
    });
}

fn each_link(out: &mut Mutants<'_>, change: impl Fn(&mut Value, usize, &str)) {
    for at in 0..messages(out) {
        let links = out.at(&format!("/messages/{at}/links")).and_then(Value::as_array);
        let links: Vec<_> = links
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect();
        for (number, link) in links.iter().enumerate().take(ITEMS) {
            message_changed(out, at, &format!("links/{number}"), |message| {
                change(message, number, link);
            });
        }
    }
}

/// Replaces a link in the bodies of a message; in HTML its `&` is a reference.
fn replace(message: &mut Value, link: &str, new: &str) {
    for part in ["text", "html"] {
        if let Some(text) = message[part].as_str() {
            let text = text
                .replace(link, new)
                .replace(&link.replace('&', "&amp;"), &new.replace('&', "&amp;"));
            message[part] = json!(text);
        }
    }
}

fn set_header(message: &mut Value, name: &str, value: &str) {
    if let Some(header) = message.get_mut("headers").and_then(|headers| headers.get_mut(name)) {
        *header = json!(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_is_cut_before_its_code() {
        assert_eq!(
            cut("https://a.test/activate?user=1&code=abc"),
            "https://a.test/activate?user=1&code="
        );
        assert_eq!(cut("https://a.test/activate/abc"), "https://a.test/activate/");
        assert_eq!(cut("https://a.test/activate/"), "https://a.test/");
    }

    #[test]
    fn link_is_replaced_in_text_and_html() {
        let mut message =
            json!({ "text": "x https://a.test/?b=1&c=2 y", "html": "<a href='https://a.test/?b=1&amp;c=2'>" });
        replace(&mut message, "https://a.test/?b=1&c=2", "");
        assert_eq!(message, json!({ "text": "x  y", "html": "<a href=''>" }));
    }
}
