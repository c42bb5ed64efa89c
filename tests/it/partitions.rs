//! A suite on several machines: `--partition`, and `merge` as the one gate.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::{Project, Ran, Server, Then, response};

const OK: &str = "HTTP/1.1 204 No Content";

/// Forty cases of a table, and three groups, of which one reaches over suites.
fn project() -> Project {
    let rows: String = (0..40).fold(String::new(), |rows, row| rows + &format!("  r{row}: {{ n: {row} }}\n"));
    let table = format!("request: {{ path: '/{{{{ n }}}}' }}\nexpect: {{ status: 204 }}\nexamples:\n{rows}");
    let plain = "request: { path: / }\nexpect: { status: 204 }\n";
    let grouped = format!("group: g\n{plain}");
    Project::new(&[
        ("cases/a/table.yaml", &table),
        ("cases/b/suite.yaml", "group: b\n"),
        ("cases/c/suite.yaml", "group: c\n"),
        ("cases/b/one.yaml", plain),
        ("cases/b/two.yaml", plain),
        ("cases/c/one.yaml", plain),
        ("cases/c/three.yaml", plain),
        ("cases/c/two.yaml", plain),
        ("cases/d/one.yaml", &grouped),
        ("cases/d/two.yaml", plain),
        ("cases/e/one.yaml", &grouped),
    ])
}

fn ids(recording: &str) -> Vec<(u64, String)> {
    let ran = Ran {
        code: 0,
        stdout: recording.to_owned(),
        stderr: String::new(),
    };
    (ran.events().iter())
        .filter(|event| event["event"] == "case-finished")
        .map(|event| {
            (
                event["index"].as_u64().unwrap(),
                event["id"].as_str().unwrap().to_owned(),
            )
        })
        .collect()
}

/// Runs all parts; the ids of each.
fn parts(project: &Project, target: &str, kind: &str, of: usize) -> Vec<BTreeSet<String>> {
    (1..=of)
        .map(|part| {
            let (partition, record) = (format!("{kind}:{part}/{of}"), format!("{part}.ndjson"));
            let run = [
                "run",
                "--target",
                target,
                "--partition",
                &partition,
                "--record",
                &record,
            ];
            let ran = project.run(&run);
            assert!([0, 1, 4].contains(&ran.code), "{ran:?}");
            ids(&project.read(&record)).into_iter().map(|(_, id)| id).collect()
        })
        .collect()
}

#[test]
fn every_case_is_in_one_partition_with_its_group() {
    let (project, server) = (project(), Server::always(OK, ""));
    for kind in ["slice", "hash"] {
        let parts = parts(&project, &server.url(), kind, 3);
        assert_eq!(parts.iter().map(BTreeSet::len).sum::<usize>(), 48, "{kind}");
        assert_eq!(parts.iter().flatten().collect::<BTreeSet<_>>().len(), 48, "{kind}");
        for group in [
            &["b/one", "b/two"][..],
            &["c/one", "c/two", "c/three"],
            &["d/one", "e/one"],
        ] {
            let holders: Vec<_> = parts
                .iter()
                .filter(|part| group.iter().any(|id| part.contains(*id)))
                .collect();
            assert_eq!(holders.len(), 1, "{kind} {group:?}");
        }
        let sizes: Vec<_> = parts.iter().map(BTreeSet::len).collect();
        assert!(sizes.iter().all(|size| (5..30).contains(size)), "{kind} {sizes:?}");
    }
}

#[test]
fn a_hash_keeps_each_case_in_its_part_as_others_come() {
    let (project, server) = (project(), Server::always(OK, ""));
    let location = |parts: Vec<BTreeSet<String>>| -> BTreeMap<String, usize> {
        parts
            .into_iter()
            .enumerate()
            .flat_map(|(part, ids)| ids.into_iter().map(move |id| (id, part)))
            .collect()
    };
    let before = location(parts(&project, &server.url(), "hash", 3));
    project.write("cases/a/new.yaml", "request: { path: /new }\nexpect: { status: 204 }\n");
    let after = location(parts(&project, &server.url(), "hash", 3));
    assert_eq!(after.len(), before.len() + 1);
    assert!(before.iter().all(|(id, part)| after[id] == *part));
}

