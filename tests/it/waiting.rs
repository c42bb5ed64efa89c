//! `--wait`, and `ready` of a target.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use crate::{
    programs::free_port,
    support::{Project, Ran, Server, Then, response},
};

fn project() -> Project {
    Project::of_case("status: 204")
}

fn ready(project: &Project, server: &Server, expect: &str) {
    project.write(
        "conforme.toml",
        &format!(
            "[targets.t]\nbase_url = \"{}\"\n[targets.t.ready]\nrequest = {{ path = \"/version\" }}\n{expect}\n",
            server.url()
        ),
    );
}

/// A server of build 2, which says that it is build 1 for the first requests.
fn deployment(old: usize) -> Server {
    let asked = AtomicUsize::new(0);
    Server::start(move |request| {
        if !request.starts_with("GET /version ") {
            return (response("HTTP/1.1 204 No Content", ""), Then::Keep);
        }
        let build = if asked.fetch_add(1, Ordering::SeqCst) < old {
            1
        } else {
            2
        };
        let head = format!("HTTP/1.1 200 OK\nX-Build: {build}\nContent-Type: application/json");
        (response(&head, &format!("{{\"build\":{build}}}")), Then::Keep)
    })
}

#[test]
fn a_target_that_opens_its_port_in_time_is_judged() {
    let project = project();
    // A port that is free now, and taken a little later.
    let address = format!("127.0.0.1:{}", free_port());
    let target = format!("http://{address}");
    let late = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(700));
        crate::support::Raw::at(&address, |mut stream| {
            let mut buffer = Vec::new();
            while crate::support::next_request(&mut stream, &mut buffer).is_some() {
                let bytes = response("HTTP/1.1 204 No Content", "");
                if std::io::Write::write_all(&mut stream, &bytes).is_err() {
                    return;
                }
            }
        })
    });
    let ran = project.run(&["run", "--target", &target, "--wait", "30s"]);
    drop(late.join());
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains("WAITING up to"), "{ran:?}");
}

#[test]
fn target_that_does_not_become_ready_exits_3_with_reason() {
    let project = project();
    let dead = format!("http://127.0.0.1:{}", free_port());
    let ran = project.run(&["run", "--target", &dead, "--wait", "200ms", "--report", "json=x.json"]);
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(
        ran.stdout
            .contains("STOPPED the target is not ready: failed to connect"),
        "{ran:?}"
    );
    assert!(ran.stdout.contains("(waited 200ms)"), "{ran:?}");
    let report = Ran {
        stdout: project.read("x.json"),
        ..ran
    };
    assert_eq!(report.case("s/c")["verdict"], "not-run");
    assert_eq!(report.events().last().unwrap()["stopped"], "not-ready");
}

#[test]
fn the_wrong_build_is_not_judged() {
    let project = project();
    for expect in [
        "expect = { headers = { x-build = \"{{ build }}\" } }",
        "expect = { status = 200, body = { json = { build = 2 } } }",
    ] {
        let server = deployment(usize::MAX);
        ready(&project, &server, expect);
        let ran = project.run(&["run", "--target", "t", "--var", "build=2"]);
        let is_named = expect.contains("{{");
        assert_eq!(ran.code, if is_named { 3 } else { 2 }, "{ran:?}");
        let ran = if is_named {
            ran
        } else {
            project.run(&["run", "--target", "t"])
        };
        assert_eq!((ran.code, server.requests()), (3, 1), "{ran:?}");
        assert!(
            ran.stdout.contains("GET http://") && ran.stdout.contains("/version: "),
            "{ran:?}"
        );
        // It is waited for the right one.
        let server = deployment(1);
        ready(&project, &server, "expect = { headers = { x-build = \"2\" } }");
        let ran = project.run(&["run", "--target", "t", "--wait", "30s"]);
        assert_eq!((ran.code, server.requests()), (0, 3), "{ran:?}");
    }
}

#[test]
fn what_ready_says_is_checked_before_anything_is_sent() {
    let project = project();
    let server = deployment(0);
    for (expect, said) in [
        ("", "`ready` has no `expect`"),
        ("expect = { statu = 200 }", "did you mean `status`?"),
        ("expect = { snapshot = true }", "`snapshot` is for cases"),
        (
            "expect = { headers = { x-build = \"{{ build }}\" } }",
            "`build` (--var build=…)",
        ),
    ] {
        ready(&project, &server, expect);
        let ran = project.run(&["run", "--target", "t"]);
        assert_eq!((ran.code, server.requests()), (2, 0), "{said}: {ran:?}");
        assert!(
            ran.stderr.contains(said) && ran.stderr.contains("conforme.toml:"),
            "{said}: {ran:?}"
        );
    }
}

#[test]
fn built_in_rules_do_not_apply_to_a_health_page() {
    let project = project();
    let server = Server::start(|request| {
        if request.starts_with("GET /version ") {
            return (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_vec(), Then::Keep);
        }
        (response("HTTP/1.1 204 No Content", ""), Then::Keep)
    });
    ready(&project, &server, "expect = { status = 200, body = { text = \"ok\" } }");
    let ran = project.run(&["run", "--target", "t"]);
    assert_eq!((ran.code, server.requests()), (0, 2), "{ran:?}");
}
