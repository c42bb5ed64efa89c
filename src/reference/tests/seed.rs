//! Tests of seeds and their errors.

use super::wire::post;
use super::{LOOPBACK, PAGE_TIMESTAMP, clock_at};
use crate::reference::{Guid, Seed, SeedError, SeedFault, Server};

const EMBEDDED: &str = include_str!("../seed.toml");

/// The embedded seed with the first `from` behind `after` made `to`.
fn changed(after: &str, from: &str, to: &str) -> String {
    let (before, behind) = EMBEDDED.split_once(after).unwrap();
    assert!(behind.contains(from), "{from:?} does not follow {after:?}");
    format!("{before}{after}{}", behind.replacen(from, to, 1))
}

fn fault(text: &str) -> SeedError {
    Seed::parse(text).unwrap_err()
}

/// The line and the column, counted from 1, where `mark` begins.
fn location(text: &str, mark: &str) -> (usize, usize) {
    let before: Vec<&str> = text[..text.find(mark).unwrap()].split('\n').collect();
    (before.len(), before.last().unwrap().chars().count() + 1)
}

#[test]
fn embedded_seed_has_nine_variables_in_contract_order() {
    let seed = Seed::embedded();
    let names = |entries: &[(&'static str, String)]| -> Vec<&str> { entries.iter().map(|(name, _)| *name).collect() };
    assert_eq!(
        names(seed.fixtures().variables()),
        [
            "customer_tenant_id",
            "secondary_tenant_id",
            "unknown_tenant_id",
            "user_id",
            "foreign_user_id",
            "unknown_user_id",
        ]
    );
    assert_eq!(
        names(seed.fixtures().secrets()),
        ["token", "expired_token", "invalid_token"]
    );
    for (name, value) in seed.fixtures().variables() {
        assert_eq!(Guid::parse(value).unwrap().to_string(), *value, "{name}");
        assert_eq!(value.as_bytes()[14], b'4', "{name} is a version 4 GUID");
    }
    for (name, value) in seed.fixtures().secrets() {
        assert!(value.len() >= 24, "{name}");
        let others = seed.fixtures().secrets().iter().filter(|(other, _)| other != name);
        assert_eq!(others.filter(|(_, other)| other.contains(value)).count(), 0, "{name}");
    }
}

#[test]
fn another_seed_makes_another_api() {
    let text = r#"
        prefix = ""
        customers = [
            { tenant_id = "11111111222243338444555555555555", name = "One" },
            { tenant_id = "{AAAAAAAA-2222-4333-8444-555555555555}", name = "Two" },
        ]
        users = [
            { id = "00000000-0000-4000-8000-000000000001", email = "a@example.com", primary_tenant = "11111111-2222-4333-8444-555555555555", other_tenants = ["aaaaaaaa-2222-4333-8444-555555555555"] },
            { id = "00000000-0000-4000-8000-000000000002", email = "b@example.com", primary_tenant = "aaaaaaaa-2222-4333-8444-555555555555" },
        ]
        tokens = [{ value = "good==", state = "valid" }, { value = "old", state = "expired" }]
        [fixtures]
        customer_tenant_id = "11111111-2222-4333-8444-555555555555"
        secondary_tenant_id = "AAAAAAAA-2222-4333-8444-555555555555"
        unknown_tenant_id = "bbbbbbbb-2222-4333-8444-555555555555"
        user_id = "00000000-0000-4000-8000-000000000001"
        foreign_user_id = "00000000-0000-4000-8000-000000000002"
        unknown_user_id = "00000000-0000-4000-8000-000000000003"
        token = "good=="
        expired_token = "old"
        invalid_token = "never"
    "#;
    let seed = Seed::parse(text).unwrap();
    let (name, value) = &seed.fixtures().variables()[1];
    assert_eq!(
        (*name, value.as_str()),
        ("secondary_tenant_id", "aaaaaaaa-2222-4333-8444-555555555555")
    );
    let server = Server::start(&seed, LOOPBACK, clock_at(PAGE_TIMESTAMP)).unwrap();
    assert!(!server.base_url().ends_with('/'));
    let path = "/v1.0/customers/11111111-2222-4333-8444-555555555555/users/00000000-0000-4000-8000-000000000001/sendActivationEmail";
    assert_eq!(post(&server, path, "Authorization: Bearer good==\r\n").status(), 204);
    assert_eq!(post(&server, path, "Authorization: Bearer old\r\n").status(), 401);
    assert_eq!(
        post(&server, &format!("/api{path}"), "Authorization: Bearer good==\r\n").status(),
        404
    );
}

#[test]
fn the_prefix_may_be_left_out_and_must_be_plain() {
    assert_eq!(
        Seed::parse(&EMBEDDED.replace("prefix = \"/api\"", ""))
            .unwrap()
            .prefix(),
        "/api"
    );
    for good in ["", "/a", "/a/b-c.d_e~f"] {
        let text = EMBEDDED.replace("\"/api\"", &format!("{good:?}"));
        assert_eq!(Seed::parse(&text).unwrap().prefix(), good);
    }
    for bad in ["/", "api", "/api/", "//", "/a//b", "/a b", "/%41", "/é", "/a?b"] {
        let error = fault(&EMBEDDED.replace("\"/api\"", &format!("{bad:?}")));
        assert_eq!((error.fault, error.column), (SeedFault::Prefix, 10), "{bad}");
    }
}

#[test]
fn errors_of_form_have_line_and_column() {
    for (text, expected) in [
        ("x = ", "line 1, column 5: "),
        (
            "prefix = 7",
            "line 1, column 10: invalid type: integer `7`, expected a string",
        ),
        ("# é\nünknown = 1\n", "line 2, column 1: "),
        ("\r\n  nonsense = 1\n", "line 2, column 3: unknown field `nonsense`"),
        ("prefix = \"\"\nprefix = \"\"", "line 2, column 1: duplicate key"),
        (
            "customers = [{ name = \"éé\", colour = 1 }]",
            "line 1, column 29: unknown field `colour`",
        ),
        ("prefix = \"\"", "line 1, column 1: missing field `customers`"),
    ] {
        let error = fault(text).to_string();
        assert!(error.starts_with(expected), "{text:?} gives {error:?}");
    }
    for (key, more) in [
        ("[[customers]]", "colour = 1"),
        ("[[users]]", "colour = 1"),
        ("[[tokens]]", "colour = 1"),
        ("[fixtures]", "colour = 1"),
    ] {
        let text = EMBEDDED.replacen(key, &format!("{key}\n{more}"), 1);
        let error = fault(&text);
        assert_eq!((error.line, error.column), location(&text, "colour"), "{error}");
        assert!(error.to_string().contains("unknown field `colour`"), "{error}");
    }
    let text = changed("[[tokens]]", "\"valid\"", "\"good\"");
    let error = fault(&text);
    assert_eq!((error.line, error.column), location(&text, "\"good\""), "{error}");
    let text = changed("[[users]]", "b6f4c0cc", "g6f4c0cc");
    let error = fault(&text);
    assert_eq!((error.line, error.column), location(&text, "\"g6f4"), "{error}");
    assert!(
        error
            .to_string()
            .ends_with("`g6f4c0cc-e9bd-4261-bebe-5fb30b999f37` is not a GUID")
    );
}

#[test]
fn contradicting_entries_are_rejected_with_location() {
    let (one, two) = (
        "1a143f1b-8cf1-45a5-a544-a48c870b6032",
        "a945b880-2bee-426f-9004-e3da55f3bb38",
    );
    for (after, from, to, mark, expected) in [
        (
            "Harbour",
            two,
            "{1A143F1B-8cf1-45a5-a544-a48c870b6032}",
            "\"{1A14",
            "tenant 1a143f1b-8cf1-45a5-a544-a48c870b6032 is the customer \"Harbour Copy Centre\" already",
        ),
        (
            "first.user",
            "829b94d7-8e43-48c8-bba6-3d6561878a0a",
            "B6F4c0cc-e9bd-4261-bebe-5fb30b999f37",
            "\"B6F4",
            "user b6f4c0cc-e9bd-4261-bebe-5fb30b999f37 is first.user@example.com already",
        ),
        (
            "other_tenants = [",
            two,
            &one.to_uppercase(),
            "\"1A14",
            "the user belongs to tenant 1a143f1b-",
        ),
        (
            "primary_tenant = ",
            one,
            "54DEb338-0da8-4b08-9914-54ad0268dd89",
            "\"54DE",
            "no customer has the tenant id 54deb338-",
        ),
        (
            "other_tenants = [",
            two,
            "54DEb338-0da8-4b08-9914-54ad0268dd89",
            "\"54DE",
            "no customer has the tenant id 54deb338-",
        ),
        (
            "[[tokens]]",
            "not-a-secret.valid",
            "a secret",
            "\"a secret",
            "a token is made of letters",
        ),
        (
            "invalid_token = ",
            "\"not-a",
            "\"not,a",
            "\"not,a",
            "a token is made of letters",
        ),
    ] {
        let text = changed(after, from, to);
        let error = fault(&text);
        assert!(error.fault.to_string().starts_with(expected), "{error}");
        assert_eq!((error.line, error.column), location(&text, mark), "{error}");
    }
    let text = EMBEDDED.replacen(
        "not-a-secret.expired.reference-token-02",
        "not-a-secret.valid.reference-token-01",
        1,
    );
    assert_eq!(fault(&text).fault, SeedFault::RepeatedToken);
}

#[test]
fn fixtures_must_match_the_contract() {
    let secondary = "a945b880-2bee-426f-9004-e3da55f3bb38";
    let stranger = "7a769709-85a7-4933-b5b3-9df160dfbb0c";
    let user = "b6f4c0cc-e9bd-4261-bebe-5fb30b999f37";
    let unknown = "f36818e8-ca2b-47ab-820e-89d15f5ea5b8";
    let shared = "8484e4aa-102d-4db3-85ad-45198d8ef8c7";
    let primary = "1a143f1b-8cf1-45a5-a544-a48c870b6032";
    let third = "056bda4b-1723-4d54-9bf1-dff78b8ab1a1";
    let (token, expired) = (
        "not-a-secret.valid.reference-token-01",
        "not-a-secret.expired.reference-token-02",
    );
    for (variable, value) in [
        ("customer_tenant_id", secondary),
        ("customer_tenant_id", unknown),
        ("secondary_tenant_id", primary),
        ("secondary_tenant_id", third),
        ("unknown_tenant_id", third),
        ("user_id", unknown),
        ("foreign_user_id", unknown),
        ("foreign_user_id", user),
        ("foreign_user_id", shared),
        ("unknown_user_id", stranger),
        ("token", expired),
        ("token", "never-issued"),
        ("expired_token", token),
        ("expired_token", "never-issued"),
        ("invalid_token", token),
        ("invalid_token", expired),
    ] {
        let (entries, fixtures) = EMBEDDED.split_once("[fixtures]\n").unwrap();
        let fixtures: String = fixtures
            .lines()
            .map(|line| match line.split_once(" = ") {
                Some((name, _)) if name == variable => format!("{name} = {value:?}\n"),
                _ => format!("{line}\n"),
            })
            .collect();
        let text = format!("{entries}[fixtures]\n{fixtures}");
        let error = fault(&text);
        let SeedFault::Fixture { variable: expected, .. } = error.fault else {
            panic!("{error}")
        };
        assert_eq!(expected, variable, "{value}");
        let (line, _) = location(&text, &format!("\n{variable} = "));
        assert_eq!((error.line, error.column), (line + 1, format!("{variable} = \"").len()));
    }
}

#[test]
fn a_seed_shows_no_token_in_debug_output() {
    assert_eq!(
        format!("{:?}", Seed::embedded()),
        r#"Seed { prefix: "/api", customers: 3, users: 4, tokens: 2, .. }"#
    );
}
