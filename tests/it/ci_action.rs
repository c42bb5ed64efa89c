//! The action: its steps run as a runner would run them, against a server in place of GitHub.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};

use crate::{
    ci_files::file,
    support::{Project, Ran, Server, Then, conforme, ran, repository, response, skips},
};

/// The commit of the release in these tests.
const RELEASED: &str = "0123456789abcdef0123456789abcdef01234567";

/// What GitHub has, and what it was sent.
#[derive(Default)]
struct Hub {
    /// Assets of the release, by name.
    assets: BTreeMap<String, Vec<u8>>,
    /// Commits of tags and branches of the repository of the action.
    commits: BTreeMap<String, String>,
    artifacts: Vec<Value>,
    zips: BTreeMap<u64, Vec<u8>>,
    comments: Vec<Value>,
    /// Whether the token can write comments.
    is_forbidden: bool,
    /// Request lines.
    log: Vec<String>,
    /// Requests of downloads that carried the token.
    leaks: usize,
}

impl Hub {
    fn respond(&mut self, request: &str) -> (Vec<u8>, Then) {
        let line = request.lines().next().unwrap_or_default();
        let mut words = line.split(' ');
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        self.log.push(format!("{method} {path}"));
        let body = request.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        let has_token = request.contains("Authorization: Bearer t0ken");
        let status = |line: &str, body: &str| (response(&format!("HTTP/1.1 {line}"), body), Then::Keep);
        let found = |bytes: &[u8]| {
            let mut all = response(&format!("HTTP/1.1 200 OK\nContent-Length: {}", bytes.len()), "");
            all.extend_from_slice(bytes);
            (all, Then::Keep)
        };
        let ok = |value: &Value| found(value.to_string().as_bytes());
        let missing = || status("404 Not Found", "{}");
        if let Some(asset) = path.strip_prefix("/owner/conforme/releases/download/") {
            self.leaks += usize::from(has_token);
            return self.assets.get(asset).map_or_else(missing, |bytes| found(bytes));
        }
        if !has_token {
            return status("401 Unauthorized\nWWW-Authenticate: Bearer", "{}");
        }
        if let Some(name) = path.strip_prefix("/api/repos/owner/conforme/commits/") {
            return self.commits.get(name).map_or_else(missing, |one| found(one.as_bytes()));
        }
        let Some(rest) = path.strip_prefix("/api/repos/me/shop/") else {
            return missing();
        };
        if rest.starts_with("actions/artifacts?") {
            return ok(&json!({ "artifacts": self.artifacts }));
        }
        if let Some(id) = rest.strip_prefix("actions/artifacts/") {
            let id = id.strip_suffix("/zip").and_then(|id| id.parse().ok()).unwrap_or(0);
            return self.zips.get(&id).map_or_else(missing, |bytes| found(bytes));
        }
        if self.is_forbidden {
            return status("403 Forbidden", "{}");
        }
        match (method, rest) {
            ("GET", _) if rest.starts_with("issues/7/comments?") => {
                let page = usize::from(rest.ends_with("page=2"));
                let all: Vec<_> = self.comments.chunks(100).nth(page).unwrap_or_default().to_vec();
                ok(&Value::from(all))
            }
            ("POST", "issues/7/comments") => {
                let mut comment: Value = serde_json::from_str(body).expect("JSON");
                comment["id"] = json!(1000 + self.comments.len());
                comment["user"] = json!({ "type": "Bot" });
                self.comments.push(comment);
                status("201 Created", "{}")
            }
            ("PATCH", _) => {
                let id = rest.strip_prefix("issues/comments/").expect("a comment");
                let comment = self
                    .comments
                    .iter_mut()
                    .find(|one| one["id"].as_u64() == id.parse().ok());
                let new: Value = serde_json::from_str(body).expect("JSON");
                comment.expect("a known comment")["body"] = new["body"].clone();
                ok(&json!({}))
            }
            _ => missing(),
        }
    }
}

/// One job that uses the action.
struct Job {
    project: Project,
    hub: Arc<Mutex<Hub>>,
    server: Server,
    inputs: BTreeMap<&'static str, String>,
    /// `github.*` of the expressions.
    context: BTreeMap<&'static str, String>,
    variables: BTreeMap<&'static str, String>,
}

