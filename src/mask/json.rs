//! Masks in place of numbers in JSON.

use crate::model::HIDDEN;

/// JSON in which masks of numbers are strings: `{"pin":$PIN}` becomes `{"pin":"$PIN"}`.
pub(super) fn with_quotes(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 2);
    let mut rest = text;
    while let Some(first) = rest.first() {
        let length = match first {
            b'"' => string(rest),
            _ => scalar(rest),
        };
        let (token, after) = rest.split_at(length.max(1));
        let is_masked = *first != b'"' && length > 0 && (token.contains(&b'$') || has_hidden(token));
        if is_masked {
            out.push(b'"');
        }
        out.extend_from_slice(token);
        if is_masked {
            out.push(b'"');
        }
        rest = after;
    }
    out
}

/// The length of a string with its quotation marks.
fn string(text: &[u8]) -> usize {
    let mut at = 1;
    while at < text.len() {
        match text[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

/// The length of a number or word, with the masks in it; 0 before punctuation and whitespace.
fn scalar(text: &[u8]) -> usize {
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        at += if rest.starts_with(HIDDEN.as_bytes()) {
            HIDDEN.len()
        } else if rest.starts_with(b"${") {
            rest.iter()
                .position(|byte| *byte == b'}')
                .map_or(rest.len(), |end| end + 1)
        } else if b" \t\r\n,:[]{}\"".contains(&rest[0]) {
            break;
        } else {
            1
        };
    }
    at
}

fn has_hidden(text: &[u8]) -> bool {
    text.windows(HIDDEN.len()).any(|part| part == HIDDEN.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masked_numbers_become_strings_and_the_rest_is_unchanged() {
        for (masked, quoted) in [
            (r#"{"pin":$PIN}"#, r#"{"pin":"$PIN"}"#),
            (r"[$PIN, -$PIN.0,[hidden] ]", r#"["$PIN", "-$PIN.0","[hidden]" ]"#),
            (
                r#"{"a":"$PIN, \"$PIN","b":1$PIN2}"#,
                r#"{"a":"$PIN, \"$PIN","b":"1$PIN2"}"#,
            ),
            (r"[${PIN%?},true]", r#"["${PIN%?}",true]"#),
            (r#"{"a":[1,"[hidden]"]}"#, r#"{"a":[1,"[hidden]"]}"#),
            ("$PIN", "\"$PIN\""),
            ("\"$PIN", "\"$PIN"),
            ("", ""),
        ] {
            assert_eq!(String::from_utf8(with_quotes(masked.as_bytes())).unwrap(), quoted);
        }
    }
}
