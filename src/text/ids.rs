//! Texts that are likely to be ids.

/// Whether a text is likely to be an id: a number, a UUID, a long text of hexadecimal digits, or a long text with digits.
pub(crate) fn is_id(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let is_hexadecimal = text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    digits > 0 && digits == text.len()
        || is_hexadecimal && text.len() >= 12 && digits > 0
        || text.len() >= 20 && digits > 2
}
