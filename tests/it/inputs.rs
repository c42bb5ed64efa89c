//! What a target and its inputs must be for a run to start, and how the headline states how much was tested.

use crate::{
    running::OK,
    support::{Project, Ran, Server},
};

const PAGE: (&str, &str) = ("cases/t/page.yaml", "request: { path: / }\nexpect: { status: 204 }\n");

#[test]
fn run_without_a_target_fails_and_lists_the_targets() {
    let project = Project::new(&[
        PAGE,
        (
            "conforme.toml",
            "[targets.staging]\nbase_url = \"http://127.0.0.1:9\"\n",
        ),
    ]);
    for command in ["run", "list"] {
        let ran = project.run(&[command]);
        assert_eq!(ran.code, 2, "{ran:?}");
        for part in ["no target is given", "`staging`", "`reference`", "default_target"] {
            assert!(ran.stderr.contains(part), "{part} {ran:?}");
        }
    }
    let ran = project.run(&["list", "--target", "stagign"]);
    assert!(
        ran.code == 2 && ran.stderr.contains("did you mean `staging`?"),
        "{ran:?}"
    );
}

#[test]
fn an_empty_target_fails_even_with_a_default() {
    let server = Server::always(OK, "");
    let toml = format!("default_target = \"x\"\n[targets.x]\nbase_url = \"{}\"\n", server.url());
    let project = Project::new(&[PAGE, ("conforme.toml", &toml)]);
    for empty in ["", " ", "\t\n"] {
        let flag = project.run(&["run", "--target", empty]);
        let two = project.run(&["run", "--target", "x", "--target", empty]);
        let variable = Ran::from(
            project
                .command(&["run"])
                .env("CONFORME_TARGET", empty)
                .output()
                .unwrap(),
        );
        for ran in [flag, two, variable] {
            assert!(ran.code == 2 && ran.stderr.contains("the target is empty"), "{ran:?}");
        }
    }
    assert_eq!(server.requests(), 0);
}

#[test]
fn an_empty_variable_of_any_other_flag_is_unset() {
    let server = Server::always(OK, "");
    let project = Project::new(&[PAGE]);
    let url = server.url();
    let mut command = project.command(&["run", "--target", &url]);
    let help = Ran::from(project.command(&["run", "--help"]).output().unwrap());
    let names: std::collections::BTreeSet<_> = help.stdout.split("[env: ").skip(1).collect();
    let names = names.iter().filter_map(|rest| rest.split('=').next());
    let mut count = 0;
    for name in names.filter(|name| *name != "CONFORME_TARGET") {
        command.env(name, ["", " "][count % 2]);
        count += 1;
    }
    let ran = Ran::from(command.output().unwrap());
    assert!(count >= 14, "{count} {}", help.stdout);
    assert_eq!((ran.code, server.requests()), (0, 1), "{ran:?}");
}

/// Four cases: two need `user`, one also the secret `token`, one the optional `admin`, one nothing.
fn project_with_inputs() -> Project {
    let inputs = "inputs: { user: an id, token: { secret: true }, admin: { optional: true } }\n";
    let case = |rest: &str| format!("request: {{ path: / {rest} }}\nexpect: {{ status: 204 }}\n");
    Project::new(&[
        ("cases/t/suite.yaml", inputs),
        (
            "cases/t/admin.yaml",
            &case(", headers: { x-a: '{{ admin }}', x-u: '{{ user }}' }"),
        ),
        ("cases/t/page.yaml", &case("")),
        (
            "cases/t/private.yaml",
            &case(", headers: { x-t: '{{ token }}', x-u: '{{ user }}' }"),
        ),
        ("cases/t/user.yaml", &case(", headers: { x-u: '{{ user }}' }")),
    ])
}

