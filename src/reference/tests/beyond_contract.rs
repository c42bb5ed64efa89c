//! Behavior that the contract leaves open.

use std::fmt::Write as _;

use super::wire::{RawConnection, post, send};
use super::{bearer, clock_at, fixture, path, path_of, server};
use crate::reference::{ACTIVATIONS_PATH, Timestamp};

/// The message of a JSON error body.
fn message(body: &str) -> String {
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    body["message"].as_str().unwrap().to_owned()
}

#[test]
fn rejections_are_in_order_token_format_tenant_user_primary() {
    let server = server();
    let (no_token, token) = (String::new(), bearer("token"));
    let malformed = path("x", "x");
    let unknown_tenant = path_of("unknown_tenant_id", "user_id");
    let unknown_user = path_of("secondary_tenant_id", "unknown_user_id");
    let not_primary = path_of("secondary_tenant_id", "user_id");
    for (path, fields, status, text) in [
        (&malformed, &no_token, 401, ""),
        (&unknown_tenant, &no_token, 401, ""),
        (&unknown_user, &no_token, 401, ""),
        (&not_primary, &no_token, 401, ""),
        (&malformed, &token, 400, "The value 'x' is not valid."),
        (&unknown_tenant, &token, 404, "Not Found"),
        (&unknown_user, &token, 404, "Not Found"),
        (
            &not_primary,
            &token,
            400,
            "This is not the primary tenant for this User.",
        ),
    ] {
        let response = post(&server, path, fields);
        assert_eq!(response.status(), status, "{path} {fields}");
        if status != 401 {
            assert_eq!(message(&response.body), text, "{path}");
        }
    }
    assert_eq!(server.activation_count(), 0);
}

#[test]
fn malformed_tenant_is_echoed_decoded_and_escaped() {
    let server = server();
    let id = fixture("customer_tenant_id");
    for (segment, echoed) in [
        ("", ""),
        ("%20", " "),
        ("a%2Fb", "a/b"),
        ("%22%5C%0A%00", "\"\\\n\0"),
        ("%C3%A9", "é"),
        ("é", "é"),
        ("%FF", "\u{fffd}"),
        ("%zz", "%zz"),
        ("..", ".."),
        (&format!("%20{id}"), &format!(" {id}")),
        (&format!("{id}%FF"), &format!("{id}\u{fffd}")),
    ] {
        let response = post(&server, &path(segment, &fixture("user_id")), &bearer("token"));
        assert_eq!(response.status(), 400, "{segment}");
        assert_eq!(message(&response.body), format!("The value '{echoed}' is not valid."));
    }
}

#[test]
fn control_characters_of_an_echo_are_escaped_on_the_wire() {
    let response = post(&server(), &path("%22%5C%0A%00", "x"), &bearer("token"));
    assert!(
        response.body.contains(r#""The value '\"\\\n\u0000' is not valid.""#),
        "{response:?}"
    );
}

#[test]
fn ids_are_compared_by_value_in_every_spelling() {
    let server = server();
    let (tenant, user) = (fixture("customer_tenant_id"), fixture("user_id"));
    let percent_encoded = tenant.bytes().fold(String::new(), |mut text, byte| {
        write!(text, "%{byte:02x}").unwrap();
        text
    });
    for spelling in [
        tenant.to_uppercase(),
        tenant.replace('-', ""),
        format!("{{{tenant}}}"),
        format!("%7B{tenant}%7D"),
        format!("({tenant})"),
        percent_encoded,
    ] {
        let response = post(&server, &path(&spelling, &user), &bearer("token"));
        assert_eq!(response.status(), 204, "{spelling}");
    }
    let response = post(&server, &path(&tenant, &user.to_uppercase()), &bearer("token"));
    assert_eq!(response.status(), 204);
}

#[test]
fn a_malformed_user_id_is_an_unknown_user() {
    let server = server();
    let ask = |user: &str| post(&server, &path(&fixture("customer_tenant_id"), user), &bearer("token"));
    let unknown = ask(&fixture("unknown_user_id"));
    for user in ["", "x", "%FF", "a%2Fb"] {
        assert_eq!(ask(user).undated(), unknown.undated(), "{user}");
    }
}

#[test]
fn only_one_bearer_token_is_accepted() {
    let server = server();
    let token = fixture("token");
    for (fields, status) in [
        (format!("Authorization: Bearer {token}\r\n"), 204),
        (format!("authorization: bEARER {token}\r\n"), 204),
        (format!("Authorization: Bearer   {token}  \r\n"), 204),
        (format!("Authorization: {token}\r\n"), 401),
        (format!("Authorization: Basic {token}\r\n"), 401),
        (format!("Authorization: Bearer{token}\r\n"), 401),
        ("Authorization: Bearer\r\n".to_owned(), 401),
        ("Authorization: Bearer \r\n".to_owned(), 401),
        (format!("Authorization: Bearer {}\r\n", token.to_uppercase()), 401),
        (format!("Authorization: Bearer {token}, Bearer {token}\r\n"), 401),
        (format!("Authorization: Bearer {token}\u{e9}\r\n"), 401),
        (bearer("token").repeat(2), 401),
    ] {
        let response = post(&server, &path_of("customer_tenant_id", "user_id"), &fields);
        assert_eq!(response.status(), status, "{fields}");
    }
}

#[test]
fn other_methods_are_rejected_before_token_check() {
    let server = server();
    let path = path_of("customer_tenant_id", "user_id");
    for method in ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "post", "BREW"] {
        for fields in ["", &bearer("token")] {
            let response = send(&server, method, &path, fields);
            assert_eq!(response.status_line(), "HTTP/1.1 405 Method Not Allowed", "{method}");
            assert_eq!(response.header("allow"), Some("POST"));
            assert_eq!(message(&response.body), "Method Not Allowed");
        }
    }
    assert_eq!(server.activation_count(), 0);
}

