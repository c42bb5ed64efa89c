//! Laws of the masker itself, checked with many texts.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use conforme::{mask::Masker, project::Secret};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};

use super::writing::{left_of, mixed, secrets};

/// How many secrets a law is checked with.
const SECRETS: u32 = 125;
/// How many texts for each of them: a masker takes longer to make than to use.
const TEXTS: usize = 4;

fn masker(secret: &str) -> Masker {
    let secret = Secret::new(secret.to_owned()).unwrap();
    Masker::new([("token", &secret)])
}

/// The same texts each time.
fn check_law<S: Strategy>(cases: u32, strategy: &S, law: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner = TestRunner::new_with_rng(
        config,
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    if let Err(error) = runner.run(strategy, law) {
        panic!("{error}");
    }
}

/// Text around a secret: all that can run into it.
fn around() -> impl Strategy<Value = String> {
    "[ -~é]{0,12}[%\\\\&u+0-9a-f\"]{0,4}"
}

fn choices() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 1..70)
}

#[test]
fn secret_is_hidden_in_every_mix_of_escapes_anywhere() {
    let locations = prop::collection::vec((0..5_usize, choices(), around(), around()), 4 * TEXTS);
    check_law(SECRETS, &(secrets(), locations), |(secret, locations)| {
        let hide = masker(&secret);
        for (format, choices, before, after) in locations {
            let text = format!("{before}{}{after}", mixed(&secret, format, &choices));
            let shown = hide.text(&text);
            prop_assert!(shown.contains("$TOKEN"), "{secret:?} in {text:?}: {shown:?}");
            prop_assert_eq!(left_of(&secret, &shown), Vec::<String>::new(), "{} {}", text, shown);
            prop_assert_eq!(hide.text(&shown), shown, "hiding it once more changes nothing");
        }
        Ok(())
    });
}

#[test]
fn secret_is_hidden_in_escapes_that_are_escaped_again() {
    let layer = || (0..5_usize, choices());
    let texts = prop::collection::vec((layer(), layer(), around(), around()), TEXTS);
    check_law(SECRETS, &(secrets(), texts), |(secret, texts)| {
        let hide = masker(&secret);
        for (inner, outer, before, after) in texts {
            let form = mixed(&mixed(&secret, inner.0, &inner.1), outer.0, &outer.1);
            let text = format!("{before}{form}{after}");
            let shown = hide.text(&text);
            prop_assert!(shown.contains("$TOKEN"), "{secret:?} in {text:?}: {shown:?}");
            prop_assert_eq!(left_of(&secret, &shown), Vec::<String>::new(), "{} {}", text, shown);
        }
        Ok(())
    });
}

#[test]
fn secret_is_hidden_under_four_layers_of_escapes() {
    // Each writes all of the text as one writer does; a mix is what several make of the same text.
    let layers = prop::collection::vec((0..5_usize, any::<u8>()), 3..=4);
    let texts = prop::collection::vec(layers, TEXTS);
    check_law(SECRETS, &(secrets(), texts), |(secret, texts)| {
        let hide = masker(&secret);
        for layers in texts {
            let mut text = secret.clone();
            for (format, choice) in &layers {
                text = mixed(&text, *format, &[*choice]);
            }
            let shown = hide.text(&format!("<<{text}>>"));
            prop_assert_eq!(&shown, "<<$TOKEN>>", "{} {:?} {}", secret, layers, text);
        }
        Ok(())
    });
}

#[test]
fn secret_is_masked_in_base64_at_any_offset_and_escaped() {
    let texts = prop::collection::vec(("[!-~]{0,8}", "[!-~]{0,8}", 0..6_usize, choices()), TEXTS);
    check_law(SECRETS, &(secrets(), texts), |(secret, texts)| {
        let hide = masker(&secret);
        for (before, after, format, choices) in texts {
            let plain = format!("{before}{secret}{after}");
            for form in [
                STANDARD.encode(&plain),
                URL_SAFE_NO_PAD.encode(&plain),
                mixed(&STANDARD.encode(&plain), format, &choices),
            ] {
                let shown = hide.text(&format!("Basic {form}, that was it"));
                prop_assert!(shown.contains("$TOKEN"), "{secret:?} in {form:?}: {shown:?}");
                prop_assert_eq!(left_of(&secret, &shown), Vec::<String>::new(), "{} {}", form, shown);
            }
        }
        Ok(())
    });
}

