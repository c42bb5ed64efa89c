//! The generated schemas: what an editor is told is what the program knows.

use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::{
    loading::{SOUND, project, refused},
    support::{Project, Server, Then, answer, conforme, indent, ran, repository},
};

/// What `conforme schema` prints.
fn schema(of: &str) -> Value {
    let ran = ran(conforme().args(["schema", of]));
    assert_eq!(ran.code, 0, "{ran:?}");
    serde_json::from_str(&ran.stdout).expect("JSON")
}

#[test]
fn the_schemas_of_the_repository_are_those_that_the_program_prints() {
    for of in ["case", "suite"] {
        let file = format!("schemas/{of}.schema.json");
        let stored = std::fs::read_to_string(repository().join(&file)).unwrap();
        let printed = ran(conforme().args(["schema", of])).stdout;
        assert!(
            stored == printed,
            "{file} is stale: `cargo run -- schema {of} > {file}`"
        );
    }
}

#[test]
fn every_shipped_file_is_valid_by_its_schema_and_one_with_an_unknown_key_is_not() {
    let (case, suite) = (schema("case"), schema("suite"));
    let mut files = 0;
    for folder in std::fs::read_dir(repository().join("cases")).unwrap() {
        for file in std::fs::read_dir(folder.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            let schema = if path.ends_with("suite.yaml") { &suite } else { &case };
            let mut value = yaml(&std::fs::read_to_string(&path).unwrap());
            let validator = jsonschema::validator_for(schema).unwrap();
            let errors: Vec<_> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{}: {errors:?}", path.display());
            value["nmae"] = "x".into();
            assert!(!validator.is_valid(&value), "{}", path.display());
            files += 1;
        }
    }
    assert!(files > 10);
}

#[test]
fn an_editor_refuses_at_every_level_what_the_program_refuses() {
    let case = jsonschema::validator_for(&schema("case")).unwrap();
    for (text, is_valid) in [
        ("request: { path: / }\nexpect: { status: [200, 4xx] }", true),
        ("request: { pth: / }", false),
        ("request: { body: { jsn: 1 } }", false),
        ("expect: { statsu: 200 }", false),
        ("expect: { status: 6xx }", false),
        ("expect: { body: { jsn: 1 } }", false),
        ("expect: { headers: { a: { equal: b } } }", false),
        ("expect: { body: { text: { match: b } } }", false),
        ("expect: { body: { json: { a: { $typ: b } } } }", false),
        ("expect: { rules: { http/dates: off } }", false),
        ("snapshots: { redacted: /a }", false),
        ("timeout: 10", false),
    ] {
        assert_eq!(case.is_valid(&yaml(text)), is_valid, "{text}");
    }
}

/// The keys that each definition of the schema names are those that the program knows: no more, no fewer.
#[test]
fn the_properties_of_each_definition_are_the_keys_that_the_program_knows() {
    let (case, suite) = (schema("case"), schema("suite"));
    let body = |text: &str| format!("request: {{ path: / }}\nexpect: {{ status: 200, {text} }}\n");
    for (definition, suite_text, case_text) in [
        (&case, String::new(), format!("{SOUND}QQQQ: 1\n")),
        (&suite, "QQQQ: 1\n".to_owned(), SOUND.to_owned()),
        (
            &suite["$defs"]["Input"],
            "inputs: { a: { QQQQ: 1 } }\n".to_owned(),
            SOUND.to_owned(),
        ),
        (
            &case["$defs"]["Request"],
            String::new(),
            "request: { path: /, QQQQ: 1 }\nexpect: { status: 200 }\n".to_owned(),
        ),
        (&case["$defs"]["Expect"], String::new(), body("QQQQ: 1")),
        (&case["$defs"]["Body"], String::new(), body("body: { QQQQ: 1 }")),
        (
            &case["$defs"]["HeaderTable"],
            String::new(),
            body("headers: { a: { present: true, QQQQ: 1 } }"),
        ),
        (
            &case["$defs"]["TextTestTable"],
            String::new(),
            body("body: { text: { contains: a, QQQQ: 1 } }"),
        ),
        (
            &case["$defs"]["Snapshots"],
            String::new(),
            format!("{SOUND}snapshots: {{ QQQQ: 1 }}\n"),
        ),
        (
            &case["$defs"]["Pattern"],
            String::new(),
            body("body: { json: { $QQQQ: 1 } }"),
        ),
        (&case["$defs"]["Rules"], String::new(), body("rules: { QQQQ: off }")),
    ] {
        let mut properties: Vec<&str> = definition["properties"]
            .as_object()
            .expect("properties")
            .keys()
            .map(String::as_str)
            .collect();
        let ran = refused(&project(&suite_text, &case_text));
        let known = ran
            .stderr
            .split("known here: ")
            .nth(1)
            .expect("a list")
            .lines()
            .next()
            .unwrap_or_default();
        let mut known: Vec<_> = known.split(", ").map(|name| name.trim_matches('`')).collect();
        properties.sort_unstable();
        known.sort_unstable();
        assert_eq!(known, properties, "{case_text}");
    }
}

/// A sound file as JSON, by way of the program's own reading: a case that sends the file as its body.
fn yaml(text: &str) -> Value {
    let sent = Arc::new(Mutex::new(String::new()));
    let kept = Arc::clone(&sent);
    let server = Server::start(move |request| {
        let body = request.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
        *kept.lock().unwrap() = body.unwrap_or_default();
        (answer("HTTP/1.1 204 No Content", ""), Then::Keep)
    });
    // The file's variables are none of the case that sends it.
    let text = text.replace("{{", "⟦");
    let case = format!(
        "request:\n  method: POST\n  path: /\n  body:\n    json:\n{}expect: {{ status: 204 }}\n",
        indent(&indent(&indent(&text)))
    );
    let project = Project::new(&[("cases/s/c.yaml", &case)]);
    let ran = project.run(&["run", "--target", &server.url()]);
    assert_eq!(ran.code, 0, "{case}\n{ran:?}");
    let sent = sent.lock().unwrap();
    serde_json::from_str(&sent).expect("JSON")
}
