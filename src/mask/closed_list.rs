//! Property tests over the closed list of masked forms: every pair of encodings of a secret is masked.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::{
    prelude::*,
    sample::select,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use super::Masker;
use crate::project::Secret;

type TextEncoding = fn(&str) -> String;

/// Encodings that can be applied to any text, by name.
const ENCODINGS: [(&str, TextEncoding); 19] = [
    ("json", |text| {
        let quoted = serde_json::Value::String(text.to_owned()).to_string();
        quoted[1..quoted.len() - 1].to_owned()
    }),
    ("percent", |text| {
        utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
    }),
    ("percent, lower case", |text| {
        utf8_percent_encode(text, NON_ALPHANUMERIC).to_string().to_lowercase()
    }),
    ("percent, all", |text| bytes(text, "%", "", "")),
    ("pointer", |text| text.replace('~', "~0").replace('/', "~1")),
    ("entities", |text| {
        text.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', "&quot;")
            .replace('\'', "&#x27;")
            .replace('/', "&#47;")
    }),
    ("base64", |text| STANDARD.encode(text)),
    ("base64url", |text| URL_SAFE_NO_PAD.encode(text)),
    ("base64url, padded", |text| URL_SAFE.encode(text)),
    ("base64, offset 1", |text| STANDARD_NO_PAD.encode(format!("x{text}y"))),
    ("base64, offset 2", |text| STANDARD.encode(format!("x:{text}yz"))),
    ("base64, lines of 76", |text| lines(&STANDARD.encode(text), 76, "\n")),
    ("base64, lines of 16", |text| lines(&STANDARD.encode(text), 16, "\r\n")),
    ("hex", |text| bytes(text, "", "", "")),
    ("hex, upper case", |text| bytes(text, "", "", "").to_uppercase()),
    ("hex with colons", |text| bytes(text, "", ":", "")),
    ("hex with spaces and 0x", |text| bytes(text, "0x", ", ", "")),
    ("quoted-printable", |text| {
        let coded = text.bytes().fold(String::new(), |coded, byte| match byte {
            b' '..=b'~' if byte != b'=' => coded + &char::from(byte).to_string(),
            _ => coded + &format!("={byte:02X}"),
        });
        soft_lines(&coded)
    }),
    ("quoted-printable, all", |text| bytes(text, "=", "", "")),
];

/// Encodings of the innermost layer: letters in upper or lower case.
const CASES: [(&str, TextEncoding); 5] = [
    ("as it is", str::to_owned),
    ("upper", |text| text.to_uppercase()),
    ("lower", |text| text.to_lowercase()),
    ("title", title),
    ("swapped", |text| {
        let swap = |c: char| {
            if c.is_uppercase() {
                c.to_ascii_lowercase()
            } else {
                c.to_ascii_uppercase()
            }
        };
        text.chars().map(swap).collect()
    }),
];

fn bytes(text: &str, before: &str, between: &str, after: &str) -> String {
    let all: Vec<_> = text.bytes().map(|byte| format!("{before}{byte:02x}{after}")).collect();
    all.join(between)
}

fn lines(text: &str, length: usize, end: &str) -> String {
    let all: Vec<_> = text.as_bytes().chunks(length).map(String::from_utf8_lossy).collect();
    all.join(end)
}

/// Quoted-printable in lines of at most 76 characters.
fn soft_lines(text: &str) -> String {
    let mut out = String::new();
    let mut length = 0;
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let unit = if first == '=' { 3 } else { 1 };
        if length + unit > 75 {
            out += "=\r\n";
            length = 0;
        }
        let (now, later) = rest.split_at(unit.min(rest.len()));
        out += now;
        length += unit;
        rest = later;
    }
    out
}

fn title(text: &str) -> String {
    let mut is_start = true;
    text.chars()
        .map(|c| {
            let c = if is_start {
                c.to_ascii_uppercase()
            } else {
                c.to_ascii_lowercase()
            };
            is_start = !c.is_alphabetic();
            c
        })
        .collect()
}

