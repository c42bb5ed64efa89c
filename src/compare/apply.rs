//! Application of one difference to the response of the baseline, so that failing checks are caused by it alone.

use serde_json::Value;

use super::{
    ChangeRule as Rule, cookies,
    difference::{ChangedPart, Difference, Edit, EditChange, EditStep, ResponseWithVariables},
    responses::relocated,
};
use crate::{
    check::{MAX_DECODED, ResponseView},
    model::{Content, Response},
};

/// The response of the baseline `a` with one difference of `b`. `None` where the difference is not one of the response.
pub(super) fn applied(
    difference: &Difference,
    a: ResponseWithVariables<'_>,
    b: ResponseWithVariables<'_>,
) -> Option<Response> {
    let text = |text: &str| a.names.fill_plain(&b.substitute_names(text));
    let mut response = a.response.clone();
    match &difference.part {
        ChangedPart::Whole => return None,
        ChangedPart::Status => {
            // Everything else that differs follows from the status.
            response = b.response.clone();
            response.received = a.response.received;
            response.elapsed_us = a.response.elapsed_us;
            for (_, value) in response.headers.iter_mut().chain(&mut response.trailers) {
                *value = text(value);
            }
            response.body = translated(b.response, text);
            measure(&mut response);
        }
        ChangedPart::Header(name) if !difference.kind.is_empty() && name == "set-cookie" => {
            cookies::replace(&mut response, b.response, &difference.kind);
        }
        ChangedPart::Header(name) => {
            response.replace_field(name, b.response.header(name).map(text));
            if difference.rule == Rule::HeaderMediaTypeChanged {
                response.body = translated(b.response, text);
                measure(&mut response);
            } else if name == "location" {
                // The text of a redirect contains it.
                let is_json = ResponseView::new(a.response, MAX_DECODED).json().is_ok();
                if !is_json && !response.body.is_empty() {
                    response.body = translated(a.response, |text| relocated(text, a.response, b.response));
                    measure(&mut response);
                }
            }
        }
        ChangedPart::Body(_) if is_of_whole_body(difference.rule) => {
            let fields = |response: &Response| -> Vec<(String, String)> {
                let fields = response.headers.iter();
                fields
                    .filter(|(name, _)| name.to_ascii_lowercase().starts_with("content-"))
                    .cloned()
                    .collect()
            };
            if matches!(difference.rule, Rule::BodyVanished | Rule::BodyAppeared) {
                response
                    .headers
                    .retain(|(name, _)| !name.to_ascii_lowercase().starts_with("content-"));
                response.headers.extend(fields(b.response));
            }
            response.body = translated(b.response, text);
            response.excess = b.response.excess.clone();
            measure(&mut response);
        }
        ChangedPart::Body(_) => {
            let mut value = ResponseView::new(&response, MAX_DECODED).json().ok()?.clone();
            for edit in &difference.edits {
                apply(&mut value, &edit.at, edit);
            }
            response.body = Content::decoded(value.to_string().into_bytes());
            measure(&mut response);
        }
    }
    Some(response)
}

/// Whether a rule is about the body as a whole.
pub(super) fn is_of_whole_body(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::BodyVanished | Rule::BodyAppeared | Rule::BodyNotJson | Rule::BodyBecameJson | Rule::BodyTextChanged
    )
}

/// The body of a response, its content codings removed, with the values of the other target's variables.
fn translated(response: &Response, text: impl Fn(&str) -> String) -> Content {
    let view = ResponseView::new(response, MAX_DECODED);
    let Ok(bytes) = view.bytes() else {
        return response.body.clone();
    };
    match std::str::from_utf8(bytes) {
        Ok(plain) => Content::decoded(text(plain).into_bytes()),
        Err(_) => Content::decoded(bytes.to_vec()),
    }
}

/// Declares the length that the body has now, where one was declared.
fn measure(response: &mut Response) {
    let length = response.body.bytes().len();
    for (name, value) in &mut response.headers {
        if name.eq_ignore_ascii_case("content-length") {
            *value = length.to_string();
        }
    }
}

fn apply(value: &mut Value, at: &[EditStep], edit: &Edit) {
    let Some((step, rest)) = at.split_first() else {
        match &edit.change {
            EditChange::Replace(new) | EditChange::Insert(new) => *value = new.clone(),
            EditChange::Remove => {}
        }
        return;
    };
    match (step, value) {
        (EditStep::Name(name), Value::Object(entries)) => {
            if !rest.is_empty() {
                if let Some(inner) = entries.get_mut(name) {
                    apply(inner, rest, edit);
                }
                return;
            }
            match &edit.change {
                EditChange::Remove => drop(entries.remove(name)),
                EditChange::Insert(new) => drop(entries.insert(name.clone(), new.clone())),
                EditChange::Replace(new) => {
                    if let Some(old) = entries.get_mut(name) {
                        *old = new.clone();
                    }
                }
            }
        }
        (EditStep::Item(at), Value::Array(items)) => {
            if let Some(item) = items.get_mut(*at) {
                apply(item, rest, edit);
            }
        }
        (EditStep::EveryItem, Value::Array(items)) => {
            for item in items {
                apply(item, rest, edit);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_edit_changes_its_place_and_nothing_else() {
        let name = |name: &str| EditStep::Name(name.to_owned());
        for (at, change, expected) in [
            (vec![name("a")], EditChange::Remove, json!({"l": [{"n": 1}, {"n": 2}]})),
            (
                vec![name("b")],
                EditChange::Insert(json!(0)),
                json!({"a": 1, "b": 0, "l": [{"n": 1}, {"n": 2}]}),
            ),
            (
                vec![name("b")],
                EditChange::Replace(json!(0)),
                json!({"a": 1, "l": [{"n": 1}, {"n": 2}]}),
            ),
            (
                vec![name("l"), EditStep::Item(1), name("n")],
                EditChange::Replace(json!("x")),
                json!({"a": 1, "l": [{"n": 1}, {"n": "x"}]}),
            ),
            (
                vec![name("l"), EditStep::EveryItem, name("n")],
                EditChange::Remove,
                json!({"a": 1, "l": [{}, {}]}),
            ),
            (vec![], EditChange::Replace(json!([])), json!([])),
        ] {
            let mut value = json!({"a": 1, "l": [{"n": 1}, {"n": 2}]});
            apply(&mut value, &at, &Edit { at: at.clone(), change });
            assert_eq!(value, expected);
        }
    }
}
