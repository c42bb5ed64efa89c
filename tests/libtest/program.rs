//! A test program as users write it: a server in this process, and the cases of a project.

use std::{fs, path::PathBuf, process::ExitCode};

use axum::{
    Router,
    extract::Path,
    http::{HeaderMap, StatusCode},
    routing::get,
};
use conforme::libtest::{ContractTests, RunningApi};
use serde_json::{Value, json};

/// The variable that names the project.
pub(crate) const PROJECT: &str = "CONFORME_LIBTEST_PROJECT";

/// Runs the cases of a project as tests.
pub(crate) fn run(project: PathBuf) -> ExitCode {
    let mark = project.join("started");
    ContractTests::default().project(project).run(async move || {
        fs::write(mark, "").expect("the file is written");
        let variable = |name: &str| std::env::var(format!("CONFORME_LIBTEST_{name}"));
        if let Ok(reason) = variable("PANIC") {
            panic!("{reason}");
        }
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let mut api = RunningApi::from(listener.local_addr().expect("an address"));
        tokio::spawn(async { axum::serve(listener, router()).await });
        for name in ["token", "tokn"] {
            if let Ok(value) = variable(&name.to_uppercase()) {
                api = api.secret(name, value);
            }
        }
        match variable("TENANT") {
            Ok(tenant) => api.var("tenant", tenant),
            Err(_) => api,
        }
    })
}

fn router() -> Router {
    Router::new()
        .route("/users/{id}", get(user))
        .route("/{tenant}/me", get(me))
}

type JsonResponse = (StatusCode, [(&'static str, &'static str); 1], String);

fn json_response(status: StatusCode, body: &Value) -> JsonResponse {
    (status, [("content-type", "application/json")], body.to_string())
}

async fn user(Path(id): Path<String>) -> JsonResponse {
    if id == "42" {
        json_response(StatusCode::OK, &json!({ "id": 42, "name": "Grace" }))
    } else {
        json_response(StatusCode::NOT_FOUND, &json!({ "error": "no such user" }))
    }
}

async fn me(headers: HeaderMap) -> JsonResponse {
    let token = headers.get("authorization").and_then(|value| value.to_str().ok());
    let token = token.and_then(|value| value.strip_prefix("Bearer "));
    json_response(StatusCode::OK, &json!({ "token": token }))
}