/// What the steps of a job did.
#[derive(Debug)]
struct Done {
    code: i32,
    log: String,
    outputs: BTreeMap<String, String>,
    summary: String,
    /// The paths that were uploaded, each with its `with`.
    uploads: Vec<(PathBuf, Value)>,
}

impl Job {
    fn new(target: &str) -> Self {
        let project = Project::new(&[
            ("cases/s/a.yaml", "request: { path: / }\nexpect: { status: 204 }\n"),
            ("work/event.json", "{ \"pull_request\": { \"number\": 7 } }"),
        ]);
        let hub = Arc::new(Mutex::new(Hub::default()));
        let shared = Arc::clone(&hub);
        let server = Server::start(move |request| shared.lock().unwrap().respond(request));
        let action = file("action.yml");
        let defaults = action["inputs"].as_object().unwrap().iter();
        let mut inputs: BTreeMap<&'static str, String> = defaults
            .map(|(name, input)| (&*name.clone().leak(), input["default"].as_str().unwrap().to_owned()))
            .collect();
        inputs.insert("token", "t0ken".to_owned());
        inputs.insert("target", target.to_owned());
        inputs.insert("binary", env!("CARGO_BIN_EXE_conforme").to_owned());
        let text =
            |pairs: &[(&'static str, &str)]| pairs.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Self {
            inputs,
            context: text(&[
                ("action_path", &repository().to_string_lossy()),
                ("action_repository", "owner/conforme"),
                ("action_ref", &format!("v{}", env!("CARGO_PKG_VERSION"))),
            ]),
            variables: text(&[
                ("GITHUB_REPOSITORY", "me/shop"),
                ("GITHUB_REPOSITORY_ID", "42"),
                ("GITHUB_RUN_ID", "5"),
                ("GITHUB_BASE_REF", "main"),
                ("GITHUB_REF_NAME", "7/merge"),
                ("GITHUB_SHA", "abc123"),
                ("RUNNER_OS", "Linux"),
                ("RUNNER_ARCH", "X64"),
            ]),
            project,
            hub,
            server,
        }
    }

    fn with(mut self, input: &'static str, value: &str) -> Self {
        self.inputs.insert(input, value.to_owned());
        self
    }

    /// Offers a release with a program that runs the real one, for this archive.
    fn with_release(self, checksum: Option<&str>) -> Self {
        let name = "conforme-x86_64-unknown-linux-musl";
        let folder = self.project.path().join("work/release").join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let program = format!("#!/bin/sh\nexec '{}' \"$@\"\n", env!("CARGO_BIN_EXE_conforme"));
        std::fs::write(folder.join("conforme"), program).unwrap();
        let script = "chmod +x \"$1/conforme\" && tar -czf release.tar.gz \"$1\" && (sha256sum release.tar.gz || shasum -a 256 release.tar.gz)";
        let mut pack = Command::new("sh");
        pack.args(["-c", script, "sh", name])
            .current_dir(folder.parent().unwrap());
        let sum = ran(&mut pack).stdout;
        let bytes = std::fs::read(self.project.path().join("work/release/release.tar.gz")).unwrap();
        let path = format!("v{}/{name}.tar.gz", env!("CARGO_PKG_VERSION"));
        let mut hub = self.hub.lock().unwrap();
        let sum = checksum.unwrap_or(&sum[..64]).to_owned();
        hub.assets
            .insert(format!("{path}.sha256"), format!("{sum} *{name}.tar.gz\n").into_bytes());
        hub.assets.insert(path, bytes);
        hub.commits
            .insert(format!("v{}", env!("CARGO_PKG_VERSION")), RELEASED.to_owned());
        drop(hub);
        self
    }

    /// Offers a recording as an artifact.
    fn add_artifact(&self, id: u64, recording: &str, workflow_run: &Value) {
        self.project.write("work/zip/run.ndjson", recording);
        let folder = self.project.path().join("work/zip");
        let mut zip = Command::new("python3");
        zip.args(["-m", "zipfile", "-c", "a.zip", "run.ndjson"])
            .current_dir(&folder);
        let zipped = ran(&mut zip);
        assert_eq!(zipped.code, 0, "{zipped:?}");
        let mut hub = self.hub.lock().unwrap();
        hub.zips.insert(id, std::fs::read(folder.join("a.zip")).unwrap());
        hub.artifacts.push(json!({
            "id": id, "expired": false, "created_at": format!("2026-12-01T10:00:{id:02}Z"), "workflow_run": workflow_run,
        }));
    }

    /// A text with the values of its expressions.
    fn expand(&self, text: &str, steps: &BTreeMap<String, BTreeMap<String, String>>, temp: &str) -> String {
        let mut parts = text.split("${{ ");
        let mut all = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (expression, rest) = part.split_once(" }}").unwrap();
            all += &self.value(expression, steps, temp);
            all += rest;
        }
        all
    }