#[test]
fn the_parts_are_merged_into_one_report_and_one_gate() {
    let project = project();
    let server = Server::start(|request| {
        let head = if request.starts_with("GET /7 ") {
            "HTTP/1.1 200 OK"
        } else {
            OK
        };
        (response(head, ""), Then::Keep)
    });
    parts(&project, &server.url(), "slice", 2);
    let files = ["1.ndjson", "2.ndjson"];
    let merge = [
        "merge",
        files[1],
        files[0],
        "--record",
        "all.ndjson",
        "--report",
        "junit=all.xml",
    ];
    let merged = project.run(&merge);
    assert_eq!(merged.code, 1, "{merged:?}");
    assert!(
        merged.stdout.contains("47 of 48 cases passed, 0 skipped, 1 failed"),
        "{merged:?}"
    );
    assert!(merged.stdout.contains("48 cases of 5 suites"), "{merged:?}");
    let whole = project.run(&["run", "--target", &server.url(), "--record", "whole.ndjson"]);
    assert_eq!(whole.code, 1);
    let sorted = |name: &str| ids(&project.read(name)).into_iter().collect::<BTreeSet<_>>();
    assert_eq!(
        sorted("all.ndjson"),
        sorted("whole.ndjson"),
        "the same cases at the same locations"
    );
    // What was merged is a recording as any other.
    assert_eq!(project.run(&["recheck", "all.ndjson"]).code, 1);
    let passed = parts(&project, &Server::always(OK, "").url(), "hash", 2);
    assert_eq!(passed.len(), 2);
}

#[test]
fn a_part_that_is_missing_or_foreign_is_no_pass() {
    let (project, server) = (project(), Server::always(OK, ""));
    parts(&project, &server.url(), "hash", 3);
    assert_eq!(project.run(&["merge", "1.ndjson", "2.ndjson", "3.ndjson"]).code, 0);
    let two = project.run(&["merge", "1.ndjson", "3.ndjson"]);
    assert_eq!(two.code, 3, "{two:?}");
    assert!(two.stderr.contains("no recording of hash:2/3"), "{two:?}");
    let twice = project.run(&["merge", "1.ndjson", "1.ndjson", "2.ndjson", "3.ndjson"]);
    assert_eq!(twice.code, 2, "{twice:?}");
    assert!(twice.stderr.contains("is in `1.ndjson` and in another"), "{twice:?}");
    // Cut off in the middle.
    let cut = project.read("2.ndjson");
    project.write("cut.ndjson", &cut[..cut.len() * 2 / 3]);
    assert_eq!(project.run(&["merge", "1.ndjson", "cut.ndjson", "3.ndjson"]).code, 3);
    let other = Server::always(OK, "");
    let run = [
        "run",
        "--target",
        &other.url(),
        "--partition",
        "hash:2/3",
        "--record",
        "other.ndjson",
    ];
    assert_eq!(project.run(&run).code, 0);
    let foreign = project.run(&["merge", "1.ndjson", "other.ndjson", "3.ndjson"]);
    assert_eq!(foreign.code, 2, "{foreign:?}");
    assert!(
        foreign
            .stderr
            .contains("are not parts of the same run: the targets are"),
        "{foreign:?}"
    );
    project.write("cases/a/new.yaml", "request: { path: /new }\nexpect: { status: 204 }\n");
    let run = [
        "run",
        "--target",
        &server.url(),
        "--partition",
        "hash:2/3",
        "--record",
        "new.ndjson",
    ];
    assert_eq!(project.run(&run).code, 0);
    let changed = project.run(&["merge", "1.ndjson", "new.ndjson", "3.ndjson"]);
    assert!(
        changed.code == 2 && changed.stderr.contains("the suites differ"),
        "{changed:?}"
    );
    for wrong in [
        &["merge"][..],
        &["merge", "none.ndjson"],
        &["merge", "1.ndjson", "--record", "1.ndjson"],
    ] {
        assert_eq!(project.run(wrong).code, 2, "{wrong:?}");
    }
    assert_eq!(project.run(&["run", "--partition", "hash:4/3"]).code, 2);
}