#[test]
fn unmasked_secret_is_found_in_every_form() {
    check_law(500, &(secrets(), 0..5_usize, choices()), |(secret, format, choices)| {
        let form = mixed(&secret, format, &choices);
        prop_assert!(!left_of(&secret, &format!("<<{form}>>")).is_empty(), "{secret} {form}");
        let form = STANDARD.encode(format!("user:{secret}"));
        prop_assert!(!left_of(&secret, &form).is_empty(), "{secret} {form}");
        Ok(())
    });
}

#[test]
fn text_without_secret_is_unchanged() {
    let hide = masker("S3cr3t+/=&% \"\\é");
    check_law(5000, &"\\PC{0,200}", |text| {
        prop_assert_eq!(hide.text(&text), text);
        Ok(())
    });
    // Escapes of all kinds, but of nothing that is a secret.
    check_law(
        2000,
        &("[a-z +/%&é\"\\\\]{0,80}", 0..5_usize, choices()),
        |(text, format, choices)| {
            let text = mixed(&text, format, &choices);
            prop_assert_eq!(hide.text(&text), text);
            Ok(())
        },
    );
}

#[test]
fn derived_forms_of_a_secret_have_marks_of_their_own() {
    let hide = masker("aBc/dEf+Ghi9");
    for (text, shown) in [
        ("aBc/dEf+Ghi9", "$TOKEN"),
        ("aBc/dEf+Ghi9aBc%2FdEf%2bGhi9", "$TOKEN$TOKEN"),
        ("AbC%2FDeF+gHI9", "${TOKEN~~}"),
        ("aBc/dEf+Ghi8", "${TOKEN%?}8"),
        (r"abc\/def\u002Bghi9", "${TOKEN,,}"),
        ("ABC&#47;DEF+GHI9.", "${TOKEN^^}."),
        ("6142632f6445662b47686939", "$TOKEN"),
        ("x\\aBc/dEf\\u002BGhi9%41", "x\\$TOKEN%41"),
    ] {
        assert_eq!(hide.text(text), shown, "{text}");
    }
}

#[test]
fn secrets_that_overlap_are_hidden_whole() {
    let secret = |text: &str| Secret::new(text.to_owned()).unwrap();
    let all = [
        ("short", secret("+abcdef")),
        ("long", secret("x+abcdef/ghi")),
        ("next", secret("f/ghijklmn")),
    ];
    let hide = Masker::new(all.iter().map(|(name, secret)| (*name, secret)));
    for (text, shown) in [
        ("x+abcdef/ghi +abcdef", "$LONG $SHORT"),
        ("x%2Babcdef%2fghi %2Babcdef", "$LONG $SHORT"),
        ("x+abcdef/ghijklmn", "$LONG"),
        (r"x\u002babcdef\/ghijklmn", "$LONG"),
        ("+abcdef/ghijklmn", "$NEXT"),
    ] {
        assert_eq!(hide.text(text), shown, "{text}");
    }
}

#[test]
fn secret_is_hidden_in_altered_copies_of_it() {
    let secret = "Basic dXNlcjpwYXNzLXdvcmQtMQ==";
    let hide = masker(secret);
    for echoed in [
        "dXNlcjpwYXNzLXdvcmQtMQ==",
        "user:pass-word-1",
        "pass-word-1",
        "pass%2Dword-1",
    ] {
        assert_eq!(hide.text(&format!("<{echoed}>")), "<[hidden]>", "{echoed}");
    }
    let hide = masker("begin line\nk3y-m4terial\nend line");
    let shown = hide.text("+begin line\n+k3y-m4terial\n+end line\n");
    assert_eq!(shown, "+[hidden]\n+[hidden]\n+[hidden]\n");
    let hide = masker("  pässwörd-1 ");
    for echoed in ["pässwörd-1", "p\u{fffd}ssw\u{fffd}rd-1", "p?ssw?rd-1", "pÃ¤sswÃ¶rd-1"] {
        let shown = hide.text(&format!("<{echoed}>"));
        assert!(shown == "<$TOKEN>" || !shown.contains("ssw"), "{echoed}: {shown}");
    }
}