    /// The value of an expression.
    fn value(&self, expression: &str, steps: &BTreeMap<String, BTreeMap<String, String>>, temp: &str) -> String {
        if let Some((first, second)) = expression.split_once(" || ") {
            let first = self.value(first, steps, temp);
            return if first.is_empty() {
                self.value(second, steps, temp)
            } else {
                first
            };
        }
        if let Some(text) = expression.strip_prefix("format('") {
            let (pattern, argument) = text.split_once("', ").unwrap();
            return pattern.replace("{0}", &self.value(argument.trim_end_matches(')'), steps, temp));
        }
        let parts: Vec<_> = expression.split('.').collect();
        match parts.as_slice() {
            ["inputs", name] => self.inputs[name].clone(),
            ["github", name] => self.context[name].clone(),
            ["runner", "temp"] => temp.to_owned(),
            ["steps", step, "outputs", name] => {
                let outputs = steps.get(*step);
                outputs.and_then(|all| all.get(*name)).cloned().unwrap_or_default()
            }
            _ => panic!("{expression}"),
        }
    }

    /// Whether a step runs.
    fn is_met(&self, condition: &str, code: i32, steps: &BTreeMap<String, BTreeMap<String, String>>) -> bool {
        let parts: Vec<_> = condition.split(" && ").filter(|part| !part.is_empty()).collect();
        (code == 0 || parts.contains(&"always()"))
            && parts.into_iter().filter(|part| *part != "always()").all(|part| {
                let (is_equal, (left, right)) = match part.split_once(" != ") {
                    Some(sides) => (false, sides),
                    None => (true, part.split_once(" == ").unwrap()),
                };
                (self.value(left, steps, "") == right.trim_matches('\'')) == is_equal
            })
    }

