//! Explains why a value violates a schema, in text of limited length.

use std::fmt::Write as _;

use jsonschema::{ValidationError, error::ValidationErrorKind};
use serde_json::Value;

use super::{Schema, analysis::shorten};

/// Maximum length of an explanation in characters.
const MAX_LENGTH: usize = 1200;
/// Maximum number of branches that are explained.
const MAX_BRANCHES: usize = 8;
/// Maximum number of errors shown for each branch.
const MAX_ERRORS: usize = 2;
/// Maximum number of `anyOf` and `oneOf` in one another that are explained.
const MAX_NESTED: usize = 3;

/// The explanation in one line.
pub(super) fn explain(error: &ValidationError<'_>, schema: &Schema) -> String {
    let mut text = String::new();
    write_error(error, schema, "", 0, &mut text);
    shorten(&text, MAX_LENGTH)
}

fn write_error(error: &ValidationError<'_>, schema: &Schema, around: &str, nested: usize, text: &mut String) {
    let at = error.instance_path().as_str();
    if nested > 0 && at != around {
        let _ = write!(text, "at {}: ", shorten(at, 80));
    }
    match error.kind() {
        ValidationErrorKind::AnyOf { context } if nested < MAX_NESTED => {
            write_branches("anyOf", error, context, schema, nested, text);
        }
        ValidationErrorKind::OneOfNotValid { context } if nested < MAX_NESTED => {
            write_branches("oneOf", error, context, schema, nested, text);
        }
        ValidationErrorKind::OneOfMultipleValid { context } => {
            let matching: Vec<_> = context
                .iter()
                .enumerate()
                .filter(|(_, errors)| errors.is_empty())
                .map(|(index, _)| branch_name(error, index, schema))
                .collect();
            let shown = matching
                .iter()
                .take(MAX_BRANCHES)
                .cloned()
                .collect::<Vec<_>>()
                .join(" and ");
            let _ = write!(text, "`oneOf` allows one branch, and {} match: {shown}", matching.len());
        }
        _ => {
            let line = error.masked_with("the value").to_string().replace('\n', " ");
            text.push_str(&shorten(&line, if nested == 0 { MAX_LENGTH } else { 120 }));
        }
    }
}

fn write_branches(
    keyword: &str,
    error: &ValidationError<'_>,
    context: &[Vec<ValidationError<'static>>],
    schema: &Schema,
    nested: usize,
    text: &mut String,
) {
    let _ = write!(text, "no branch of `{keyword}` matches (");
    for (index, errors) in context.iter().take(MAX_BRANCHES).enumerate() {
        if index > 0 {
            text.push_str("; ");
        }
        let _ = write!(text, "{}: ", branch_name(error, index, schema));
        for (at, inner) in errors.iter().take(MAX_ERRORS).enumerate() {
            if at > 0 {
                text.push_str(", ");
            }
            write_error(inner, schema, error.instance_path().as_str(), nested + 1, text);
        }
        if errors.len() > MAX_ERRORS {
            let _ = write!(text, ", and {} more", errors.len() - MAX_ERRORS);
        }
        if text.len() > 2 * MAX_LENGTH {
            break;
        }
    }
    if context.len() > MAX_BRANCHES {
        let _ = write!(text, "; and {} more branches", context.len() - MAX_BRANCHES);
    }
    text.push(')');
}

/// The name of a branch: its title, its reference, or its number.
fn branch_name(error: &ValidationError<'_>, index: usize, schema: &Schema) -> String {
    let number = format!("{}", index + 1);
    let Some(branch) = schema
        .keyword(error)
        .and_then(|keyword| keyword.as_array()?.get(index).cloned())
    else {
        return number;
    };
    let title = branch.get("title").and_then(Value::as_str);
    let reference = ["$ref", "$dynamicRef"].iter().find_map(|key| branch.get(key)?.as_str());
    let last = reference.map(|reference| reference.rsplit(['/', '#']).next().unwrap_or(reference));
    match title.or(last).filter(|name| !name.is_empty()) {
        Some(name) => format!("{number} `{}`", shorten(name, 60)),
        None => number,
    }
}
