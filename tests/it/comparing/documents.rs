//! `conforme compare` of two `OpenAPI` documents.

use serde_json::Value;

use crate::support::{Project, Server};

const OLD: &str = r#"
openapi: 3.0.3
info: { title: Orders, version: "1" }
paths:
  /orders/{id}:
    get:
      parameters:
        - { name: id, in: path, required: true, schema: { type: integer } }
        - { name: limit, in: query, schema: { type: integer } }
      responses:
        "200":
          description: an order
          content: { application/json: { schema: { $ref: "parts/order.yaml" } } }
"#;
const NEW: &str = r#"
openapi: 3.1.0
info: { title: Orders, version: "2" }
paths:
  /orders/{order}:
    get:
      parameters:
        - { name: order, in: path, required: true, schema: { type: integer } }
        - { name: limit, in: query, required: true, schema: { type: integer } }
      responses:
        "200":
          description: an order
          content:
            application/json:
              schema:
                type: object
                properties: { id: { type: integer }, "a|<b>&": { type: [string, "null"] } }
"#;
const ORDER: &str = r#"
type: object
properties:
  id: { type: integer }
  "a|<b>&": { type: string, nullable: true }
  note: { type: string }
"#;

fn project() -> Project {
    let project = Project::new(&[]);
    project.write("old.yaml", OLD);
    project.write("parts/order.yaml", ORDER);
    project.write("new.yaml", NEW);
    project
}

const COMPARE: [&str; 5] = ["compare", "--baseline", "old.yaml", "--candidate", "new.yaml"];

#[test]
fn documents_are_compared_with_their_lines() {
    let project = project();
    let ran = project.run(&[&COMPARE[..], &["--report", "json=out.json"]].concat());
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(
        ran.stdout.starts_with("Must not be released: 1 breaking change\n"),
        "{ran:?}"
    );
    assert!(
        ran.stdout
            .contains("BREAKING request/parameter-required at query limit (1 operation)"),
        "{ran:?}"
    );
    let report: Value = serde_json::from_str(&project.read("out.json")).unwrap();
    let schema = project.run(&["schema", "document-comparison"]).stdout;
    let validator = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    let errors: Vec<_> = validator.iter_errors(&report).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let changes = report["changes"].as_array().unwrap();
    let lines: Vec<_> = changes
        .iter()
        .map(|change| {
            let at = |side: &str| {
                let location = &change[side]["location"];
                format!("{}:{}", location["file"].as_str().unwrap(), location["line"])
            };
            (change["rule"].as_str().unwrap(), at("baseline"), at("candidate"))
        })
        .collect();
    assert_eq!(
        lines,
        [
            (
                "request/parameter-required",
                "old.yaml:9".to_owned(),
                "new.yaml:9".to_owned()
            ),
            (
                "body/property-removed",
                "parts/order.yaml:6".to_owned(),
                "new.yaml:15".to_owned()
            ),
        ]
    );
    for (level, code) in [("none", 0), ("warning", 1), ("any", 1)] {
        assert_eq!(project.run(&[&COMPARE[..], &["--fail-on", level]].concat()).code, code);
    }
}

#[test]
fn all_reports_of_documents_are_written() {
    let project = project();
    let mut arguments = COMPARE.to_vec();
    let formats = ["junit", "tap", "sarif", "github", "markdown", "html", "json"];
    let specs = formats.map(|format| format!("{format}=out.{format}"));
    for spec in &specs {
        arguments.extend(["--report", spec]);
    }
    assert_eq!(project.run(&arguments).code, 1);
    for format in formats {
        let text = project.read(&format!("out.{format}"));
        assert!(text.contains("request/parameter-required"), "{format}: {text}");
        assert!(text.contains("new.yaml"), "{format}: {text}");
        assert!(
            !text.contains("1 case") && !text.contains("| cases |"),
            "{format}: {text}"
        );
    }
}

