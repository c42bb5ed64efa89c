//! What the tests share: the program, a project in a temporary folder, and a server that returns any bytes.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};

/// Variables of CI systems and of colors.
const CI_AND_COLORS: [&str; 16] = [
    "CI",
    "NO_COLOR",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "FORCE_COLOR",
    "GITHUB_ACTIONS",
    "GITEA_ACTIONS",
    "GITLAB_CI",
    "TF_BUILD",
    "CIRCLECI",
    "BUILDKITE",
    "TRAVIS",
    "DRONE",
    "CI_PIPELINE_NUMBER",
    "TEAMCITY_VERSION",
    "BITBUCKET_BUILD_NUMBER",
];

/// The program, without the environment of the developer or of CI.
pub(crate) fn conforme() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_conforme"));
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let is_ours = text.starts_with("CONFORME_") || text.to_lowercase().ends_with("_proxy");
        // A page links to the job that wrote it.
        let is_of_ci = ["GITHUB_", "CI_", "BUILD_", "SYSTEM_", "GIT_URL"]
            .iter()
            .any(|start| text.starts_with(start));
        if is_ours || is_of_ci || CI_AND_COLORS.contains(&text.as_ref()) {
            command.env_remove(&name);
        }
    }
    command.stdin(Stdio::null());
    command
}

/// What `conforme report` exits with for these events.
pub(crate) fn report_code(events: &[Value]) -> i32 {
    let end = events.last().filter(|end| end["event"] == "run-finished");
    if end.is_some_and(|end| end["stopped"] != "lost") {
        0
    } else {
        3
    }
}

