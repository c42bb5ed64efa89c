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
