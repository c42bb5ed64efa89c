//! Which spellings are a GUID, as .NET's `Guid.Parse` documents its formats N, D, B and P.

/// The value of a GUID in one of the spellings N, D, B or P, hex digits in either case; `None` for anything else.
#[must_use]
pub(crate) fn parse(text: &str) -> Option<u128> {
    let hyphenated = unwrap(text, '{', '}').or_else(|| unwrap(text, '(', ')'));
    match hyphenated {
        Some(inner) => parse_d(inner),
        None => parse_d(text).or_else(|| parse_n(text)),
    }
}

/// The value of a GUID in the spelling D: 32 hex digits with hyphens after the 8th, 12th, 16th and 20th.
#[must_use]
pub(crate) fn parse_d(text: &str) -> Option<u128> {
    let groups: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    if lengths == [8, 4, 4, 4, 12] {
        parse_n(&groups.concat())
    } else {
        None
    }
}

/// The value of a GUID in the spelling N: 32 hex digits.
fn parse_n(text: &str) -> Option<u128> {
    let all_hex = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if all_hex {
        u128::from_str_radix(text, 16).ok()
    } else {
        None
    }
}

/// The value of a GUID in the spelling X: `{0x00000000,0x0000,0x0000,{0x00,…}}`, every group at its full length.
#[must_use]
pub(crate) fn parse_x(text: &str) -> Option<u128> {
    let outer = unwrap(text, '{', '}')?;
    let (head, bytes) = outer.split_once(",{")?;
    let bytes = bytes.strip_suffix('}')?;
    let groups: Option<Vec<&str>> = head
        .split(',')
        .chain(bytes.split(','))
        .map(|group| group.strip_prefix("0x"))
        .collect();
    let groups = groups?;
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    if lengths == [8, 4, 4, 2, 2, 2, 2, 2, 2, 2, 2] {
        parse_n(&groups.concat())
    } else {
        None
    }
}

fn unwrap(text: &str, open: char, close: char) -> Option<&str> {
    text.strip_prefix(open)?.strip_suffix(close)
}
