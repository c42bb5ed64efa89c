//! `conforme run --watch`, and `--open`.

use std::{
    fs,
    io::Read,
    path::Path,
    process::{Child, Stdio},
    sync::{Arc, Mutex},
    thread::{self, sleep},
    time::{Duration, Instant},
};

use crate::support::{Project, Server, Then, response};

/// Maximum time until the program does something.
const LONGEST: Duration = Duration::from_mins(1);
/// The end of each run of `--watch`.
const WATCHES: &str = "watching for changes";

/// Paths that were requested.
type Requested = Arc<Mutex<Vec<String>>>;

/// A server that notes paths and responds with 404 to `/bad`, after a time to `/slow`.
fn server(slow: Duration) -> (Server, Requested) {
    let requested = Requested::default();
    let paths = Arc::clone(&requested);
    let server = Server::start(move |request| {
        let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
        paths.lock().expect("paths").push(path.clone());
        if path.starts_with("/slow") {
            sleep(slow);
        }
        let status = if path.starts_with("/bad") {
            "404 Not Found"
        } else {
            "200 OK"
        };
        let head = format!("HTTP/1.1 {status}\nContent-Type: application/json");
        (response(&head, "{\"a\":1}"), Then::Keep)
    });
    (server, requested)
}

fn case(path: &str) -> String {
    format!("request: {{ path: {path} }}\nexpect: {{ status: 200 }}\n")
}

/// The program while it watches.
struct Watching {
    child: Child,
    err: Arc<Mutex<String>>,
    out: Arc<Mutex<String>>,
    requested: Requested,
    /// How often it has waited for changes.
    waits: usize,
}

fn collect(mut pipe: impl Read + Send + 'static) -> Arc<Mutex<String>> {
    let text = Arc::<Mutex<String>>::default();
    let into = Arc::clone(&text);
    thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(length @ 1..) = pipe.read(&mut bytes) {
            into.lock()
                .expect("text")
                .push_str(&String::from_utf8_lossy(&bytes[..length]));
        }
    });
    text
}

impl Watching {
    /// Starts it, and waits for the end of the first run.
    fn start(project: &Project, server: &Server, requested: &Requested, more: &[&str]) -> Self {
        let url = server.url();
        let mut command = project.command(&[&["run", "--watch", "--target", &url], more].concat());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let out = collect(child.stdout.take().expect("a pipe"));
        let err = collect(child.stderr.take().expect("a pipe"));
        let mut watching = Self {
            child,
            err,
            out,
            requested: Arc::clone(requested),
            waits: 0,
        };
        watching.waits(1);
        watching
    }

    fn err(&self) -> String {
        self.err.lock().expect("text").clone()
    }

    /// Waits until it waits for changes again.
    fn waits(&mut self, more: usize) {
        self.waits += more;
        let began = Instant::now();
        while self.err().matches(WATCHES).count() < self.waits {
            assert!(
                began.elapsed() < LONGEST,
                "{} {}",
                self.err(),
                self.out.lock().expect("text")
            );
            sleep(Duration::from_millis(10));
        }
    }

    /// The paths that were requested since the last call.
    fn requested(&self) -> Vec<String> {
        std::mem::take(&mut *self.requested.lock().expect("paths"))
    }

    /// The paths that are requested after a change.
    fn after(&mut self, change: impl FnOnce()) -> Vec<String> {
        self.requested();
        change();
        self.waits(1);
        self.requested()
    }

    /// Nothing is run after a change.
    fn ignores(&mut self, change: impl FnOnce()) {
        change();
        sleep(Duration::from_millis(600));
        assert_eq!(self.err().matches(WATCHES).count(), self.waits, "{}", self.err());
    }

