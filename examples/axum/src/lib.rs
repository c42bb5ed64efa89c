//! Notes of one user, behind a token.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Json, Router,
    extract::{Path, Request, State, rejection::JsonRejection},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A note as clients send and receive it.
#[derive(Clone, Deserialize, Serialize)]
struct Note {
    text: String,
}

/// The notes by their ids.
type Notes = Arc<Mutex<BTreeMap<usize, Note>>>;

/// The API with a token that every request needs.
pub fn router(token: String) -> Router {
    Router::new()
        .route("/notes", post(create))
        .route("/notes/{id}", get(read).delete(remove))
        .with_state(Notes::default())
        .layer(middleware::from_fn_with_state(token, authorize))
}

async fn authorize(State(token): State<String>, headers: HeaderMap, request: Request, next: Next) -> Response {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if given.and_then(|value| value.strip_prefix("Bearer ")) == Some(token.as_str()) {
        return next.run(request).await;
    }
    let challenge = [(header::WWW_AUTHENTICATE, "Bearer")];
    (StatusCode::UNAUTHORIZED, challenge, error("a valid token is required")).into_response()
}

async fn create(State(notes): State<Notes>, note: Result<Json<Note>, JsonRejection>) -> Response {
    let note = match note {
        Ok(Json(note)) => note,
        Err(rejection) => return (rejection.status(), error(&rejection.body_text())).into_response(),
    };
    let mut notes = notes.lock().unwrap_or_else(PoisonError::into_inner);
    let id = notes.last_key_value().map_or(1, |(last, _)| last + 1);
    notes.insert(id, note.clone());
    let location = [(header::LOCATION, format!("/notes/{id}"))];
    (
        StatusCode::CREATED,
        location,
        Json(json!({ "id": id, "text": note.text })),
    )
        .into_response()
}

async fn read(State(notes): State<Notes>, Path(id): Path<usize>) -> Response {
    match notes.lock().unwrap_or_else(PoisonError::into_inner).get(&id) {
        Some(note) => Json(json!({ "id": id, "text": note.text })).into_response(),
        None => (StatusCode::NOT_FOUND, error("no such note")).into_response(),
    }
}

async fn remove(State(notes): State<Notes>, Path(id): Path<usize>) -> Response {
    match notes.lock().unwrap_or_else(PoisonError::into_inner).remove(&id) {
        Some(_) => StatusCode::NO_CONTENT.into_response(),
        None => (StatusCode::NOT_FOUND, error("no such note")).into_response(),
    }
}

fn error(message: &str) -> Json<serde_json::Value> {
    Json(json!({ "error": message }))
}
