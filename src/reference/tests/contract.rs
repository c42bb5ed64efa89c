//! The rows of the contract's table, by their numbers, and the facts its page settles.

use super::wire::{RawResponse, post};
use super::{bearer, clock_at, fixture, path, path_of, server};
use crate::reference::{Activation, Guid, Timestamp};

const NOT_FOUND: &str =
    r#"{"error":404,"message":"Not Found","status":"error","timestamp":"2020-02-07T13:33:16.0582281Z"}"#;
const NOT_PRIMARY: &str = r#"{"error":400,"errorCode":"TenantNotPrimary","message":"This is not the primary tenant for this User.","status":"error","timestamp":"2020-02-07T13:33:16.0582281Z"}"#;

fn assert_json(response: &RawResponse, status_line: &str, body: &str) {
    assert_eq!(response.status_line(), status_line);
    assert_eq!(response.body, body);
    assert_eq!(response.header("content-type"), Some("application/json; charset=utf-8"));
    assert_eq!(response.header("content-length"), Some(body.len().to_string().as_str()));
    assert!(response.header("date").is_some(), "{response:?}");
}

fn assert_unauthorized(fields: &str) {
    let server = server();
    let response = post(&server, &path_of("customer_tenant_id", "user_id"), fields);
    assert_eq!(response.status_line(), "HTTP/1.1 401 Unauthorized");
    assert_eq!(response.header("www-authenticate"), Some("Bearer"));
    assert_eq!(response.header("content-type"), None);
    assert_eq!(response.header("content-length"), Some("0"));
    assert!(response.header("date").is_some(), "{response:?}");
    assert_eq!(server.activations(), []);
}

#[test]
fn row_1_valid_request_gets_204_and_is_recorded() {
    let server = server();
    let response = post(&server, &path_of("customer_tenant_id", "user_id"), &bearer("token"));
    assert_eq!(response.status_line(), "HTTP/1.1 204 No Content");
    assert!(response.header("date").is_some(), "{response:?}");
    for absent in ["content-length", "content-type", "transfer-encoding"] {
        assert_eq!(response.header(absent), None);
    }
    let expected = Activation {
        tenant: Guid::parse(&fixture("customer_tenant_id")).unwrap(),
        user: Guid::parse(&fixture("user_id")).unwrap(),
        email: "first.user@example.com".into(),
        at: Timestamp(clock_at(super::PAGE_TIMESTAMP)()),
    };
    assert_eq!(server.activations(), [expected]);
    assert_eq!(server.activation_count(), 1);
}

#[test]
fn row_2_no_token_is_unauthorized() {
    assert_unauthorized("");
}

#[test]
fn row_3_an_invalid_token_is_unauthorized() {
    assert_unauthorized(&bearer("invalid_token"));
}

#[test]
fn row_4_an_expired_token_is_unauthorized() {
    assert_unauthorized(&bearer("expired_token"));
}

#[test]
fn row_5_a_malformed_tenant_id_is_echoed() {
    let server = server();
    let response = post(&server, &path("not-a-guid", &fixture("user_id")), &bearer("token"));
    assert_json(
        &response,
        "HTTP/1.1 400 Bad Request",
        r#"{"error":400,"message":"The value 'not-a-guid' is not valid.","status":"error","timestamp":"2020-02-07T13:33:16.0582281Z"}"#,
    );
    assert_eq!(server.activations(), []);
}

#[test]
fn row_6_another_tenant_of_the_user_is_not_the_primary_one() {
    let server = server();
    let response = post(&server, &path_of("secondary_tenant_id", "user_id"), &bearer("token"));
    assert_json(&response, "HTTP/1.1 400 Bad Request", NOT_PRIMARY);
    assert_eq!(server.activations(), []);
}

#[test]
fn row_7_an_unknown_tenant_is_not_found() {
    let server = server();
    let response = post(&server, &path_of("unknown_tenant_id", "user_id"), &bearer("token"));
    assert_json(&response, "HTTP/1.1 404 Not Found", NOT_FOUND);
    assert_eq!(server.activations(), []);
}

#[test]
fn row_8_an_unknown_user_is_not_found() {
    let server = server();
    let response = post(
        &server,
        &path_of("customer_tenant_id", "unknown_user_id"),
        &bearer("token"),
    );
    assert_json(&response, "HTTP/1.1 404 Not Found", NOT_FOUND);
    assert_eq!(server.activations(), []);
}

#[test]
fn row_8_foreign_user_is_indistinguishable_from_unknown() {
    let server = server();
    let ask = |user| post(&server, &path_of("customer_tenant_id", user), &bearer("token"));
    let (foreign, unknown) = (ask("foreign_user_id"), ask("unknown_user_id"));
    assert_json(&foreign, "HTTP/1.1 404 Not Found", NOT_FOUND);
    assert_eq!(foreign.undated(), unknown.undated());
    assert_eq!(server.activations(), []);
}

#[test]
fn content_lengths_match_the_contract() {
    let server = server();
    let length = |path: &str| post(&server, path, &bearer("token")).body.len();
    let near_guid = format!("{}0", fixture("customer_tenant_id"));
    assert_eq!(near_guid.len(), 37);
    assert_eq!(length(&path_of("unknown_tenant_id", "user_id")), 95);
    assert_eq!(length(&path_of("secondary_tenant_id", "user_id")), 162);
    assert_eq!(length(&path(&near_guid, &fixture("user_id"))), 149);
}