    fn run(&self) -> Done {
        let root = self.project.path();
        let temp = root.join("a b");
        std::fs::create_dir_all(&temp).unwrap();
        let temp = temp.to_string_lossy().into_owned();
        let mut done = Done {
            code: 0,
            log: String::new(),
            outputs: BTreeMap::new(),
            summary: String::new(),
            uploads: Vec::new(),
        };
        let mut steps = BTreeMap::new();
        std::fs::write(root.join("work/summary"), "before\n").unwrap();
        for step in file("action.yml")["runs"]["steps"].as_array().unwrap() {
            let condition = step["if"].as_str().unwrap_or_default();
            if !self.is_met(condition, done.code, &steps) {
                continue;
            }
            let expand = |text: &str| self.expand(text, &steps, &temp);
            let mut outputs = BTreeMap::new();
            if step["uses"]
                .as_str()
                .is_some_and(|uses| uses.contains("upload-artifact"))
            {
                let path = PathBuf::from(expand(step["with"]["path"].as_str().unwrap()));
                assert!(path.exists(), "{}", path.display());
                outputs.insert("artifact-url".to_owned(), "https://github.test/artifact/9".to_owned());
                done.uploads.push((path, step["with"].clone()));
            } else if let Some(script) = step["run"].as_str() {
                let ran = self.run_step(script, step["env"].as_object().unwrap(), &expand, &temp);
                done.log += &(ran.stdout.clone() + &ran.stderr);
                if done.code == 0 {
                    done.code = ran.code;
                }
                let text = self.project.read("work/output");
                let pairs = text.lines().filter_map(|line| line.split_once('='));
                outputs.extend(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())));
            }
            if let Some(id) = step["id"].as_str() {
                done.outputs.extend(outputs.clone());
                steps.insert(id.to_owned(), outputs);
            }
        }
        done.summary = self.project.read("work/summary");
        done
    }

    fn run_step(
        &self,
        script: &str,
        variables: &serde_json::Map<String, Value>,
        expand: &dyn Fn(&str) -> String,
        temp: &str,
    ) -> Ran {
        let root = self.project.path();
        std::fs::write(root.join("work/output"), "").unwrap();
        let clean = conforme();
        let mut command = Command::new("bash");
        command
            .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", script])
            .current_dir(&root)
            .env_clear()
            .envs(clean.get_envs().filter_map(|(name, value)| Some((name, value?))))
            .envs(&self.variables)
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("CI", "true")
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_OUTPUT", root.join("work/output"))
            .env("GITHUB_STEP_SUMMARY", root.join("work/summary"))
            .env("GITHUB_EVENT_PATH", root.join("work/event.json"))
            .env("GITHUB_SERVER_URL", self.server.url())
            .env("GITHUB_API_URL", format!("{}/api", self.server.url()))
            .env("RUNNER_TEMP", temp);
        for (name, value) in variables {
            command.env(name, expand(value.as_str().unwrap()));
        }
        let ran = ran(&mut command);
        assert!(
            !ran.stdout.contains("t0ken") && !ran.stderr.contains("t0ken"),
            "{ran:?}"
        );
        ran
    }

    fn log(&self) -> Vec<String> {
        self.hub.lock().unwrap().log.clone()
    }

    fn comments(&self) -> Vec<String> {
        let hub = self.hub.lock().unwrap();
        hub.comments
            .iter()
            .map(|one| one["body"].as_str().unwrap().to_owned())
            .collect()
    }
}

fn is_unavailable() -> bool {
    ["curl", "jq", "unzip", "python3"].into_iter().any(|program| {
        let option = if program == "unzip" { "-v" } else { "--version" };
        skips(program, Command::new(program).arg(option).output().is_ok())
    })
}

fn api() -> Server {
    Server::always("HTTP/1.1 204 No Content", "")
}

#[test]
fn release_of_the_tag_is_downloaded_and_verified() {
    if is_unavailable() {
        return;
    }
    let api = api();
    let job = Job::new(&api.url()).with("binary", "").with_release(None);
    let done = job.run();
    assert_eq!(done.code, 0, "{done:?}");
    assert!(
        done.outputs["binary"].ends_with("/conforme-x86_64-unknown-linux-musl/conforme"),
        "{done:?}"
    );
    // The tag needs no request to the API, and downloads carry no token.
    let log = job.log();
    assert!(
        log[0].starts_with("GET /owner/conforme/releases/download/v") && log[1].ends_with(".sha256"),
        "{log:?}"
    );
    assert_eq!(job.hub.lock().unwrap().leaks, 0);
    // A commit and a moving tag that have the commit of the release use it, too.
    for (reference, commit) in [(RELEASED, RELEASED), ("v0", RELEASED)] {
        let mut job = Job::new(&api.url()).with("binary", "").with_release(None);
        job.context.insert("action_ref", reference.to_owned());
        job.hub
            .lock()
            .unwrap()
            .commits
            .insert(reference.to_owned(), commit.to_owned());
        let done = job.run();
        assert!(
            done.code == 0 && done.outputs.contains_key("binary"),
            "{reference}: {done:?}"
        );
    }
}

/// The outcome of the first step alone.
fn install(job: &Job) -> Done {
    let step = file("action.yml")["runs"]["steps"][0].clone();
    let temp = job.project.path().join("temp").to_string_lossy().into_owned();
    std::fs::create_dir_all(&temp).unwrap();
    let expand = |text: &str| job.expand(text, &BTreeMap::new(), &temp);
    let ran = job.run_step(
        step["run"].as_str().unwrap(),
        step["env"].as_object().unwrap(),
        &expand,
        &temp,
    );
    let text = job.project.read("work/output");
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    Done {
        code: ran.code,
        log: ran.stdout + &ran.stderr,
        outputs: pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        summary: String::new(),
        uploads: Vec::new(),
    }
}

