//! The messages of a mailbox, as they are compared: without what only their delivery sets.

use serde_json::Value;

use crate::model::{Request, Response};

/// Header fields of a message that are about its delivery and its encoding (RFC 5322 section 3.6, RFC 2045). The parts of a
/// message that people read are compared decoded.
const DELIVERY: [&str; 16] = [
    "arc-authentication-results",
    "arc-message-signature",
    "arc-seal",
    "authentication-results",
    "content-transfer-encoding",
    "content-type",
    "date",
    "delivered-to",
    "dkim-signature",
    "message-id",
    "mime-version",
    "received",
    "received-spf",
    "return-path",
    "x-mailer",
    "x-received",
];

/// Whether a response consists of the messages of a mailbox.
pub(super) fn is_mail(response: &Response) -> bool {
    response.version == Request::MAIL
}

/// Whether the value at a pointer into the messages of a mailbox is the time of a message.
pub(super) fn is_date(pointer: &str) -> bool {
    let mut steps = pointer.split('/').skip(1);
    steps.next() == Some("messages") && steps.next().is_some() && steps.eq(["date"])
}

/// The messages without header fields about their delivery. In a text, each of the links is replaced by its position, so
/// that a difference in a link is reported once.
pub(super) fn comparable(document: &Value) -> Value {
    let mut document = document.clone();
    let messages = document.get_mut("messages").and_then(Value::as_array_mut);
    for message in messages.into_iter().flatten() {
        if let Some(fields) = message.get_mut("headers").and_then(Value::as_object_mut) {
            fields.retain(|name, _| !DELIVERY.contains(&name.as_str()));
        }
        let links = message.get("links").and_then(Value::as_array);
        let links = links.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
        let mut links: Vec<(usize, String)> = links.enumerate().collect();
        // A link can be the beginning of another.
        links.sort_by_key(|(_, link)| std::cmp::Reverse(link.len()));
        for part in ["text", "html"] {
            let Some(Value::String(text)) = message.get_mut(part) else {
                continue;
            };
            for (position, link) in &links {
                let name = format!("[link {position}]");
                *text = text.replace(&link.replace('&', "&amp;"), &name).replace(link, &name);
            }
        }
    }
    document
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn delivery_and_links_in_texts_are_not_compared() {
        let message = |id: &str, link: &str| {
            json!({ "count": 1, "messages": [{
                "subject": "Hi", "links": [link, "https://shop"],
                "text": format!("Open {link} or https://shop"), "html": format!("<a href='{}'>", link.replace('&', "&amp;")),
                "headers": { "message-id": id, "received": [id, id], "subject": "Hi" },
            }] })
        };
        let compared = comparable(&message("<1@a>", "https://shop/o?a=1&b=2"));
        let text = "Open [link 0] or [link 1]";
        assert_eq!(compared.pointer("/messages/0/text"), Some(&text.into()));
        assert_eq!(
            compared.pointer("/messages/0/html"),
            Some(&"<a href='[link 0]'>".into())
        );
        assert_eq!(
            compared.pointer("/messages/0/headers"),
            Some(&json!({ "subject": "Hi" }))
        );
        let mut other = comparable(&message("<2@b>", "https://shop/o?a=3&b=4"));
        assert_ne!(compared, other);
        other["messages"][0]["links"] = compared["messages"][0]["links"].clone();
        assert_eq!(compared, other);
    }

    #[test]
    fn date_of_a_message_is_recognized() {
        assert!(is_date("/messages/0/date"));
        for other in [
            "/date",
            "/messages/0/subject",
            "/messages/0/headers/date",
            "/messages/date",
        ] {
            assert!(!is_date(other), "{other}");
        }
    }
}