/// A secret of printable ASCII, with everything that any encoding changes.
fn secrets() -> impl Strategy<Value = String> {
    let special = select("+/=&%\"\\<>'~:;?#@ ".chars().collect::<Vec<_>>());
    let plain = select(('a'..='z').chain('A'..='Z').chain('0'..='9').collect::<Vec<_>>());
    let middle = prop::collection::vec(prop_oneof![1 => special, 3 => plain.clone()], 26..90);
    let end = move || prop::collection::vec(plain.clone(), 2..4);
    (end(), middle, end()).prop_map(|parts| [parts.0, parts.1, parts.2].concat().into_iter().collect())
}

fn check<S: Strategy>(cases: u32, strategy: &S, law: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    if let Err(error) = runner.run(strategy, law) {
        panic!("{error}");
    }
}

fn masker(secret: &str) -> Masker {
    let secret = Secret::new(secret.to_owned()).unwrap();
    Masker::new([("token", &secret)])
}

/// The form is masked, and the rest is not longer than the parts that an encoding adds around the secret.
fn is_masked(hide: &Masker, form: &str, what: &str) -> Result<(), TestCaseError> {
    let shown = hide.text(&format!("<<{form}>>"));
    prop_assert!(shown.contains("TOKEN"), "{what}: {form:?} -> {shown:?}");
    prop_assert!(shown.len() < 64, "{what}: {form:?} -> {shown:?}");
    Ok(())
}

#[test]
fn secret_in_two_encodings_is_masked() {
    let strategy = (secrets(), 0..CASES.len(), 0..ENCODINGS.len(), 0..ENCODINGS.len());
    check(300, &strategy, |(secret, case, inner, outer)| {
        let hide = masker(&secret);
        let (case, inner, outer) = (&CASES[case], &ENCODINGS[inner], &ENCODINGS[outer]);
        is_masked(
            &hide,
            &inner.1(&case.1(&secret)),
            &format!("{}, {}: {secret}", case.0, inner.0),
        )?;
        is_masked(
            &hide,
            &outer.1(&inner.1(&secret)),
            &format!("{}, {}: {secret}", inner.0, outer.0),
        )
    });
}

#[test]
fn secret_cut_by_a_line_or_a_chunk_is_masked() {
    let breaks = select(vec!["\r\n ", "\n\t ", "\n", "\r\n8\r\n", "\r\n1f;name=\"value\"\r\n"]);
    let strategy = (secrets(), 0..ENCODINGS.len(), breaks, any::<prop::sample::Index>());
    check(200, &strategy, |(secret, encoding, cut, at)| {
        let hide = masker(&secret);
        let (name, encode) = &ENCODINGS[encoding];
        for form in [secret.clone(), encode(&secret)] {
            let at = at.index(form.len());
            let cut = [&form[..at], cut, &form[at..]].concat();
            is_masked(&hide, &cut, &format!("{name}, cut: {secret}"))?;
            // A finding quotes such bytes.
            is_masked(&hide, &format!("{cut:?}"), &format!("{name}, cut and quoted: {secret}"))?;
        }
        Ok(())
    });
}

#[test]
fn secret_in_lines_of_a_diff_is_masked_on_each_line() {
    let secret = "s3cr3t/Tok+en~Value:that is long \"enough\" to fill more than one line of base64";
    let hide = masker(secret);
    let coded = lines(&STANDARD.encode(secret), 40, "\n+");
    let finding = crate::model::Finding {
        diff: Some(format!(
            "--- expected\n+++ actual\n@@ -1 +1,4 @@\n-other\n+{coded}\n end\n"
        )),
        ..crate::model::Finding::new(crate::model::CheckId::BodyText, "it differs")
    };
    let mut findings = vec![finding];
    hide.pass(&[]).findings(&mut findings);
    let shown = findings.remove(0).diff.unwrap_or_default();
    let expected = "--- expected\n+++ actual\n@@ -1 +1,4 @@\n-other\n+$TOKEN\n+$TOKEN\n+$TOKEN\n end\n";
    assert_eq!(shown, expected);
}

#[test]
fn text_of_too_many_encodings_is_masked_as_a_whole() {
    let hide = masker("s3cr3t-Token-Value");
    let mut text = "%41".repeat(20_000);
    for _ in 0..3 {
        text = STANDARD.encode(&text);
    }
    let shown = hide.text(&text);
    assert!(shown == text || shown == crate::model::HIDDEN, "{}", shown.len());
}