#[test]
fn wrong_checksum_is_an_error_and_never_a_build() {
    if is_unavailable() {
        return;
    }
    for checksum in [&"0".repeat(64), "", "<html>not a checksum</html>"] {
        let job = Job::new("http://127.0.0.1:9")
            .with("binary", "")
            .with_release(Some(checksum));
        let done = install(&job);
        assert!(done.code == 1 && done.outputs.is_empty(), "{checksum}: {done:?}");
        assert!(done.log.contains("::error title=conforme::"), "{done:?}");
    }
    // A missing checksum, and a server that fails.
    let job = Job::new("http://127.0.0.1:9").with("binary", "").with_release(None);
    job.hub
        .lock()
        .unwrap()
        .assets
        .retain(|name, _| !name.ends_with("sha256"));
    let done = install(&job);
    assert!(done.code == 1 && done.outputs.is_empty(), "{done:?}");
    let closes = Server::start(|_| (Vec::new(), Then::Close));
    for server in [closes, Server::always("HTTP/1.1 403 Forbidden", "")] {
        let mut job = Job::new("http://127.0.0.1:9").with("binary", "");
        job.server = server;
        let done = install(&job);
        assert!(done.code == 1 && done.outputs.is_empty(), "{done:?}");
    }
}

#[test]
fn without_a_matching_release_it_is_built() {
    if is_unavailable() {
        return;
    }
    let other = "f".repeat(40);
    for (change, value, reason) in [
        ("action_ref", "main", "main is not the release"),
        ("action_ref", "gone", "the commit of gone is not known"),
        ("action_ref", &other, "is not the release"),
        ("action_ref", "", "used from a folder"),
        ("action_repository", "", "used from a folder"),
        (
            "RUNNER_ARCH",
            "ARM64",
            "has no conforme-aarch64-unknown-linux-musl.tar.gz",
        ),
        ("RUNNER_ARCH", "X86", "no binary for X86"),
        ("RUNNER_OS", "macOS", "has no conforme-x86_64-apple-darwin.tar.gz"),
        ("RUNNER_OS", "Windows", "has no conforme-x86_64-pc-windows-msvc.zip"),
        ("RUNNER_OS", "Plan9", "no binary for Plan9"),
    ] {
        let mut job = Job::new("http://127.0.0.1:9").with("binary", "").with_release(None);
        let commits = [("main", &other), (other.as_str(), &other)];
        for (name, commit) in commits {
            job.hub.lock().unwrap().commits.insert(name.to_owned(), commit.clone());
        }
        let known = if change.starts_with("action") {
            &mut job.context
        } else {
            &mut job.variables
        };
        known.insert(change, value.to_owned());
        let done = install(&job);
        assert_eq!(
            (done.code, done.outputs.get("build").map(String::as_str)),
            (0, Some("true")),
            "{done:?}"
        );
        assert!(
            done.log.contains(reason) && done.outputs["source"].len() == 64,
            "{reason}: {done:?}"
        );
    }
}

#[test]
fn reports_summary_and_annotations_are_written() {
    if is_unavailable() {
        return;
    }
    let api = api();
    let job = Job::new(&api.url()).with("wait", "10s");
    job.project.write(
        "cases/s/bad.yaml",
        "tags: bad\nrequest: { path: / }\nexpect: { status: 200 }\n",
    );
    let done = job.run();
    assert_eq!(done.code, 1, "{done:?}");
    assert!(done.log.contains("::error file=cases/s/bad.yaml,line=3"), "{done:?}");
    assert_eq!(done.outputs["exit-code"], "1");
    assert!(
        done.summary.starts_with("before\n") && done.summary.contains("s/bad"),
        "{done:?}"
    );
    let [(reports, _), (page, with)] = done.uploads.as_slice() else {
        panic!("{done:?}");
    };
    for name in ["junit.xml", "report.html", "conforme.sarif", "summary.md", "run.ndjson"] {
        let report = std::fs::read_to_string(reports.join(name)).unwrap();
        assert!(
            report.contains("s/bad") || report.contains("\"bad\""),
            "{name}: {report}"
        );
    }
    assert!(page.ends_with("conforme.html") && with["archive"] == false, "{done:?}");
    // All lines of the arguments count, and a suite that cannot be loaded keeps its exit code.
    let passed = Job::new(&api.url())
        .with("args", "s/a\n  --retries 1\n--max-skipped 0\n")
        .run();
    assert_eq!(passed.code, 0, "{passed:?}");
    let refused = Job::new(&api.url()).with("args", "s/a\n--no-such-flag\n").run();
    assert_eq!(
        (refused.code, refused.outputs["exit-code"].as_str()),
        (2, "2"),
        "{refused:?}"
    );
    let wrong = Job::new(&api.url()).with("mode", "compar").run();
    assert!(
        wrong.code == 1 && wrong.log.contains("expected run or compare"),
        "{wrong:?}"
    );
}