    /// Sends a signal, and returns the exit code.
    fn end(mut self, signal: &str) -> i32 {
        let id = self.child.id().to_string();
        let sent = std::process::Command::new("kill").args([signal, &id]).status();
        assert!(sent.is_ok_and(|status| status.success()));
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a status") {
                return status.code().unwrap_or(-1);
            }
            assert!(began.elapsed() < LONGEST, "it does not end: {}", self.err());
            sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn sorted(mut paths: Vec<String>) -> Vec<String> {
    paths.sort();
    paths
}

const SUITE: &str = "inputs: { x: {} }\nrequest: { headers: { x-value: \"{{ x }}\" } }\n";

/// Two suites: `s` with a schema, a body file and a failing case, and `t`.
fn project() -> Project {
    Project::new(&[
        ("conforme.toml", ""),
        ("schemas/a.json", "{ \"type\": \"object\", \"required\": [\"a\"] }"),
        ("cases/s/one.yaml", &case("/one")),
        ("cases/s/bad.yaml", &case("/bad")),
        (
            "cases/s/schema.yaml",
            "request: { path: /schema }\nexpect: { status: 200, body: { schema: a.json } }\n",
        ),
        (
            "cases/s/file.yaml",
            "request: { method: POST, path: /file, body: { file: ../../data/body.bin } }\nexpect: { status: 200 }\n",
        ),
        ("data/body.bin", "first"),
        ("cases/t/suite.yaml", SUITE),
        ("cases/t/two.yaml", &case("/two")),
        ("cases/t/three.yaml", &case("/three")),
        ("vars.env", "x=1\n"),
    ])
}

#[test]
#[cfg(unix)]
fn watch_runs_cases_that_a_change_affects() {
    let (server, requested) = server(Duration::ZERO);
    let project = project();
    let mut watching = Watching::start(
        &project,
        &server,
        &requested,
        &["--jobs", "1", "--vars-file", "vars.env"],
    );
    let all = ["/bad", "/file", "/one", "/schema", "/three", "/two"];
    assert_eq!(sorted(watching.requested()), all);
    let write = |name: &str, text: &str| project.write(name, text);
    assert_eq!(
        watching.after(|| write("cases/s/one.yaml", &case("/one-x"))),
        ["/one-x"]
    );
    assert_eq!(
        watching.after(|| write("schemas/a.json", "{ \"type\": \"object\" }")),
        ["/schema"]
    );
    assert_eq!(watching.after(|| write("data/body.bin", "second")), ["/file"]);
    let suite = SUITE.replace("x-value", "x-other");
    assert_eq!(
        sorted(watching.after(|| write("cases/t/suite.yaml", &suite))),
        ["/three", "/two"]
    );
    // All of them, those that did not pass first.
    let after = watching.after(|| write("vars.env", "x=2\n"));
    assert_eq!((after.len(), after[0].as_str()), (6, "/bad"), "{after:?}");
    let after = watching.after(|| write("conforme.toml", "# new\n"));
    assert_eq!(after.len(), 6, "{after:?}");
    // A new case, and one that is gone.
    assert_eq!(watching.after(|| write("cases/t/four.yaml", &case("/four"))), ["/four"]);
    let removed = || fs::remove_file(project.path().join("cases/t/four.yaml")).expect("removed");
    assert_eq!(watching.after(removed), [""; 0]);
    assert!(
        watching
            .err()
            .contains("four.yaml changed: no selected case is affected"),
        "{}",
        watching.err()
    );
    assert_eq!(watching.end("-INT"), 130);
}

#[test]
#[cfg(unix)]
fn watch_shows_an_error_and_goes_on() {
    let (server, requested) = server(Duration::ZERO);
    let project = project();
    let mut watching = Watching::start(&project, &server, &requested, &["--var", "x=1"]);
    assert_eq!(
        watching.after(|| project.write("cases/s/one.yaml", "request: [")),
        [""; 0]
    );
    assert!(watching.err().contains("cases/s/one.yaml"), "{}", watching.err());
    // Saved in several steps, by a new file that takes the place of the old one, as editors do.
    let save = || {
        project.write("cases/s/one.yaml~", "old");
        project.write("cases/s/.one.yaml.swp", "swap");
        project.write("cases/s/one.yaml.tmp", &case("/one-renamed"));
        let path = |name: &str| project.path().join(name);
        fs::rename(path("cases/s/one.yaml.tmp"), path("cases/s/one.yaml")).expect("renamed");
        project.write("cases/t/two.yaml", &case("/two-too"));
    };
    assert_eq!(sorted(watching.after(save)), ["/one-renamed", "/two-too"]);
    assert_eq!(watching.end("-TERM"), 143);
}

#[test]
#[cfg(unix)]
fn watch_ignores_what_it_writes_itself() {
    let (server, requested) = server(Duration::ZERO);
    let project = project();
    project.write(
        "cases/s/snap.yaml",
        "request: { path: /snap }\nexpect: { status: 200, snapshot: true }\n",
    );
    let outputs = [
        "--var",
        "x=1",
        "--report",
        "html=page.html",
        "--report",
        "json=cases/run.ndjson",
        "--record",
        "run.ndjson",
    ];
    let mut watching = Watching::start(&project, &server, &requested, &outputs);
    watching.ignores(|| {});
    assert!(project.has("snapshots/s/snap.snap.new"), "{}", watching.err());
    watching.ignores(|| project.write("cases/s/notes.yaml.swp", "x"));
    watching.ignores(|| project.write("other.txt", "x"));
    assert_eq!(
        watching.after(|| project.write("cases/s/one.yaml", &case("/one-y"))),
        ["/one-y"]
    );
    watching.ignores(|| {});
    assert_eq!(watching.end("-HUP"), 129);
}

#[test]
#[cfg(unix)]
fn change_during_a_run_is_run_after_it() {
    let (server, requested) = server(Duration::from_secs(1));
    let project = Project::new(&[
        ("cases/s/one.yaml", &case("/one")),
        ("cases/s/slow.yaml", &case("/slow")),
    ]);
    let mut watching = Watching::start(&project, &server, &requested, &[]);
    watching.requested();
    project.write("cases/s/slow.yaml", &case("/slow-2"));
    let began = Instant::now();
    while watching.requested.lock().expect("paths").is_empty() {
        assert!(began.elapsed() < LONGEST, "{}", watching.err());
        sleep(Duration::from_millis(5));
    }
    project.write("cases/s/one.yaml", &case("/one-2"));
    watching.waits(2);
    assert_eq!(watching.requested(), ["/slow-2", "/one-2"]);
    // Ctrl-C during a run ends it, too.
    project.write("cases/s/slow.yaml", &case("/slow-3"));
    while watching.requested.lock().expect("paths").is_empty() {
        assert!(began.elapsed() < LONGEST, "{}", watching.err());
        sleep(Duration::from_millis(5));
    }
    assert_eq!(watching.end("-INT"), 130);
}

#[test]
fn watch_is_rejected_where_it_makes_no_sense() {
    let project = project();
    for (arguments, part) in [
        (&["--partition", "hash:1/2"][..], "--partition"),
        (&["--mutate"], "--mutate"),
        (&["--dry-run"], "--dry-run"),
        (&["--target", "http://127.0.0.1:2"], "several targets"),
    ] {
        let ran = project.run(&[&["run", "--watch", "--target", "http://127.0.0.1:1"], arguments].concat());
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.stderr.contains("--watch") && ran.stderr.contains(part), "{ran:?}");
    }
    let ran = project.run(&["run", "--watch", "--target", "no-such-target"]);
    assert_eq!(ran.code, 2, "an invalid command ends: {ran:?}");
}