/// The repository.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A recording made by hand, put right so that it agrees with itself: what passed has a response, and the locations, the
/// totals and the exit code are those of its cases.
// Long: a table of one response for each expectation.
pub(crate) fn agreeing(events: &[Value]) -> String {
    let mut events = events.to_vec();
    let exchange = json!({
        "request": { "method": "GET", "url": "http://127.0.0.1/", "headers": [] },
        "outcome": { "response": {
            "version": "HTTP/1.1", "status": 200, "headers": [], "received": "2026-01-02T03:04:06Z", "elapsed_us": 0,
        } },
    });
    // Cases in the totals that have no line.
    let end = events.len() - 1;
    for verdict in ["passed", "failed", "errored", "flaky", "skipped"] {
        let stated = events[end]["counts"][verdict].as_u64().unwrap_or_default();
        let listed = events.iter().filter(|event| event["verdict"] == verdict).count() as u64;
        for number in listed..stated {
            let mut case = json!({
                "event": "case-finished", "id": format!("s/more-{verdict}-{number}"), "suite": "s", "verdict": verdict,
                "location": { "file": "cases/s/more.yaml", "line": 1, "column": 1 }, "elapsed_us": 0, "reason": "r",
            });
            if verdict == "flaky" {
                case["earlier"] = json!([{ "reason": "r", "elapsed_us": 0 }]);
            }
            events.insert(events.len() - 1, case);
        }
    }
    let mut counts = serde_json::Map::new();
    for name in [
        "passed",
        "failed",
        "errored",
        "flaky",
        "skipped",
        "passed_before",
        "not_run",
        "warnings",
    ] {
        counts.insert(name.to_owned(), json!(0));
    }
    let (mut all, mut locations) = (0, std::collections::BTreeSet::new());
    for case in events.iter_mut().filter(|event| event["event"] == "case-finished") {
        let verdict = case["verdict"].as_str().unwrap().to_owned();
        if ["passed", "flaky"].contains(&verdict.as_str()) && case["exchange"].is_null() {
            case["exchange"] = exchange.clone();
        }
        if ["passed", "flaky"].contains(&verdict.as_str()) {
            if let Some(all) = case.get_mut("findings").and_then(Value::as_array_mut) {
                all.retain(|one| one["level"] != "deny");
            }
            if !case["exchange"]["outcome"]["failure"].is_null() {
                case["exchange"] = exchange.clone();
            }
            case.as_object_mut().unwrap().remove("reason");
        }
        let denied = |one: &Value| one["level"] == "deny";
        let is_denied = case["findings"].as_array().is_some_and(|all| all.iter().any(denied));
        match verdict.as_str() {
            "failed" if !is_denied => {
                let finding = json!({ "check": "status", "level": "deny", "message": "no" });
                let all = case["findings"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .cloned()
                    .chain([finding]);
                case["findings"] = all.collect();
            }
            "errored" => {
                if case["reason"].is_null() {
                    case["reason"] = json!("no response");
                }
                if is_denied && case["exchange"]["outcome"]["failure"].is_null() {
                    case.as_object_mut().unwrap().remove("exchange");
                }
            }
            "skipped" | "not-run" => {
                for name in ["findings", "exchange", "earlier", "repeats"] {
                    case.as_object_mut().unwrap().remove(name);
                }
            }
            _ => {}
        }
        let warnings = case["findings"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|one| one["level"] == "warn");
        let before = u64::from(case["passed_before"] == true);
        for (name, more) in [
            (verdict.replace('-', "_").as_str(), 1),
            ("passed_before", before),
            ("warnings", warnings.count() as u64),
        ] {
            counts[name] = json!(counts[name].as_u64().unwrap() + more);
        }
        let index = case["index"].as_u64().filter(|index| locations.insert(*index));
        if index.is_none() {
            let free = (0..=u64::from(u32::MAX))
                .find(|index| locations.insert(*index))
                .unwrap_or_default();
            case["index"] = json!(free);
        }
        all += 1;
    }
    let number = |name: &str| counts[name].as_u64().unwrap();
    let planned = events[0]["cases"].as_u64().unwrap_or_default().max(all);
    let flaky_fails = events[0]["flaky"] != "pass" && number("flaky") > 0;
    let ran = number("passed") + number("failed") + number("errored") + number("flaky");
    let is_stopped = events
        .last()
        .is_some_and(|end| end["event"] != "run-finished" || end["stopped"].is_string());
    let code = match events.last().and_then(|end| end["stopped"].as_str()) {
        Some("interrupted") => 130,
        Some("terminated") => 143,
        _ if number("failed") > 0 || flaky_fails => 1,
        Some(_) => 3,
        None if number("errored") + number("not_run") > 0 => 3,
        None if ran + number("passed_before") == 0 => 4,
        None => 0,
    };
    if is_stopped {
        counts["not_run"] = json!(number("not_run") + planned - all);
    }
    for event in &mut events {
        match event["event"].as_str() {
            Some("run-started") => event["cases"] = json!(if is_stopped { planned } else { all }),
            Some("run-finished") => {
                event["counts"] = counts.clone().into();
                event["exit_code"] = json!(code);
            }
            _ => {}
        }
    }
    for case in events.iter_mut().filter(|event| event["event"] == "case-finished") {
        *case = in_steps(case);
    }
    let mut lines: Vec<_> = events.iter().map(Value::to_string).collect();
    lines.push(String::new());
    lines.join("\n")
}

/// A case or an attempt of one step, with the fields of the step where the format has them.
fn in_steps(flat: &Value) -> Value {
    let mut attempt = flat.clone();
    let fields = attempt.as_object_mut().unwrap();
    let mut step = serde_json::Map::new();
    for name in ["started", "elapsed_us", "findings", "exchange"] {
        step.extend(fields.remove(name).map(|value| (name.to_owned(), value)));
    }
    let was_run = !["skipped", "not-run"].contains(&fields.get("verdict").and_then(Value::as_str).unwrap_or_default());
    if was_run && !step.is_empty() {
        step.entry("elapsed_us").or_insert(json!(0));
        fields.insert("steps".to_owned(), json!([step]));
    }
    for (name, new_name) in [("earlier", "previous"), ("repeats", "repeats")] {
        if let Some(Value::Array(all)) = fields.remove(name) {
            fields.insert(new_name.to_owned(), all.iter().map(in_steps).collect());
        }
    }
    attempt
}

/// What a run of the program gave.
#[derive(Debug)]
pub(crate) struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// Runs the program to its end.
pub(crate) fn ran(command: &mut Command) -> Ran {
    command.output().expect("the program starts").into()
}

/// A project in a temporary folder.
pub(crate) struct Project {
    folder: tempfile::TempDir,
}

impl Project {
    /// A project with these files.
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let project = Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
        };
        for (name, text) in files {
            project.write(name, text);
        }
        project
    }

    /// A project of one suite `s` with one case `c`: `GET /`, and what is expected.
    pub(crate) fn of_case(expect: &str) -> Self {
        Self::new(&[(
            "cases/s/c.yaml",
            &format!("request: {{ path: / }}\nexpect:\n{}", indent(expect)),
        )])
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().canonicalize().expect("the folder is there")
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("the folder is made");
        std::fs::write(path, text).expect("the file is written");
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path().join(name)).expect("the file is there")
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.path().join(name).exists()
    }

    /// The program in this project.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = conforme();
        command.current_dir(self.path()).args(arguments);
        command
    }

    /// Runs the program in this project.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        ran(&mut self.command(arguments))
    }
}

/// Two spaces before each line.
pub(crate) fn indent(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(|line| format!("  {line}")).collect();
    lines.join("\n") + "\n"
}

/// A server that responds to each request with the bytes that a function makes of it; one thread a connection.
pub(crate) struct Server {
    port: u16,
    requests: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
}

/// What a [`Server`] does after its bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// Waits for the next request.
    Keep,
    /// Closes the connection.
    Close,
    /// Keeps the connection open and sends nothing more.
    Hang,
}

impl Server {
    /// Responds with the result of `response` for header section and body of a request.
    pub(crate) fn start(response: impl Fn(&str) -> (Vec<u8>, Then) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let (requests, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let (count, stopped, response) = (Arc::clone(&requests), Arc::clone(&stop), Arc::new(response));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stopped.load(Ordering::SeqCst) {
                    break;
                }
                let (count, response) = (Arc::clone(&count), Arc::clone(&response));
                std::thread::spawn(move || serve(stream, &count, response.as_ref()));
            }
        });
        Self { port, requests, stop }
    }

    /// Always the same response, as text with `\n` for line ends in the header section.
    pub(crate) fn always(head: &str, body: &str) -> Self {
        let bytes = response(head, body);
        Self::start(move |_| (bytes.clone(), Then::Keep))
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// How many requests came.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(("127.0.0.1", self.port)));
    }
}

