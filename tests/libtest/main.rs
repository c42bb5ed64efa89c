//! `conforme::libtest`, as cargo and nextest use it: this program runs the cases of a project if a variable names one, and
//! otherwise runs its tests, which start it like that.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod program;

use std::{
    fs,
    path::Path,
    process::{Command, ExitCode},
};

use libtest_mimic::{Arguments, Trial};

use program::PROJECT;

const TESTS: [(&str, fn()); 15] = [
    ("passing_cases_are_passing_tests", passing_cases_are_passing_tests),
    ("failing_case_prints_its_finding", failing_case_prints_its_finding),
    ("filter_selects_by_part_of_a_name", filter_selects_by_part_of_a_name),
    ("exact_name_selects_one_row", exact_name_selects_one_row),
    ("list_starts_no_server", list_starts_no_server),
    (
        "list_of_ignored_tests_has_skipped_cases",
        list_of_ignored_tests_has_skipped_cases,
    ),
    (
        "skipped_case_is_ignored_with_its_reason",
        skipped_case_is_ignored_with_its_reason,
    ),
    (
        "ignored_flag_does_not_run_a_skipped_case",
        ignored_flag_does_not_run_a_skipped_case,
    ),
    (
        "filter_without_a_match_starts_no_server",
        filter_without_a_match_starts_no_server,
    ),
    ("secret_of_the_program_is_masked", secret_of_the_program_is_masked),
    ("missing_input_fails_every_test", missing_input_fails_every_test),
    (
        "unknown_secret_fails_with_the_nearest_name",
        unknown_secret_fails_with_the_nearest_name,
    ),
    (
        "invalid_project_is_an_error_with_its_line",
        invalid_project_is_an_error_with_its_line,
    ),
    (
        "panic_of_the_server_fails_every_test",
        panic_of_the_server_fails_every_test,
    ),
    ("new_snapshot_is_pending_outside_ci", new_snapshot_is_pending_outside_ci),
];

fn main() -> ExitCode {
    if let Some(project) = std::env::var_os(PROJECT) {
        return program::run(project.into());
    }
    let trial = |(name, test): (&str, fn())| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    };
    libtest_mimic::run(&Arguments::from_args(), TESTS.map(trial).into()).exit_code()
}

/// A project in a temporary folder.
struct TestProject(tempfile::TempDir);

struct Output {
    code: Option<i32>,
    stdout: String,
    stderr: String,
    /// Whether the program started its server.
    is_started: bool,
}

impl TestProject {
    fn of(files: &[(&str, &str)]) -> Self {
        let project = Self(tempfile::tempdir().expect("a temporary folder"));
        for (name, text) in files {
            let path = project.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("the folder is made");
            fs::write(path, text).expect("the file is written");
        }
        project
    }

    /// Two cases and a table that pass, one that fails, one that is skipped.
    fn users() -> Self {
        Self::of(&[
            (
                "cases/users/get.yaml",
                "request: { path: /users/42 }\nexpect: { status: 200, body: { json: { id: 42 } } }\n",
            ),
            (
                "cases/users/missing.yaml",
                "examples:\n  zero: { id: 0 }\n  letters: { id: abc }\nrequest: { path: \"/users/{{ id }}\" }\nexpect: { status: 404 }\n",
            ),
            (
                "cases/users/later.yaml",
                "skip: it needs billing\nrequest: { path: /users }\nexpect: { status: 200 }\n",
            ),
            (
                "cases/users/wrong.yaml",
                "name: A user has a name\nrequest: { path: /users/42 }\nexpect:\n  status: 200\n  body: { json: { name: Ada } }\n",
            ),
        ])
    }

    /// A case that needs a secret and a variable.
    fn account() -> Self {
        let suite = "inputs: { token: { secret: true }, tenant: the tenant }\nrequest: { headers: { authorization: \"Bearer {{ token }}\" } }\n";
        Self::of(&[
            ("cases/account/suite.yaml", suite),
            (
                "cases/account/me.yaml",
                "request: { path: \"/{{ tenant }}/me\" }\nexpect: { status: 200, body: { json: { token: other } } }\n",
            ),
        ])
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.run_with(arguments, &[])
    }

    fn run_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("CONFORME_") || text.to_lowercase().ends_with("_proxy") || text == "CI" {
                command.env_remove(&name);
            }
        }
        let mark = self.path().join("started");
        drop(fs::remove_file(&mark));
        command
            .env(PROJECT, self.path())
            .args(arguments)
            .envs(variables.iter().copied());
        let output = command.output().expect("the program starts");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Output {
            code: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
            is_started: mark.exists(),
        }
    }
}

impl Output {
    /// The lines `test NAME ... RESULT`, sorted.
    fn results(&self) -> Vec<&str> {
        let mut lines: Vec<_> = self
            .stdout
            .lines()
            .filter_map(|line| line.strip_prefix("test "))
            .collect();
        lines.retain(|line| !line.starts_with("result"));
        lines.sort_unstable();
        lines
    }

    #[track_caller]
    fn assert_contains(&self, texts: &[&str]) {
        for text in texts {
            assert!(
                self.stdout.contains(text),
                "no {text:?} in:\n{}\n{}",
                self.stdout,
                self.stderr
            );
        }
    }
}

fn passing_cases_are_passing_tests() {
    let output = TestProject::users().run(&["--skip", "wrong"]);
    let expected = [
        "users::get             ... ok",
        "users::later           ... ignored (it needs billing)",
        "users::missing[letters] ... ok",
        "users::missing[zero]   ... ok",
    ];
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let results: Vec<_> = output.results().into_iter().map(words).collect();
    assert_eq!(results, expected.map(words), "{}", output.stderr);
    assert_eq!((output.code, output.is_started), (Some(0), true));
}

