//! Application of one difference to the response of the baseline, so that failing checks are caused by it alone.

use serde_json::Value;

use super::{
    ChangeRule as Rule,
    answers::relocated,
    cookies,
    difference::{ChangedPart, Difference, Edit, EditChange, EditStep, Told},
};
use crate::{
    check::{MAX_DECODED, ResponseView},
    model::{Answer, Content},
};

/// The response of the baseline `a` with one difference of `b`. `None` where the difference is not one of the response.
pub(super) fn applied(difference: &Difference, a: Told<'_>, b: Told<'_>) -> Option<Answer> {
    let text = |text: &str| a.names.fill_plain(&b.substitute_names(text));
    let mut answer = a.answer.clone();
    match &difference.part {
        ChangedPart::Whole => return None,
        ChangedPart::Status => {
            // Everything else that differs follows from the status.
            answer = b.answer.clone();
            answer.received = a.answer.received;
            answer.elapsed_us = a.answer.elapsed_us;
            for (_, value) in &mut answer.headers {
                *value = text(value);
            }
            answer.body = translated(b.answer, text);
            measure(&mut answer);
        }
        ChangedPart::Header(name) if !difference.kind.is_empty() && name == "set-cookie" => {
            cookies::replace(&mut answer, b.answer, &difference.kind);
        }
        ChangedPart::Header(name) => {
            answer.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
            let new = b.answer.header(name).map(|value| (name.clone(), text(value)));
            answer.headers.extend(new);
            if difference.rule == Rule::HeaderMediaTypeChanged {
                answer.body = translated(b.answer, text);
                measure(&mut answer);
            } else if name == "location" {
                // The text of a redirect contains it.
                let is_json = ResponseView::new(a.answer, MAX_DECODED).json().is_ok();
                if !is_json && !answer.body.is_empty() {
                    answer.body = translated(a.answer, |text| relocated(text, a.answer, b.answer));
                    measure(&mut answer);
                }
            }
        }
        ChangedPart::Body(_) if is_of_whole_body(difference.rule) => {
            let fields = |answer: &Answer| -> Vec<(String, String)> {
                let fields = answer.headers.iter();
                fields
                    .filter(|(name, _)| name.to_ascii_lowercase().starts_with("content-"))
                    .cloned()
                    .collect()
            };
            if matches!(difference.rule, Rule::BodyVanished | Rule::BodyAppeared) {
                answer
                    .headers
                    .retain(|(name, _)| !name.to_ascii_lowercase().starts_with("content-"));
                answer.headers.extend(fields(b.answer));
            }
            answer.body = translated(b.answer, text);
            answer.excess = b.answer.excess.clone();
            measure(&mut answer);
        }
        ChangedPart::Body(_) => {
            let mut value = ResponseView::new(&answer, MAX_DECODED).json().ok()?.clone();
            for edit in &difference.edits {
                apply(&mut value, &edit.at, edit);
            }
            answer.body = Content::decoded(value.to_string().into_bytes());
            measure(&mut answer);
        }
    }
    Some(answer)
}

/// Whether a rule is about the body as a whole.
pub(super) fn is_of_whole_body(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::BodyVanished | Rule::BodyAppeared | Rule::BodyNotJson | Rule::BodyBecameJson | Rule::BodyTextChanged
    )
}

/// The body of a response, its content codings removed, with the values of the other target's variables.
fn translated(answer: &Answer, text: impl Fn(&str) -> String) -> Content {
    let view = ResponseView::new(answer, MAX_DECODED);
    let Ok(bytes) = view.bytes() else {
        return answer.body.clone();
    };
    match std::str::from_utf8(bytes) {
        Ok(plain) => Content::decoded(text(plain).into_bytes()),
        Err(_) => Content::decoded(bytes.to_vec()),
    }
}

/// Declares the length that the body has now, where one was declared.
fn measure(answer: &mut Answer) {
    let length = answer.body.bytes().len();
    for (name, value) in &mut answer.headers {
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