#[test]
fn levels_and_accepted_changes_apply_to_documents() {
    let project = project();
    project.write(
        "conforme.toml",
        "[compare.levels]\n\"body/property-removed:/note\" = \"info\"\n",
    );
    project.write(
        "accepted-changes.toml",
        "[[accepted]]\nrule = \"request/parameter-required\"\nendpoint = \"GET /orders/{order}\"\nparameter = \"query limit\"\n\
         reason = \"announced\"\n\n[[accepted]]\nrule = \"operation/removed\"\nreason = \"none\"\n\n\
         [[accepted]]\nrule = \"body/value-changed\"\nreason = \"of recordings\"\n",
    );
    let ran = project.run(&[&COMPARE[..], &["--fail-on", "warning", "--report", "json=out.json"]].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    let report: Value = serde_json::from_str(&project.read("out.json")).unwrap();
    assert_eq!(report["changes"][0]["level"], "info");
    assert_eq!(report["accepted"][0]["rule"], "request/parameter-required");
    let stale = report["stale"].as_array().unwrap();
    assert_eq!(stale.len(), 1, "{stale:?}");
    assert_eq!(stale[0]["location"]["line"], 7);
}

#[test]
fn other_files_than_documents_are_named() {
    let project = project();
    project.write("flow.yaml", "arazzo: 1.0.0\n");
    project.write("other.yaml", "a: 1\n");
    project.write("run.ndjson", "{\"event\":\"run-started\"}\n");
    for (candidate, messages) in [
        ("flow.yaml", ["this is Arazzo", "`conforme import arazzo` reads it"]),
        ("other.yaml", ["no `openapi` version", "begins with `openapi: 3.1.0`"]),
        (
            "run.ndjson",
            [
                "`run.ndjson` is a recording",
                "help: name two documents, or two recordings",
            ],
        ),
        (
            "https://a.example",
            ["`https://a.example` is a target", "`conforme coverage` compares"],
        ),
    ] {
        let ran = project.run(&["compare", "--baseline", "old.yaml", "--candidate", candidate]);
        assert_eq!(ran.code, 2, "{ran:?}");
        for message in messages {
            assert!(ran.stderr.contains(message), "{candidate}: {ran:?}");
        }
    }
    let ran = project.run(&[&COMPARE[..], &["--tag", "a"]].concat());
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("documents have no cases"), "{ran:?}");
}

#[test]
fn recordings_show_which_declared_changes_were_observed() {
    let project = project();
    project.write(
        "cases/s/get.yaml",
        "request: { path: /orders/1 }\nexpect: { status: 200 }\n",
    );
    for (name, body) in [
        ("a", r#"{"id":1,"note":"x","kept":1}"#),
        ("b", r#"{"id":1,"kept":"1"}"#),
    ] {
        let server = Server::always("HTTP/1.1 200 OK\nContent-Type: application/json", body);
        let ran = project.run(&["run", "--target", &server.url(), "--record", name]);
        assert!(ran.code < 2, "{ran:?}");
    }
    let arguments = ["--observed", "a", "b", "--report", "json=out.json", "--fail-on", "none"];
    let ran = project.run(&[&COMPARE[..], &arguments].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    let report: Value = serde_json::from_str(&project.read("out.json")).unwrap();
    let states = report["changes"].as_array().unwrap().iter().map(|change| {
        let observed = &change["observed"];
        (
            change["rule"].as_str().unwrap(),
            observed["state"].as_str().unwrap(),
            observed["evidence"]["case"].as_str(),
        )
    });
    let states: Vec<_> = states.collect();
    assert_eq!(
        states,
        [
            ("request/parameter-required", "not-observed", None),
            ("body/property-removed", "observed", Some("s/get")),
        ]
    );
    let undeclared = report["observed"]["undeclared"].as_array().unwrap();
    let undeclared: Vec<_> = undeclared
        .iter()
        .map(|change| (&change["rule"], &change["pointer"]))
        .collect();
    assert_eq!(undeclared, [(&Value::from("body/type-changed"), &Value::from("/kept"))]);
    assert!(ran.stdout.contains("yes, in the case s/get (200 → 200)"), "{ran:?}");
    assert!(
        ran.stdout
            .contains("UNDECLARED cases/s/get.yaml:1:1: breaking body/type-changed"),
        "{ran:?}"
    );
    let ran = project.run(&["compare", "--baseline", "a", "--candidate", "b", "--observed", "a", "b"]);
    assert_eq!(ran.code, 2, "{ran:?}");
}