#[test]
fn hostile_inputs_are_not_run() {
    if is_unavailable() {
        return;
    }
    let hostile = "$(touch pwned) `touch pwned`; touch pwned; ${{ 1 }} \" ' \n::error::x";
    for input in [
        "target", "args", "project", "wait", "artifact", "baseline", "mode", "binary",
    ] {
        let done = Job::new("http://127.0.0.1:9").with(input, hostile);
        let after = done.run();
        assert!(
            !done.project.has("pwned") && !done.project.has("a b/pwned"),
            "{input}: {after:?}"
        );
    }
    let mut job = Job::new("http://127.0.0.1:9");
    job.variables
        .insert("GITHUB_BASE_REF", "x`$(touch pwned)`<!-- -->".to_owned());
    job.run();
    assert!(!job.project.has("pwned"));
}

#[test]
fn one_comment_is_written_and_then_updated() {
    if is_unavailable() {
        return;
    }
    let api = api();
    let job = Job::new(&api.url());
    // Comments of people, one of them with the marker, on more than one page.
    let human = json!({ "id": 1, "user": { "type": "User" }, "body": "<!-- conforme: conforme --> mine" });
    job.hub.lock().unwrap().comments = vec![human; 120];
    let first = job.run();
    assert_eq!(first.code, 0, "{first:?}");
    job.project
        .write("cases/s/a.yaml", "request: { path: / }\nexpect: { status: 200 }\n");
    let second = job.run();
    assert_eq!(second.code, 1, "{second:?}");
    let comments = job.comments();
    assert_eq!(comments.len(), 121);
    let text = &comments[120];
    assert!(
        text.starts_with("<!-- conforme: conforme -->\n## The contract is broken"),
        "{text}"
    );
    assert!(
        text.contains("[HTML report](https://github.test/artifact/9)") && text.contains("/me/shop/actions/runs/5"),
        "{text}"
    );
    assert!(text.contains("commit abc123"), "{text}");
    // A run of its own has a comment of its own.
    let mut other = Job::new(&api.url()).with("artifact", "contract-eu");
    other.hub = Arc::clone(&job.hub);
    other.server = job.server;
    assert_eq!(other.run().code, 0);
    assert_eq!(other.comments().len(), 122);
}

#[test]
fn comment_that_cannot_be_written_changes_no_verdict() {
    if is_unavailable() {
        return;
    }
    let api = api();
    let job = Job::new(&api.url());
    job.hub.lock().unwrap().is_forbidden = true;
    let done = job.run();
    assert!(
        done.code == 0
            && done
                .log
                .contains("::notice title=conforme::no comment on pull request 7"),
        "{done:?}"
    );
    // On a push there is nothing to comment on, and `comment: false` asks for nothing.
    let push = Job::new(&api.url());
    push.project.write("work/event.json", "{}");
    assert_eq!(push.run().code, 0);
    let off = Job::new(&api.url()).with("comment", "false");
    assert_eq!(off.run().code, 0);
    for job in [push, off] {
        assert!(
            job.log().iter().all(|line| !line.contains("/issues/")),
            "{:?}",
            job.log()
        );
    }
}

/// A recording of a run of these files.
fn recorded(target: &str, files: &[(&str, &str)]) -> String {
    let project = Project::new(files);
    project.run(&["run", "--target", target, "--record", "run.ndjson"]);
    project.read("run.ndjson")
}

/// A run of the base branch of this repository.
fn base_run() -> Value {
    json!({ "id": 4, "head_branch": "main", "repository_id": 42, "head_repository_id": 42 })
}

