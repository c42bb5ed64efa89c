//! The bodies of requests, and the responses of an operation.

use std::collections::BTreeSet;

use super::{ChangePlace, collect::FoundChange, operations::DocumentComparer};
use crate::{
    check::{MediaType, fields},
    compare::{ChangeLevel, ChangeRule as Rule},
    openapi::{DeclaredContent, DeclaredHeader, DeclaredResponse, DeclaredStatus, Direction, DocumentPart, Operation},
};

/// Compares the bodies of the requests of an operation.
pub(super) fn compare_body(
    comparer: &mut DocumentComparer<'_, '_>,
    (old, new): (&Operation, &Operation),
    place: &ChangePlace,
) {
    let rule = match (&old.body, &new.body) {
        (None, None) => return,
        (None, Some(body)) if body.required => Rule::RequestBodyRequired,
        (None, Some(_)) => Rule::RequestBodyAdded,
        (Some(_), None) => Rule::RequestBodyRemoved,
        (Some(a), Some(b)) => {
            let rule = match (a.required, b.required) {
                (false, true) => Some(Rule::RequestBodyRequired),
                (true, false) => Some(Rule::RequestBodyOptional),
                _ => None,
            };
            let parts = (&a.part, &b.part);
            if let Some(rule) = rule {
                comparer.add(FoundChange::new(rule, place.clone(), Some(parts.0), Some(parts.1)));
            }
            let rules = MediaTypeRules {
                removed: Rule::RequestMediaTypeRemoved,
                added: Rule::RequestMediaTypeAdded,
                replaced: None,
                header: None,
            };
            contents(
                comparer,
                (&a.content, &b.content),
                (parts, place),
                Direction::Request,
                &rules,
            );
            return;
        }
    };
    let part = |operation: &Operation| {
        let body = operation.body.as_ref().map(|body| &body.part);
        body.unwrap_or(&operation.part).clone()
    };
    comparer.add(FoundChange::new(
        rule,
        place.clone(),
        Some(&part(old)),
        Some(&part(new)),
    ));
}

/// The rules for media types that only one side has.
struct MediaTypeRules {
    removed: Rule,
    added: Rule,
    /// The only media type was replaced.
    replaced: Option<Rule>,
    header: Option<&'static str>,
}

/// Whether a media type or range includes a second one: `text/*` includes `text/plain`.
fn includes(range: &str, name: &str) -> bool {
    let kind = |text: &str| MediaType::parse(text).map_or_else(|| text.to_ascii_lowercase(), |kind| kind.essence);
    let (range, name) = (kind(range), kind(name));
    let of_type = |prefix: &str| name.starts_with(prefix);
    range == name
        || range == "*/*"
        || range
            .strip_suffix('*')
            .is_some_and(|prefix| prefix.ends_with('/') && of_type(prefix))
}

/// Pairs of what both sides declare, and what only one side declares.
struct Paired<'o, 'n> {
    pairs: Vec<(&'o DeclaredContent, &'n DeclaredContent)>,
    left: Vec<&'o DeclaredContent>,
    right: Vec<&'n DeclaredContent>,
}

fn paired<'o, 'n>(old: &'o [DeclaredContent], new: &'n [DeclaredContent]) -> Paired<'o, 'n> {
    let (mut left, mut right): (Vec<_>, Vec<_>) = (old.iter().collect(), new.iter().collect());
    let mut pairs = Vec::new();
    let text = |one: &str| one.replace(' ', "").to_ascii_lowercase();
    let tests: [fn(&str, &str) -> bool; 2] = [|a, b| a == b, |a, b| includes(a, b) && includes(b, a)];
    for is_pair in tests {
        left.retain(|one| {
            let found = right
                .iter()
                .position(|other| is_pair(&text(&one.media_type), &text(&other.media_type)));
            let taken = found.map(|at| right.remove(at));
            pairs.extend(taken.map(|other| (*one, other)));
            taken.is_none()
        });
    }
    // What is not listed any more can be part of a range.
    let covered_by = |one: &DeclaredContent, all: &[&DeclaredContent]| {
        all.iter()
            .position(|range| includes(&range.media_type, &one.media_type))
    };
    let news: Vec<_> = new.iter().collect();
    left.retain(|one| {
        let found = covered_by(one, &news).map(|at| news[at]);
        pairs.extend(found.map(|other| (*one, other)));
        found.is_none()
    });
    let olds: Vec<_> = old.iter().collect();
    right.retain(|other| {
        let found = covered_by(other, &olds).map(|at| olds[at]);
        pairs.extend(found.map(|one| (one, *other)));
        found.is_none()
    });
    Paired { pairs, left, right }
}