/// A program that notes its argument and does not end soon.
#[cfg(unix)]
fn browser(folder: &Path, name: &str) -> String {
    use std::os::unix::fs::PermissionsExt as _;
    let path = folder.join(name);
    let script = format!(
        "#!/bin/sh\nprintf '%s\\n' \"$0 $*\" >> '{}'\nexec sleep 20\n",
        folder.join("opened").display()
    );
    fs::write(&path, script).expect("the script is written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is executable");
    path.display().to_string()
}

/// What was opened; waits until something was, if it should be.
#[cfg(unix)]
fn opened(project: &Project, is_expected: bool) -> String {
    let began = Instant::now();
    let limit = if is_expected {
        LONGEST
    } else {
        Duration::from_millis(500)
    };
    let text = || fs::read_to_string(project.path().join("bin/opened")).unwrap_or_default();
    // The shell creates the file before it writes the line.
    while !text().ends_with('\n') && began.elapsed() < limit {
        sleep(Duration::from_millis(10));
    }
    text()
}

#[test]
#[cfg(unix)]
fn open_opens_the_html_report_and_does_not_wait() {
    let (server, _) = server(Duration::ZERO);
    let url = server.url();
    for (variable, name) in [(Some("BROWSER"), "my-browser"), (None, "xdg-open")] {
        if variable.is_none() && !cfg!(target_os = "linux") {
            continue;
        }
        let project = Project::new(&[("cases/s/bad.yaml", &case("/bad")), ("bin/x", "")]);
        let folder = project.path().join("bin");
        let program = browser(&folder, name);
        let mut command = project.command(&["run", "--target", &url, "--report", "html=my page.html", "--open"]);
        let path = std::env::var("PATH").unwrap_or_default();
        command
            .env("PATH", format!("{}:{path}", folder.display()))
            .env_remove("BROWSER");
        if let Some(variable) = variable {
            command.env(variable, &program);
        }
        let began = Instant::now();
        let ran = crate::support::ran(&mut command);
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(
            began.elapsed() < Duration::from_secs(15),
            "it does not wait for the browser"
        );
        let page = project.path().join("my page.html");
        assert_eq!(opened(&project, true), format!("{program} {}\n", page.display()));
    }
}

#[test]
#[cfg(unix)]
fn open_needs_a_report_and_does_nothing_in_ci() {
    let (server, _) = server(Duration::ZERO);
    let url = server.url();
    let project = Project::new(&[("cases/s/one.yaml", &case("/one")), ("bin/x", "")]);
    let program = browser(&project.path().join("bin"), "my-browser");
    for report in [&[][..], &["--report", "html"], &["--report", "junit=j.xml"]] {
        let ran = project.run(&[&["run", "--target", &url, "--open"], report].concat());
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.stderr.contains("--report html=report.html"), "{ran:?}");
    }
    assert_eq!(server.requests(), 0);
    let arguments = ["run", "--target", &url, "--report", "html=p.html", "--open"];
    let ran = crate::support::ran(project.command(&arguments).env("CI", "true").env("BROWSER", &program));
    assert_eq!((ran.code, opened(&project, false).as_str()), (0, ""), "{ran:?}");
    assert!(ran.stderr.contains("in CI no report is opened"), "{ran:?}");
    // A browser that does not exist does not change the result.
    let missing = "/no/such/browser";
    let ran = crate::support::ran(
        project
            .command(&arguments)
            .env("BROWSER", missing)
            .env("PATH", "/no/such/folder"),
    );
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stderr.contains("failed to open"), "{ran:?}");
}
