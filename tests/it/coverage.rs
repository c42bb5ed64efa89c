//! `conforme coverage` through the program.

use serde_json::Value;

use crate::support::{Project, Server, conforme, ran};

const DOCUMENT: &str = "openapi: 3.1.0
info: { title: Shop, version: '1' }
paths:
  /orders/{id}:
    get:
      parameters: [{ name: id, in: path, required: true, schema: { type: integer } }]
      responses:
        '200':
          description: one
          content:
            application/json:
              schema: { $ref: 'order.json' }
        '404': { description: none }
    delete:
      parameters: [{ name: id, in: path, required: true, schema: { type: integer } }]
      responses: { '204': { description: deleted } }
";
const ORDER: &str = r#"{"type": "object", "properties": {"id": {"type": "integer"},
 "note": {"type": "string"}}}"#;

fn recorded() -> Project {
    let project = Project::new(&[
        (
            "conforme.toml",
            "[targets.t]\nbase_url = '$URL'\nsecrets.token.env = 'T'\n",
        ),
        ("schemas/shop.yaml", DOCUMENT),
        ("schemas/order.json", ORDER),
        (
            "cases/s/suite.yaml",
            "openapi: shop.yaml\ninputs: { token: { secret: true } }\n",
        ),
        (
            "cases/s/get.yaml",
            "steps:\n  - id: one\n    request: { path: /orders/1, query: { debug: '{{ token }}' } }\n    expect: { status: 200 }\n",
        ),
    ]);
    let server = Server::always(
        "HTTP/1.1 200 OK\nContent-Type: application/json",
        r#"{"id": 1, "colour": "sesame-open"}"#,
    );
    let toml = project
        .read("conforme.toml")
        .replace("$URL", &format!("{}/api", server.url()));
    project.write("conforme.toml", &toml);
    let mut run = project.command(&["run", "--target", "t", "--record", "run.ndjson"]);
    let first = ran(run.env("T", "sesame-open"));
    assert_eq!(first.code, 0, "{first:?}");
    project
}

#[test]
fn recording_is_compared_with_the_document_of_its_suite() {
    let project = recorded();
    let all = project.run(&[
        "coverage",
        "run.ndjson",
        "--report",
        "json=c.json",
        "--report",
        "markdown=c.md",
        "--report",
        "html=c.html",
        "--report",
        "junit=c.xml",
        "--report",
        "sarif=c.sarif",
    ]);
    assert_eq!(all.code, 0, "{all:?}");
    for part in [
        // 1 of 2 operations, 1 of 3 statuses, 1 media type, 1 of 2 parameters, 1 of 2 properties.
        "Coverage 50.0%: 5 of 10 declared parts were observed",
        "undeclared/property",
        "has the property `colour`",
        "undeclared/parameter",
        "s/get at run.ndjson:2",
        "DELETE /orders/{id}: never requested",
        "(schemas/order.json:2:2)",
        "(schemas/shop.yaml:13:9)",
    ] {
        assert!(
            all.stdout.replace("\n             ", " ").contains(part),
            "{part}\n{}",
            all.stdout
        );
    }
    for name in ["c.json", "c.md", "c.html", "c.xml", "c.sarif"] {
        assert!(!project.read(name).contains("sesame-open"), "{name}");
    }
    let schema: Value = serde_json::from_str(&ran(conforme().args(["schema", "coverage"])).stdout).unwrap();
    let report: Value = serde_json::from_str(&project.read("c.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<_> = validator.iter_errors(&report).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let again = project.run(&["coverage", "run.ndjson", "--report", "json"]);
    assert_eq!(again.stdout, project.read("c.json"));
}

#[test]
fn minimum_document_and_recording_decide_the_exit_code() {
    let project = recorded();
    let outside = Project::new(&[
        ("api/shop.yaml", &DOCUMENT.replace("order.json", "../models/order.json")),
        ("api/other.yaml", &DOCUMENT.replace("/orders/", "/users/")),
        ("models/order.json", ORDER),
        ("run.ndjson", &project.read("run.ndjson")),
    ]);
    let code = |project: &Project, arguments: &[&str], part: &str| {
        let ran = project.run(&[&["coverage", "run.ndjson"], arguments].concat());
        let all = format!("{}{}", ran.stdout, ran.stderr);
        assert!(all.contains(part), "{part}\n{all}");
        ran.code
    };
    let min = ["--min", "50", "--min", "media-type=100"];
    assert_eq!(code(&project, &min, "Coverage 50.0%"), 0);
    let status = ["--min", "50", "--min", "status=40"];
    assert_eq!(
        code(&project, &status, "Coverage is too low: status 33.3%, minimum 40%"),
        1
    );
    assert_eq!(code(&project, &["--min", "statuses=4"], "no dimension `statuses`"), 2);
    assert_eq!(code(&outside, &["--openapi", "api/shop.yaml"], "Coverage 50.0%"), 0);
    assert_eq!(code(&outside, &["--openapi", "api/other.yaml"], "order.json"), 2);
    assert_eq!(code(&outside, &["--openapi", "api/none.yaml"], "api/none.yaml"), 2);
    assert_eq!(code(&outside, &[], "there is no folder `cases` here"), 2);
    outside.write(
        "api/other.yaml",
        &DOCUMENT
            .replace("/orders/", "/users/")
            .replace("order.json", "../models/order.json"),
    );
    assert_eq!(code(&outside, &["--openapi", "api/other.yaml"], "No verdict"), 3);
    project.write("cases/s/suite.yaml", "inputs: { token: { secret: true } }\n");
    assert_eq!(code(&project, &[], "add `openapi: FILE` to suite.yaml"), 2);
    let overwrite = ["--report", "json=schemas/shop.yaml"];
    project.write(
        "cases/s/suite.yaml",
        "openapi: shop.yaml\ninputs: { token: { secret: true } }\n",
    );
    assert_eq!(code(&project, &overwrite, "would overwrite"), 2);
}