#[test]
fn a_missing_input_fails_and_counts_the_cases_that_need_it() {
    let (project, server) = (project_with_inputs(), Server::always(OK, ""));
    let url = server.url();
    let run = |more: &[&str]| project.run(&[&["run", "--target", &url], more].concat());
    for part in [
        "input `user`: 2 cases need it",
        "--var user=",
        "input `token`: 1 case needs it",
        "CONFORME_SECRET_TOKEN",
    ] {
        let ran = run(&[]);
        assert!(ran.code == 2 && ran.stderr.contains(part), "{part} {ran:?}");
        assert!(!ran.stderr.contains("`admin`"), "{ran:?}");
    }
    assert_eq!(server.requests(), 0);
    assert_eq!(project.run(&["list", "--target", &url]).code, 2);
    // What is not selected, or would not run, needs no input.
    let page = run(&["t/page"]);
    assert!(
        page.code == 0
            && page
                .stdout
                .contains("The contract holds: 1 of 1 cases passed, 0 skipped; 1 of 4 cases selected"),
        "{page:?}"
    );
    let admin = run(&["t/admin", "t/page"]);
    assert!(
        admin.code == 0 && admin.stdout.contains("1 of 2 cases passed, 1 skipped"),
        "{admin:?}"
    );
}

#[test]
fn max_skipped_fails_the_run_its_merge_and_its_recheck() {
    let (project, server) = (project_with_inputs(), Server::always(OK, ""));
    let url = server.url();
    let run = |more: &[&str]| project.run(&[&["run", "--target", &url, "--skip-missing"], more].concat());
    let all = run(&["--max-skipped", "3", "--record", "all.ndjson"]);
    assert!(
        all.code == 0
            && all
                .stdout
                .contains("The contract holds: 1 of 4 cases passed, 3 skipped\n"),
        "{all:?}"
    );
    let headline = "Too many cases were skipped: 1 of 4 cases passed, 3 skipped (--max-skipped allows 2)";
    let reports = ["junit", "html", "markdown", "tap", "github", "sarif"].map(|name| format!("{name}=out.{name}"));
    let mut arguments = vec!["--max-skipped", "2"];
    for report in &reports {
        arguments.extend(["--report", report]);
    }
    let few = run(&arguments);
    assert!(few.code == 1 && few.stdout.contains(headline), "{few:?}");
    for report in &reports {
        let text = project.read(report.split('=').nth(1).unwrap());
        assert!(text.contains(headline), "{report}: {text}");
    }
    assert!(project.read("out.tap").contains("\nBail out! Too many"));
    assert!(project.read("out.junit").contains("<failure type=\"max-skipped\""));
    let recheck = |more: &[&str]| project.run(&[&["recheck", "all.ndjson"], more].concat());
    assert_eq!([recheck(&[]).code, recheck(&["--max-skipped", "2"]).code], [0, 1]);
    // Each part skips no more than is allowed; together they skip more.
    for part in ["1/2", "2/2"] {
        let record = format!("part-{}.ndjson", &part[..1]);
        let partition = format!("slice:{part}");
        let ran = run(&["--partition", &partition, "--record", &record, "--max-skipped", "2"]);
        assert!([0, 4].contains(&ran.code), "{ran:?}");
    }
    let merged = project.run(&["merge", "part-1.ndjson", "part-2.ndjson"]);
    assert!(merged.code == 1 && merged.stdout.contains(headline), "{merged:?}");
    let raised = ["merge", "part-1.ndjson", "part-2.ndjson", "--max-skipped", "3"];
    assert_eq!(project.run(&raised).code, 0);
}

#[test]
fn every_target_of_a_matrix_counts_and_is_gated() {
    let (project, server) = (project_with_inputs(), Server::always(OK, ""));
    let (one, two) = (server.url(), format!("{}/", server.url()));
    let run = |more: &[&str]| {
        let first = ["run", "--target", &one, "--target", &two, "--repeats", "1"];
        project.run(&[&first[..], more].concat())
    };
    assert_eq!((run(&[]).code, server.requests()), (2, 0));
    let ran = run(&["--skip-missing"]);
    assert!(
        ran.code == 0 && ran.stdout.contains("on each target 1 of 4 cases passed, 3 skipped"),
        "{ran:?}"
    );
    let ran = run(&["--skip-missing", "--max-skipped", "2"]);
    assert!(
        ran.code == 1 && ran.stdout.contains("Too many cases were skipped"),
        "{ran:?}"
    );
}