/// A message: status line and fields of `head`, a `Date` and a `Content-Length` where it has none, and the body.
pub(crate) fn response(head: &str, body: &str) -> Vec<u8> {
    let mut lines: Vec<String> = head.trim().lines().map(str::to_owned).collect();
    let has = |lines: &[String], name: &str| lines.iter().any(|line| line.to_lowercase().starts_with(name));
    let is_empty_204 = lines[0].contains(" 204") && body.is_empty();
    if !has(&lines, "date:") {
        lines.push(format!(
            "Date: {}",
            chrono::Utc::now().format("%a, %d %b %Y %H:%M:%S GMT")
        ));
    }
    if !has(&lines, "content-length:") && !has(&lines, "transfer-encoding:") && !is_empty_204 {
        lines.push(format!("Content-Length: {}", body.len()));
    }
    format!("{}\r\n\r\n{body}", lines.join("\r\n")).into_bytes()
}

fn serve(mut stream: TcpStream, count: &AtomicUsize, response: &(impl Fn(&str) -> (Vec<u8>, Then) + ?Sized)) {
    drop(stream.set_nodelay(true));
    drop(stream.set_read_timeout(Some(Duration::from_mins(1))));
    let mut buffer = Vec::new();
    while let Some(request) = request(&mut stream, &mut buffer) {
        count.fetch_add(1, Ordering::SeqCst);
        let (bytes, then) = response(&request);
        if stream.write_all(&bytes).is_err() {
            return;
        }
        match then {
            Then::Keep => {}
            Then::Close => return,
            Then::Hang => {
                drop(stream.read(&mut [0; 1]));
                return;
            }
        }
    }
}

/// The next request, head and body.
fn request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<String> {
    loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
            let length = head
                .lines()
                .find_map(|line| {
                    line.to_lowercase()
                        .strip_prefix("content-length:")
                        .map(|v| v.trim().parse().unwrap_or(0))
                })
                .unwrap_or(0);
            if buffer.len() >= end + 4 + length {
                let rest = buffer.split_off(end + 4 + length);
                let whole = std::mem::replace(buffer, rest);
                return Some(String::from_utf8_lossy(&whole).into_owned());
            }
        }
        let mut chunk = [0; 4096];
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => return None,
            Ok(read) => buffer.extend_from_slice(&chunk[..read]),
        }
    }
}

/// A server on loopback that does with each connection whatever a function does; one thread a connection.
pub(crate) struct Raw {
    address: std::net::SocketAddr,
    connections: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
}

impl Raw {
    /// Hands each connection to `serve`.
    pub(crate) fn start(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        Self::at("127.0.0.1:0", serve)
    }

    /// The same on another address of this machine, such as `[::1]:0`.
    pub(crate) fn at(address: &str, serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(address).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (connections, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let (count, stopped, serve) = (Arc::clone(&connections), Arc::clone(&stop), Arc::new(serve));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stopped.load(Ordering::SeqCst) {
                    break;
                }
                count.fetch_add(1, Ordering::SeqCst);
                let serve = Arc::clone(&serve);
                drop(stream.set_nodelay(true));
                drop(stream.set_read_timeout(Some(Duration::from_mins(1))));
                std::thread::spawn(move || serve(stream));
            }
        });
        Self {
            address,
            connections,
            stop,
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// `http://` and its address.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many connections came.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
    }
}

/// The next request of a connection, head and body; `buffer` receives the bytes after it.
pub(crate) fn next_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<String> {
    request(stream, buffer)
}

impl Ran {
    /// The events of a run with `--report json`.
    pub(crate) fn events(&self) -> Vec<serde_json::Value> {
        let read = |line| serde_json::from_str(line).expect("a line of JSON");
        self.stdout.lines().map(read).collect()
    }

    /// How a case ended in a run with `--report json`.
    pub(crate) fn case(&self, id: &str) -> serde_json::Value {
        let all = self.events().into_iter();
        let mut of_case = all.filter(|event| event["event"] == "case-finished" && event["id"] == id);
        let one = of_case
            .next()
            .unwrap_or_else(|| panic!("{id} is listed: {}{}", self.stdout, self.stderr));
        assert!(of_case.next().is_none(), "{id} is listed once");
        one
    }
}

/// Compares a text with the snapshot `tests/it/FOLDER/NAME.snap`. `INSTA_UPDATE=always` writes the file; `cargo insta review`
/// shows the difference.
pub(crate) fn snapshot(folder: &str, name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(folder);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// A program that is not installed is no reason to fail, except in CI, where `.ci/setup` installs it.
pub(crate) fn skips(program: &str, is_installed: bool) -> bool {
    let is_required = ["CI", "CONFORME_TEST_ALL"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
    assert!(
        is_installed || !is_required,
        "{program} is not installed; see .ci/setup"
    );
    if !is_installed {
        eprintln!("skipped: {program} is not installed");
    }
    !is_installed
}