fn contents(
    comparer: &mut DocumentComparer<'_, '_>,
    (old, new): (&[DeclaredContent], &[DeclaredContent]),
    (parts, place): ((&DocumentPart, &DocumentPart), &ChangePlace),
    direction: Direction,
    rules: &MediaTypeRules,
) {
    let mut found = paired(old, new);
    let in_media_type = |name: &str| ChangePlace {
        media_type: Some(name.to_owned()),
        header: rules.header.map(str::to_owned),
        ..place.clone()
    };
    if let (Some(rule), [one], [other], true) = (
        rules.replaced,
        found.left.as_slice(),
        found.right.as_slice(),
        found.pairs.is_empty(),
    ) {
        let change = FoundChange::new(
            rule,
            in_media_type(&other.media_type),
            Some(&one.part),
            Some(&other.part),
        );
        comparer.add(change.values(Some(one.media_type.clone()), Some(other.media_type.clone())));
        found.pairs.push((one, other));
        found.left.clear();
        found.right.clear();
    }
    for one in &found.left {
        let place = in_media_type(&one.media_type);
        let change = FoundChange::new(rules.removed, place, Some(&one.part), Some(parts.1));
        comparer.add(change.key(&one.media_type).values(Some(one.media_type.clone()), None));
    }
    for other in &found.right {
        let place = in_media_type(&other.media_type);
        let change = FoundChange::new(rules.added, place, Some(parts.0), Some(&other.part));
        comparer.add(
            change
                .key(&other.media_type)
                .values(None, Some(other.media_type.clone())),
        );
    }
    for (one, other) in found.pairs {
        let place = ChangePlace {
            media_type: Some(other.media_type.clone()),
            ..place.clone()
        };
        comparer.schema(one.schema.as_ref(), other.schema.as_ref(), direction, &place);
        comparer.schema(one.item_schema.as_ref(), other.item_schema.as_ref(), direction, &place);
        let encoding = |content: &DeclaredContent| content.part.at("encoding");
        comparer.unclassified("`encoding`", (&encoding(one), &encoding(other)), &place);
    }
}

/// Compares the responses of an operation.
pub(super) fn compare_responses(
    comparer: &mut DocumentComparer<'_, '_>,
    (old, new): (&Operation, &Operation),
    place: &ChangePlace,
) {
    let find = |operation: &'_ Operation, status: DeclaredStatus| -> Option<DeclaredResponse> {
        let own = operation.responses.iter().find(|one| one.status == status);
        let wider = || match status {
            DeclaredStatus::Code(code) => operation.response(code),
            DeclaredStatus::Range(_) => {
                let mut all = operation.responses.iter();
                all.find(|one| one.status == DeclaredStatus::Default)
            }
            DeclaredStatus::Default => None,
        };
        own.or_else(wider).cloned()
    };
    let mut pairs: Vec<(&DeclaredResponse, &DeclaredResponse)> = Vec::new();
    let (mut left, mut right) = (Vec::new(), Vec::new());
    let (olds, news): (Vec<_>, Vec<_>) = (
        new.responses.iter().map(|one| find(old, one.status)).collect(),
        old.responses.iter().map(|one| find(new, one.status)).collect(),
    );
    for (one, found) in old.responses.iter().zip(&news) {
        match found {
            Some(other) => pairs.push((one, other)),
            None => left.push(one),
        }
    }
    for (other, found) in new.responses.iter().zip(&olds) {
        match found {
            Some(one) if one.status != other.status => pairs.push((one, other)),
            Some(_) => {}
            None => right.push(other),
        }
    }
    let is_success = |response: &&DeclaredResponse| class(response.status) == Some(2);
    let successes = |all: &[&DeclaredResponse]| all.iter().filter(|one| is_success(one)).count();
    if successes(&left) == 1 && successes(&right) == 1 {
        let one = left.iter().position(&is_success).map(|at| left.remove(at));
        let other = right.iter().position(is_success).map(|at| right.remove(at));
        if let (Some(one), Some(other)) = (one, other) {
            let place = with_status(place, other.status);
            let found = FoundChange::new(Rule::StatusSuccessChanged, place, Some(&one.part), Some(&other.part));
            comparer.add(found.values(Some(one.status.to_string()), Some(other.status.to_string())));
            pairs.push((one, other));
        }
    }
    for one in left {
        let status = one.status.to_string();
        let found = FoundChange::new(
            Rule::StatusRemoved,
            with_status(place, one.status),
            Some(&one.part),
            Some(&new.part.at("responses")),
        );
        let found = found.key(&status).values(Some(status), None);
        comparer.add(match class(one.status) {
            Some(2 | 3) => found.level(
                ChangeLevel::Breaking,
                "a response that clients depend on is not declared any more",
            ),
            _ => found,
        });
    }
    for other in right {
        let status = other.status.to_string();
        let place = with_status(place, other.status);
        let parts = (old.part.at("responses"), &other.part);
        let found = FoundChange::new(Rule::StatusAdded, place, Some(&parts.0), Some(parts.1));
        comparer.add(found.key(&status).values(None, Some(status)));
    }
    for (one, other) in pairs {
        // A response that is part of a range is named by its own key.
        let status = one.status.min(other.status);
        response(comparer, (one, other), &with_status(place, status));
    }
}