#[test]
fn comparison_is_with_the_base_branch_of_this_repository() {
    if is_unavailable() {
        return;
    }
    let api = api();
    let recording = recorded(
        &api.url(),
        &[("cases/s/a.yaml", "request: { path: / }\nexpect: { status: 204 }\n")],
    );
    let job = Job::new(&api.url());
    job.add_artifact(10, &recording, &base_run());
    let other = |key: &str, value: Value| {
        let mut run = base_run();
        run[key] = value;
        run
    };
    job.add_artifact(11, "not a recording", &other("head_repository_id", json!(666)));
    job.add_artifact(12, "not a recording", &other("head_branch", json!("feature")));
    job.add_artifact(13, "not a recording", &other("id", json!(5)));
    let done = job.run();
    assert_eq!(done.code, 0, "{done:?}");
    assert!(
        job.log()
            .contains(&"GET /api/repos/me/shop/actions/artifacts/10/zip".to_owned()),
        "{:?}",
        job.log()
    );
    let comment = &job.comments()[0];
    assert!(
        comment.contains("Changes since <code>main</code>:\n\n## May be released"),
        "{comment}"
    );
    assert!(
        done.summary.contains("May be released") && done.uploads[0].0.join("changes.html").exists(),
        "{done:?}"
    );
}

#[test]
fn compare_mode_is_the_gate_for_changes_only() {
    if is_unavailable() {
        return;
    }
    let api = api();
    let broken = ("cases/s/a.yaml", "request: { path: / }\nexpect: { status: 200 }\n");
    let holds = ("cases/s/a.yaml", "request: { path: / }\nexpect: { status: 204 }\n");
    let other = Server::always("HTTP/1.1 200 OK\nContent-Type: application/json", "{}");
    let case = |name: &'static str| (name, "request: { path: / }\nexpect: { status: 200 }\n");
    for (baseline, files, code, text) in [
        // Broken before and now.
        (recorded(&api.url(), &[broken]), vec![broken], 0, "May be released"),
        // A new status.
        (recorded(&other.url(), &[broken]), vec![broken], 1, "not be released"),
        // Nothing to compare a new case with.
        (
            recorded(&api.url(), &[holds]),
            vec![holds, case("cases/s/new.yaml")],
            1,
            "new cases fail: s/new",
        ),
    ] {
        let job = Job::new(&api.url()).with("mode", "compare");
        for (name, text) in files {
            job.project.write(name, text);
        }
        job.add_artifact(10, &baseline, &base_run());
        let done = job.run();
        assert!(done.code == code && done.log.contains(text), "{text}: {done:?}");
        assert_eq!(done.outputs["exit-code"], code.to_string());
    }
    // Without a baseline, and with one that is named.
    let first = Job::new(&api.url()).with("mode", "compare").run();
    assert!(
        first.code == 0 && first.log.contains("::warning title=conforme::no comparison"),
        "{first:?}"
    );
    let named = Job::new(&api.url())
        .with("mode", "compare")
        .with("baseline", "base.ndjson");
    named.project.write(broken.0, broken.1);
    named.project.write("base.ndjson", &recorded(&other.url(), &[broken]));
    let named = named.run();
    assert!(named.code == 1 && named.log.contains("not be released"), "{named:?}");
    let missing = Job::new(&api.url()).with("baseline", "none.ndjson").run();
    assert!(
        missing.code == 1 && missing.log.contains("none.ndjson does not exist"),
        "{missing:?}"
    );
}

#[test]
fn scripts_of_the_action_pass_shellcheck() {
    if skips(
        "shellcheck",
        Command::new("shellcheck").arg("--version").output().is_ok(),
    ) {
        return;
    }
    let folder = repository().join(".github/action");
    let scripts = std::fs::read_dir(&folder).unwrap().flatten().map(|entry| entry.path());
    let mut command = Command::new("shellcheck");
    command
        .arg("-x")
        .args(scripts.filter(|path| path.extension() == Some(Path::new("sh").as_os_str())));
    let checked = ran(&mut command);
    assert_eq!(checked.code, 0, "{}", checked.stdout);
}
