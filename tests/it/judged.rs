//! Tables of cases that one run of the program judges, each with a response and findings of its own.

use std::fmt::Write as _;

use serde_json::Value;

use crate::support::{Project, Server, Then, indent, response};

/// The bytes that a server sends for the header section of a request.
type Respond = Box<dyn Fn(&str) -> Vec<u8> + Send + Sync>;

/// One case of a [`Table`].
struct Row {
    case: String,
    respond: Respond,
    findings: Vec<String>,
}

/// Cases, and the findings that each has: `check`, `check at /pointer`, `check (warn)`.
#[derive(Default)]
pub(crate) struct Table(Vec<Row>);

impl Table {
    /// A case that expects this of a response.
    pub(crate) fn add(&mut self, expect: &str, head: &str, body: &str, findings: &[&str]) {
        let (head, body) = (head.to_owned(), body.to_owned());
        self.add_bytes(expect, move || response(&head, &body), findings);
    }

    /// The same, with all bytes of the response.
    pub(crate) fn add_bytes(
        &mut self,
        expect: &str,
        respond: impl Fn() -> Vec<u8> + Send + Sync + 'static,
        findings: &[&str],
    ) {
        let case = format!("request: {{ path: /ROW }}\nexpect:\n{}", indent(expect));
        self.add_case(case, move |_| respond(), findings);
    }

    /// A whole case, whose paths begin with `/ROW`.
    pub(crate) fn add_case(
        &mut self,
        case: String,
        respond: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static,
        findings: &[&str],
    ) {
        self.0.push(Row {
            case,
            respond: Box::new(respond),
            findings: findings.iter().map(|&finding| finding.to_owned()).collect(),
        });
    }

    /// Runs all cases in a project with these files, and compares the findings and the verdict of each.
    pub(crate) fn check(self, files: &[(&str, &str)]) {
        let project = Project::new(files);
        let (mut responses, mut expected) = (Vec::new(), Vec::new());
        for (row, one) in self.0.into_iter().enumerate() {
            let case = one.case.replace("/ROW", &format!("/{row}"));
            project.write(&format!("cases/s/{row:03}.yaml"), &case);
            responses.push(one.respond);
            expected.push((case, one.findings));
        }
        let server = Server::start(move |request| {
            let path = request
                .split([' ', '/', '?'])
                .find_map(|part| part.parse::<usize>().ok());
            (responses[path.expect("the number of a row")](request), Then::Close)
        });
        let ran = project.run(&["run", "--target", &server.url(), "--timeout", "5s", "--report", "json"]);
        let mut wrong = String::new();
        for (row, (case, findings)) in expected.iter().enumerate() {
            let finished = ran.case(&format!("s/{row:03}"));
            let is_failed = findings.iter().any(|finding| !finding.ends_with("(warn)"));
            let verdict = if is_failed { "failed" } else { "passed" };
            let found = findings_of(&finished);
            if finished["verdict"] != verdict || found != *findings {
                let _ = writeln!(
                    wrong,
                    "{case}expected {verdict} {findings:?}, got {} {found:?}\n",
                    finished["verdict"]
                );
            }
        }
        assert!(wrong.is_empty(), "{wrong}{}", ran.stderr);
        let is_failed = expected
            .iter()
            .flat_map(|(_, findings)| findings)
            .any(|finding| !finding.ends_with("(warn)"));
        assert_eq!(ran.code, i32::from(is_failed), "{}", ran.stderr);
    }
}

/// The findings of a finished case, as a [`Table`] writes them.
pub(crate) fn findings_of(finished: &Value) -> Vec<String> {
    let steps = finished["steps"].as_array().into_iter().flatten();
    let findings = steps.flat_map(|step| step["findings"].as_array().into_iter().flatten());
    let written = findings.map(|finding| {
        let file = finding["location"]["file"].as_str().unwrap_or_default();
        assert!(file.starts_with("cases/s/"), "{finding}");
        let mut text = finding["check"].as_str().unwrap().to_owned();
        if let Some(pointer) = finding["pointer"].as_str().filter(|pointer| !pointer.is_empty()) {
            text = format!("{text} at {pointer}");
        }
        if finding["level"] == "warn" {
            text.push_str(" (warn)");
        }
        text
    });
    written.collect()
}