fn failing_case_prints_its_finding() {
    let output = TestProject::users().run(&[]);
    assert_eq!(output.code, Some(101), "{}", output.stdout);
    output.assert_contains(&[
        "---- users::wrong ----",
        "FAIL [",
        "A user has a name",
        "body/json at /name: expected \"Ada\", got \"Grace\"",
        "--> cases/users/wrong.yaml:5:19",
        "reproduce: curl -sS -i http://127.0.0.1:",
        "test result: FAILED. 3 passed; 1 failed; 1 ignored",
    ]);
}

fn filter_selects_by_part_of_a_name() {
    let output = TestProject::users().run(&["users::missing"]);
    output.assert_contains(&[
        "running 2 tests",
        "2 passed; 0 failed; 0 ignored; 0 measured; 3 filtered out",
    ]);
    assert_eq!(output.code, Some(0));
}

fn exact_name_selects_one_row() {
    // As nextest starts a test.
    let output = TestProject::users().run(&["users::missing[zero]", "--exact", "--nocapture"]);
    output.assert_contains(&["running 1 test", "1 passed; 0 failed"]);
    let output = TestProject::users().run(&["users::wrong", "--exact", "--nocapture"]);
    output.assert_contains(&[
        "running 1 test",
        "0 passed; 1 failed",
        "expected \"Ada\", got \"Grace\"",
    ]);
    assert_eq!(output.code, Some(101));
}

fn list_starts_no_server() {
    // As nextest asks for the tests.
    let output = TestProject::users().run(&["--list", "--format", "terse"]);
    let names = [
        "users::get",
        "users::later",
        "users::missing[zero]",
        "users::missing[letters]",
        "users::wrong",
    ];
    let expected = names.map(|name| format!("{name}: test\n")).concat();
    assert_eq!(
        (output.stdout.as_str(), output.code, output.is_started),
        (expected.as_str(), Some(0), false)
    );
}

fn list_of_ignored_tests_has_skipped_cases() {
    let output = TestProject::users().run(&["--list", "--format", "terse", "--ignored"]);
    assert_eq!((output.stdout.as_str(), output.code), ("users::later: test\n", Some(0)));
}

fn skipped_case_is_ignored_with_its_reason() {
    let output = TestProject::users().run(&["later"]);
    output.assert_contains(&["ignored (it needs billing)", "0 passed; 0 failed; 1 ignored"]);
    assert_eq!(output.code, Some(0));
}

fn ignored_flag_does_not_run_a_skipped_case() {
    let output = TestProject::users().run(&["--ignored"]);
    output.assert_contains(&["running 1 test", "ignored (it needs billing)"]);
    assert_eq!(output.code, Some(0));
}

fn filter_without_a_match_starts_no_server() {
    let output = TestProject::users().run(&["nothing"]);
    output.assert_contains(&["running 0 tests", "5 filtered out"]);
    assert_eq!((output.code, output.is_started), (Some(0), false));
}

fn secret_of_the_program_is_masked() {
    let variables = [
        ("CONFORME_LIBTEST_TOKEN", "s3cr3t-value-1234"),
        ("CONFORME_LIBTEST_TENANT", "acme"),
    ];
    let output = TestProject::account().run_with(&[], &variables);
    output.assert_contains(&["expected \"other\", got \"$TOKEN\"", "/acme/me"]);
    assert!(!output.stdout.contains("s3cr3t-value"), "{}", output.stdout);
    assert_eq!(output.code, Some(101));
}

fn missing_input_fails_every_test() {
    let output = TestProject::account().run(&[]);
    output.assert_contains(&[
        "does not define the input `token`: 1 case needs it",
        "0 passed; 1 failed",
    ]);
    assert_eq!(output.code, Some(101));
}

fn unknown_secret_fails_with_the_nearest_name() {
    let variables = [
        ("CONFORME_LIBTEST_TOKN", "s3cr3t-value-1234"),
        ("CONFORME_LIBTEST_TENANT", "acme"),
    ];
    let output = TestProject::account().run_with(&[], &variables);
    output.assert_contains(&["the program sets the secret `tokn`", "did you mean `token`?"]);
    assert_eq!(output.code, Some(101));
}

fn invalid_project_is_an_error_with_its_line() {
    let project = TestProject::of(&[("cases/a/b.yaml", "request: { path: / }\nexpect: { statu: 200 }\n")]);
    for arguments in [&["--list"][..], &[]] {
        let output = project.run(arguments);
        assert!(output.stderr.contains("cases/a/b.yaml:2:11"), "{}", output.stderr);
        assert_eq!((output.code, output.stdout.as_str()), (Some(2), ""));
    }
}

fn panic_of_the_server_fails_every_test() {
    let output = TestProject::users().run_with(&["get"], &[("CONFORME_LIBTEST_PANIC", "the port is taken")]);
    output.assert_contains(&["the API did not start: the port is taken", "0 passed; 1 failed"]);
    assert_eq!(output.code, Some(101));
}

fn new_snapshot_is_pending_outside_ci() {
    let files = [(
        "cases/users/get.yaml",
        "request: { path: /users/42 }\nexpect: { status: 200, snapshot: true }\n",
    )];
    let project = TestProject::of(&files);
    let pending = project.path().join("snapshots/users/get.snap.new");
    let output = project.run_with(&[], &[("CI", "true")]);
    assert_eq!((output.code, pending.exists()), (Some(101), false), "{}", output.stdout);
    let output = project.run(&[]);
    assert_eq!((output.code, pending.exists()), (Some(101), true), "{}", output.stdout);
    fs::rename(&pending, pending.with_extension("")).expect("the snapshot is accepted");
    assert_eq!(project.run(&[]).code, Some(0));
}
