//! `conforme import bruno`: the imported suite sends what the command line of Bruno sends.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex},
};

use crate::support::{Project, Server, Then, ran};

use super::{postman::comparable, written};

/// What `bru run . -r --env dev` of `@usebruno/cli` 4.1 sent for the collection, without the fields that it adds by itself.
/// The package has 275 MB, so the tests do not install it.
const BRU: &str = include_str!("bru.json");

/// Copies a folder, with `HOST` replaced.
fn copy(from: &Path, to: &Path, host: &str) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to, host);
        } else {
            let text = fs::read_to_string(entry.path()).unwrap();
            fs::write(to, text.replace("HOST", host)).unwrap();
        }
    }
}

#[test]
fn imported_collection_sends_what_bru_sends() {
    let sent = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&sent);
    let server = Server::start(move |request| {
        kept.lock()
            .unwrap()
            .push(comparable(request).replace("\naccept: */*", ""));
        let body = r#"{"access_token":"tok-123456789","id":41,"name":"Ada","tags":["a","b"]}"#;
        let head = format!(
            "HTTP/1.1 200 OK\r\nDate: Tue, 01 Dec 2026 06:00:00 GMT\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        ((head + body).into_bytes(), Then::Keep)
    });
    let project = Project::new(&[]);
    let collection = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/importing/shop.bruno");
    let host = server.url().replace("http://", "");
    copy(&collection, &project.path().join("shop"), &host);
    let arguments = ["import", "bruno", "shop", "--environment", "dev", "--to", "cases/shop"];
    let imported = project.run(&arguments);
    assert_eq!(imported.code, 0, "{}", imported.stderr);
    let files = written(&project, "cases/shop");
    for secret in ["p1p2p3p4", "abcdefgh12", "digest-s3cr3t"] {
        assert!(!(files.clone() + &imported.stdout).contains(secret), "{files}");
    }
    let target = format!("{}/v1", server.url());
    let mut run = project.command(&["run", "--target", &target, "--jobs", "1"]);
    for (name, value) in [
        ("PASSWORD", "p1p2p3p4"),
        ("SHOP_PASSWORD", "correct-horse"),
        ("X_API_KEY", "abcdefgh12"),
        ("TOKEN", "old-token-1"),
    ] {
        run.env(format!("CONFORME_SECRET_{name}"), value);
    }
    let run = ran(&mut run);
    let mut sent = sent.lock().unwrap().clone();
    sent.sort();
    let expected: Vec<String> = serde_json::from_str(BRU).unwrap();
    assert_eq!(
        sent, expected,
        "{files}\n{}\n{}{}",
        imported.stdout, run.stdout, run.stderr
    );
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
}

#[test]
fn collection_has_to_be_a_folder_of_bruno() {
    let project = Project::new(&[
        ("yaml/opencollection.yml", "info:\n  name: x\n"),
        ("empty/note.txt", ""),
        ("odd/bruno.json", "{}"),
        ("odd/a/b.bru", "get {\n  url: http://h/\n"),
    ]);
    for (source, part) in [
        ("none", "failed to read `none`: it is not a folder"),
        ("yaml", "failed to read `yaml`: it is a collection in YAML"),
        ("empty", "empty: there is no `bruno.json`"),
        ("odd", "odd/a/b.bru:1:1: the block is not closed"),
        ("odd/bruno.json", "odd/a/b.bru:1:1: the block is not closed"),
    ] {
        let failed = project.run(&["import", "bruno", source, "--to", "cases/x"]);
        assert_eq!(failed.code, 2, "{source}: {}", failed.stdout);
        assert!(failed.stderr.contains(part), "{source}: {}", failed.stderr);
        assert!(!project.has("cases"));
    }
}