#[test]
fn head_response_equals_get_without_body() {
    let server = server();
    for path in [path_of("customer_tenant_id", "user_id"), ACTIVATIONS_PATH.to_owned()] {
        let (get, head) = (send(&server, "GET", &path, ""), send(&server, "HEAD", &path, ""));
        assert!(!get.body.is_empty());
        assert_eq!(head.undated(), get.undated().replace(&get.body, ""));
    }
}

#[test]
fn unknown_paths_are_not_found_with_an_error_body() {
    let server = server();
    let (tenant, user) = (fixture("customer_tenant_id"), fixture("user_id"));
    let good = path(&tenant, &user);
    for path in [
        "/".to_owned(),
        "*".to_owned(),
        "/api".to_owned(),
        format!("{good}/"),
        format!("/{good}"),
        good.to_lowercase(),
        good.replace("/api", ""),
        good.replace("/api", "/apis"),
        good.replace("v1.0", "v1"),
        good.replace(&user, &format!("{user}/x")),
        good.replace(&tenant, &format!("x/{tenant}")),
        good.replace("/users", ""),
    ] {
        let method = if path == "*" { "OPTIONS" } else { "POST" };
        for fields in ["", &bearer("token")] {
            let response = send(&server, method, &path, fields);
            assert_eq!(response.status(), 404, "{path} {fields}");
            assert_eq!(response.header("content-type"), Some("application/json; charset=utf-8"));
            assert_eq!(message(&response.body), "Not Found");
            assert_eq!(response.body.len(), 95);
        }
    }
}

#[test]
fn query_and_body_are_ignored_and_connection_stays_open() {
    let server = server();
    let path = format!("{}?a=b/users/c", path_of("customer_tenant_id", "user_id"));
    let fields = format!(
        "Content-Type: application/json\r\nContent-Length: 2\r\n{}",
        bearer("token")
    );
    let mut connection = RawConnection::open(&server);
    for _ in 0..3 {
        assert_eq!(connection.send("POST", &path, &fields, "{}").status(), 204);
    }
    assert_eq!(server.activation_count(), 3);
}

#[test]
fn activations_can_be_read_over_http() {
    let server = server();
    let empty = send(&server, "GET", ACTIVATIONS_PATH, "");
    assert_eq!((empty.status(), empty.body.as_str()), (200, "[]"));
    post(&server, &path_of("customer_tenant_id", "user_id"), &bearer("token"));
    let one = send(&server, "GET", ACTIVATIONS_PATH, "");
    assert_eq!(
        one.body,
        r#"[{"tenant":"1a143f1b-8cf1-45a5-a544-a48c870b6032","user":"b6f4c0cc-e9bd-4261-bebe-5fb30b999f37","email":"first.user@example.com","at":"2020-02-07T13:33:16.0582281Z"}]"#
    );
    assert_eq!(one.header("content-type"), Some("application/json; charset=utf-8"));
    assert_eq!(one.header("x-total-count"), Some("1"));
    let refused = send(&server, "DELETE", ACTIVATIONS_PATH, "");
    assert_eq!((refused.status(), refused.header("allow")), (405, Some("GET, HEAD")));
}

#[test]
fn timestamps_always_have_seven_digits() {
    for (at, written) in [
        ("2020-02-07T13:33:16Z", "2020-02-07T13:33:16.0000000Z"),
        ("2020-02-07T13:33:16.058228199Z", "2020-02-07T13:33:16.0582281Z"),
        ("2020-02-07T14:33:16.5+01:00", "2020-02-07T13:33:16.5000000Z"),
        ("2016-12-31T23:59:60.25Z", "2016-12-31T23:59:60.2500000Z"),
    ] {
        assert_eq!(Timestamp(clock_at(at)()).to_string(), written);
    }
}