fn class(status: DeclaredStatus) -> Option<u16> {
    match status {
        DeclaredStatus::Code(code) => Some(code / 100),
        DeclaredStatus::Range(digit) => Some(digit),
        DeclaredStatus::Default => None,
    }
}

fn with_status(place: &ChangePlace, status: DeclaredStatus) -> ChangePlace {
    ChangePlace {
        status: Some(status.to_string()),
        ..place.clone()
    }
}

fn response(
    comparer: &mut DocumentComparer<'_, '_>,
    (old, new): (&DeclaredResponse, &DeclaredResponse),
    place: &ChangePlace,
) {
    let parts = (&old.part, &new.part);
    headers(comparer, (&old.headers, &new.headers), (parts, place));
    let rule = match (old.content.is_empty(), new.content.is_empty()) {
        (false, true) => Rule::BodyVanished,
        (true, false) => Rule::BodyAppeared,
        (true, true) => return,
        (false, false) => {
            let rules = MediaTypeRules {
                removed: Rule::HeaderMediaTypeRemoved,
                added: Rule::HeaderMediaTypeAdded,
                replaced: Some(Rule::HeaderMediaTypeChanged),
                header: Some("content-type"),
            };
            contents(
                comparer,
                (&old.content, &new.content),
                (parts, place),
                Direction::Response,
                &rules,
            );
            return;
        }
    };
    comparer.add(FoundChange::new(rule, place.clone(), Some(parts.0), Some(parts.1)));
}

fn headers(
    comparer: &mut DocumentComparer<'_, '_>,
    (old, new): (&[DeclaredHeader], &[DeclaredHeader]),
    (parts, place): ((&DocumentPart, &DocumentPart), &ChangePlace),
) {
    let name = |header: &DeclaredHeader| header.name.to_ascii_lowercase();
    let names: BTreeSet<_> = old.iter().chain(new).map(name).collect();
    for field in names {
        let find = |all: &'_ [DeclaredHeader]| all.iter().find(|one| name(one) == field).cloned();
        let place = ChangePlace {
            header: Some(field.clone()),
            ..place.clone()
        };
        let word = |header: &DeclaredHeader| Some(if header.required { "required" } else { "optional" }.to_owned());
        let of_server = |found: FoundChange| {
            if fields::is_of_server(&field) {
                let reason = "the field is about the server's software, not about the API";
                found.level(ChangeLevel::Info, reason)
            } else {
                found
            }
        };
        match (find(old), find(new)) {
            (Some(one), None) => {
                let found = FoundChange::new(Rule::HeaderRemoved, place, Some(&one.part), Some(parts.1));
                comparer.add(of_server(found.key(&field).values(word(&one), None)));
            }
            (None, Some(other)) => {
                let found = FoundChange::new(Rule::HeaderAdded, place, Some(parts.0), Some(&other.part));
                comparer.add(of_server(found.key(&field).values(None, word(&other))));
            }
            (Some(one), Some(other)) => header(comparer, (&one, &other), &place),
            (None, None) => {}
        }
    }
}

fn header(
    comparer: &mut DocumentComparer<'_, '_>,
    (old, new): (&DeclaredHeader, &DeclaredHeader),
    place: &ChangePlace,
) {
    let rule = match (old.required, new.required) {
        (true, false) => Some(Rule::HeaderOptional),
        (false, true) => Some(Rule::HeaderRequired),
        _ => None,
    };
    if let Some(rule) = rule {
        comparer.add(FoundChange::new(rule, place.clone(), Some(&old.part), Some(&new.part)));
    }
    let schema = |header: &DeclaredHeader| {
        let of_content = header.content.as_ref().and_then(|content| content.schema.clone());
        header.schema.clone().or(of_content)
    };
    let (a, b) = (schema(old), schema(new));
    comparer.schema(a.as_ref(), b.as_ref(), Direction::Response, place);
}
