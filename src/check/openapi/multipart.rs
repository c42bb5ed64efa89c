//! The parts of `multipart/form-data` (RFC 7578).

use std::ops::Range;

use super::super::media_type::MediaType;

/// A part of a form, by its bytes in the body.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MultipartPart {
    /// Its name.
    pub(crate) name: String,
    /// Whether it has a file name.
    pub(crate) is_file: bool,
    /// Its media type, if it states one.
    pub(crate) media_type: Option<MediaType>,
    /// From its delimiter to the end of its content.
    pub(crate) whole: Range<usize>,
    /// Its content.
    pub(crate) content: Range<usize>,
}

/// The parts of a body; `None` if it is not multipart, or if a part has no name.
pub(crate) fn form_parts(kind: &MediaType, body: &[u8]) -> Option<Vec<MultipartPart>> {
    let boundary = kind.parameters.get("boundary").filter(|text| !text.is_empty())?;
    let delimiter = format!("\r\n--{boundary}");
    // The first delimiter can be at the start.
    let mut at = if body.starts_with(&delimiter.as_bytes()[2..]) {
        delimiter.len() - 2
    } else {
        find(body, delimiter.as_bytes(), 0)? + delimiter.len()
    };
    let mut parts = Vec::new();
    loop {
        let rest = body.get(at..)?;
        if rest.starts_with(b"--") {
            return Some(parts);
        }
        let padding = rest.iter().take_while(|byte| b" \t".contains(byte)).count();
        if !rest[padding..].starts_with(b"\r\n") {
            return None;
        }
        let start = at + padding;
        let end = find(body, delimiter.as_bytes(), start)?;
        let (name, is_file, media_type, content) = part(body, start, end)?;
        parts.push(MultipartPart {
            name,
            is_file,
            media_type,
            whole: at - (delimiter.len() - 2)..end,
            content,
        });
        at = end + delimiter.len();
    }
}

/// The name of a part, whether it is a file, its media type, and its content. `start` is before the line break that ends
/// the delimiter.
fn part(body: &[u8], start: usize, end: usize) -> Option<(String, bool, Option<MediaType>, Range<usize>)> {
    let head = find(body, b"\r\n\r\n", start).filter(|at| *at <= end)?;
    let content = (head + 4).min(end)..end;
    let text = String::from_utf8_lossy(body.get(start..head)?)
        .replace("\r\n ", " ")
        .replace("\r\n\t", " ");
    let field = |wanted: &str| {
        text.split("\r\n").find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case(wanted).then(|| value.trim().to_owned())
        })
    };
    let disposition = field("content-disposition")?;
    let name = parameter(&disposition, "name")?;
    let is_file = parameter(&disposition, "filename")
        .or_else(|| parameter(&disposition, "filename*"))
        .is_some();
    let media_type = field("content-type").and_then(|text| MediaType::parse(&text));
    Some((name, is_file, media_type, content))
}

/// A parameter of `Content-Disposition`. Browsers percent-encode quotation marks and line breaks in it.
fn parameter(text: &str, wanted: &str) -> Option<String> {
    let mut rest = text.split_once(';')?.1;
    loop {
        let (name, value) = rest.split_once('=')?;
        let (value, after) = match value.trim_start().strip_prefix('"') {
            Some(quoted) => {
                let end = quoted.find('"')?;
                (&quoted[..end], &quoted[end + 1..])
            }
            None => value.split_at(value.find(';').unwrap_or(value.len())),
        };
        if name.trim().eq_ignore_ascii_case(wanted) {
            let text = value
                .trim()
                .replace("%22", "\"")
                .replace("%0D", "\r")
                .replace("%0A", "\n");
            return Some(text);
        }
        rest = after.split_once(';')?.1;
    }
}

fn find(bytes: &[u8], wanted: &[u8], from: usize) -> Option<usize> {
    memchr::memmem::find(bytes.get(from..)?, wanted).map(|at| from + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multipart_is_read_by_part() {
        let kind = MediaType::parse("multipart/form-data; boundary=\"a b\"").unwrap();
        let body = b"preamble\r\n--a b \r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n1\r\n2\r\n--a b\r\ncontent-type: image/png\r\n\
                     CONTENT-DISPOSITION: form-data; filename=\"a;b\"; name=y%22\r\n\r\n\r\n--a b--\r\nepilogue";
        let parts = form_parts(&kind, body).unwrap();
        let seen: Vec<_> = parts
            .iter()
            .map(|part| (part.name.as_str(), part.is_file, &body[part.content.clone()]))
            .collect();
        assert_eq!(seen, [("x", false, &b"1\r\n2"[..]), ("y\"", true, &b""[..])]);
        assert!(body[parts[1].whole.clone()].starts_with(b"--a b\r\ncontent-type"));
        assert_eq!(parts[1].media_type.as_ref().unwrap().essence, "image/png");
        for wrong in [
            &b"--a b\r\n\r\n"[..],
            b"--a b\r\n\r\nx\r\n--a b--",
            b"--a b",
            b"",
            b"{}",
        ] {
            assert_eq!(form_parts(&kind, wrong), None, "{:?}", String::from_utf8_lossy(wrong));
        }
        let plain = MediaType::parse("multipart/form-data").unwrap();
        assert_eq!(form_parts(&plain, body), None);
    }
}
