//! Errors in suites and in `conforme.toml`: all are shown at once with their locations, before anything is sent.

use crate::support::{Project, Ran, Server};

/// A project with this suite file and this case, and a schema folder.
pub(super) fn project(suite: &str, case: &str) -> Project {
    Project::new(&[
        ("cases/s/suite.yaml", suite),
        ("cases/s/c.yaml", case),
        ("cases/s/sound.yaml", SOUND),
        ("schemas/user.json", r#"{"$defs":{"Id":{"type":"string"}}}"#),
        ("schemas/remote.json", r#"{"$ref":"https://example.com/x.json"}"#),
        ("schemas/broken.json", "{"),
    ])
}

/// The same without the schemas that cannot be used.
fn sound_project(suite: &str, case: &str) -> Project {
    let project = project(suite, case);
    for name in ["remote", "broken"] {
        std::fs::remove_file(project.path().join(format!("schemas/{name}.json"))).unwrap();
    }
    project
}

/// A case without an error, whatever the suite says.
pub(super) const SOUND: &str = "request: { path: / }\nexpect: { status: 200 }\n";

/// What `validate` says, and that it says no.
pub(super) fn refused(project: &Project) -> Ran {
    let ran = project.run(&["validate"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert_eq!(ran.stdout, "", "{ran:?}");
    ran
}

/// The first lines of the errors.
pub(super) fn error_lines(ran: &Ran) -> Vec<&str> {
    let all = ran.stderr.lines().filter_map(|line| line.strip_prefix("error: "));
    all.filter(|line| !line.ends_with(" error") && !line.ends_with(" errors"))
        .collect()
}

#[test]
fn all_errors_of_all_files_are_shown() {
    let project = project(
        "tag: [x]\n",
        "\
nmae: a slip
request:
  path: /users/{id}
  headers: { X-A: '{{ nothing }}' }
  headers: { X-B: b }
expect:
  statsu: 200
  body: { schema: usr.json }
",
    );
    let ran = refused(&project);
    for expected in [
        "error: unknown key `tag` in a suite\n --> cases/s/suite.yaml:1:1",
        "error: unknown key `nmae` in a case\n --> cases/s/c.yaml:1:1",
        "error: path parameter `id` has no value\n --> cases/s/c.yaml:3:9",
        "error: undefined variable `nothing`\n --> cases/s/c.yaml:4:19",
        "error: duplicate key `headers`\n --> cases/s/c.yaml:5:3",
        "error: unknown key `statsu` in expectations\n --> cases/s/c.yaml:7:3",
        "error: no schema file `usr.json` in `schemas`\n --> cases/s/c.yaml:8:19",
        "error: the case expects no status\n --> cases/s/c.yaml:1:1",
        "error: 8 errors\n",
    ] {
        assert!(ran.stderr.contains(expected), "{expected}\n{}", ran.stderr);
    }
    assert_eq!(error_lines(&ran).len(), 8, "{}", ran.stderr);
}

#[test]
fn error_shows_line_caret_and_nearest_name() {
    let ran = refused(&project(
        "",
        "request: { path: / }\nexpect:\n  status: 200\n  headrs: {}\n",
    ));
    let expected = "\
error: unknown key `headrs` in expectations
 --> cases/s/c.yaml:4:3
  |
4 |   headrs: {}
  |   ^^^^^^ not known here
  |
  = help: did you mean `headers`?

error: 1 error
";
    assert_eq!(ran.stderr, expected);
}

#[test]
fn nothing_is_sent_if_another_case_has_an_error() {
    let server = Server::always("HTTP/1.1 200 OK", "");
    let project = project("", "request: { path: / }\nexpect: { statsu: 200 }\n");
    let ran = project.run(&["run", "s/sound", "--target", &server.url()]);
    assert_eq!((ran.code, server.requests()), (2, 0), "{ran:?}");
    project.write("cases/s/c.yaml", SOUND);
    let ran = project.run(&["run", "s/sound", "--target", &server.url()]);
    assert_eq!((ran.code, server.requests()), (0, 1), "{ran:?}");
}

#[test]
fn unknown_keys_are_refused_at_every_level_of_conforme_toml() {
    let at = |line: u32, column: u32| format!("conforme.toml:{line}:{column}");
    let base = "base_url = \"http://a\"\n";
    for (text, message, location, help) in [
        (
            "case = \"x\"\n".to_owned(),
            "unknown key `case` in conforme.toml",
            at(1, 1),
            "`cases`",
        ),
        (
            format!("[targets.a]\n{base}timout = \"1s\"\n"),
            "unknown key `timout` in a target",
            at(3, 1),
            "`timeout`",
        ),
        (
            format!("[targets.a]\n{base}[targets.a.secrets]\nt = {{ enf = \"X\" }}\n"),
            "unknown key `enf` in a secret",
            at(4, 7),
            "`env`",
        ),
        ("a = 1\na = 2\n".to_owned(), "duplicate key", at(2, 1), ""),
        ("default_target = \"x\"\n".to_owned(), "no target `x`", at(1, 18), ""),
        (
            format!("[targets.a]\n{base}jobs = 0\n"),
            "a whole number from 1 to 1024",
            at(3, 8),
            "",
        ),
        (
            format!("[targets.a]\n{base}timeout = 10\n"),
            "`10` has no unit of time",
            at(3, 11),
            "`10s`",
        ),
        (
            "[targets.a]\nbase_url = \"api\"\n".to_owned(),
            "`api`: not a URL",
            at(2, 12),
            "",
        ),
        (
            "[targets.a]\njobs = 1\n".to_owned(),
            "the target has no `base_url`",
            at(1, 1),
            "add `base_url",
        ),
        (
            format!("[targets.a]\n{base}secrets = {{ t = \"hunter22\" }}\n"),
            "a secret cannot be written in this file",
            at(3, 17),
            "env",
        ),
        (
            format!("[targets.a]\n{base}secrets = {{ t = {{ env = \"A\", file = \"b\" }} }}\n"),
            "a secret has exactly one source",
            at(3, 17),
            "command",
        ),
        ("cases = 'x\n".to_owned(), "invalid literal string", at(1, 11), ""),
    ] {
        let project = project("", SOUND);
        project.write("conforme.toml", &text);
        let ran = refused(&project);
        assert!(ran.stderr.contains(message), "{text}\n{}", ran.stderr);
        assert!(
            ran.stderr.contains(&format!("--> {location}\n")),
            "{text}\n{}",
            ran.stderr
        );
        assert!(ran.stderr.contains(help), "{text}\n{}", ran.stderr);
    }
}

#[test]
fn null_removes_inherited_key_and_is_error_without_one() {
    let suite = "request: { path: /, headers: { X-A: a } }\nexpect: { status: 200 }\ntimeout: 5s\n";
    assert_eq!(
        sound_project(suite, "request: { headers: { x-a: null } }\ntimeout: null\n")
            .run(&["validate"])
            .code,
        0
    );
    for (case, messages) in [
        (
            "request: { headers: { x-b: null } }\n",
            ["`x-b: null` takes nothing away"],
        ),
        (
            "request: {}\nsnapshots: null\n",
            ["`snapshots: null` takes nothing away"],
        ),
        ("request: {}\ntags: null\n", ["`tags: null` takes nothing away"]),
        (
            "request: {}\nexpect: { body: { text: null } }\n",
            ["`text: null` takes nothing away"],
        ),
        ("request: null\n", ["the case has no `request`"]),
        (
            "request: {}\nexpect: { status: null }\n",
            ["the case expects no status"],
        ),
    ] {
        let ran = refused(&project(suite, case));
        assert_eq!(error_lines(&ran), messages, "{case}\n{}", ran.stderr);
    }
}

#[test]
fn every_row_has_the_columns_that_its_case_uses_and_no_others() {
    let case = |rows: &str| {
        let request = "request: { path: '/{id}', params: { id: '{{ id }}' } }";
        format!("examples:\n{rows}{request}\nexpect: {{ status: 200 }}\n")
    };
    let sound = "  a: { id: '{{ of_a }}', of_a: 1 }\n  b: { id: plain }\n";
    assert_eq!(sound_project("", &case(sound)).run(&["validate"]).code, 0);
    let ran = refused(&project("", &case("  a: { id: 1 }\n  b: {}\n")));
    assert_eq!(error_lines(&ran), ["this row has no `id`, which the case uses"]);
    assert!(ran.stderr.contains("--> cases/s/c.yaml:3:3\n"), "{}", ran.stderr);
    let ran = refused(&project("vars: { id: x }\n", &case("  a: { idd: 1 }\n")));
    assert_eq!(error_lines(&ran), ["this row has `idd`, which the case does not use"]);
    assert!(ran.stderr.contains("did you mean `id`?"), "{}", ran.stderr);
    let ran = refused(&project("", &case("  a: { id: 1 }\n  a: { id: 2 }\n")));
    assert_eq!(error_lines(&ran), ["duplicate key `a`"]);
}

#[test]
fn cyclic_or_unknown_variable_is_error_at_its_location() {
    let case =
        |vars: &str| format!("vars: {{ {vars} }}\nrequest: {{ path: '/{{{{ a }}}}' }}\nexpect: {{ status: 200 }}\n");
    let ran = refused(&project("", &case("a: '{{ b }}', b: '{{ a }}'")));
    assert_eq!(error_lines(&ran), ["variable `a` leads to itself: a → b → a"]);
    let ran = refused(&project("vars: { b: '{{ unknown }}' }\n", &case("a: '{{ b }}'")));
    assert_eq!(error_lines(&ran), ["undefined variable `unknown`"]);
    assert!(ran.stderr.contains("--> cases/s/suite.yaml:1:12\n"), "{}", ran.stderr);
    let ran = refused(&project("inputs: { a: x }\nvars: { a: y }\n", SOUND));
    assert_eq!(error_lines(&ran), ["`a` is an input and a constant of the suite"]);
}

#[test]
fn what_is_not_one_plain_document_is_refused() {
    let bomb = ('a'..'h').zip('b'..'i').map(|(from, to)| {
        let list = vec![format!("*{from}"); 8].join(",");
        format!("{to}: &{to} [{list}]\n")
    });
    let bomb = bomb.collect::<Vec<_>>().concat();
    for (text, message) in [
        ("", "the file is empty"),
        ("# nothing but this\n", "the file is empty"),
        ("[a]\n", "expected a case, found a list"),
        ("a\n", "expected a case, found a string"),
        (&format!("{SOUND}---\n{SOUND}"), "a second document in one file"),
        (
            &format!("a: &a [x]\n{bomb}"),
            "aliases add more than 10000 values to this file",
        ),
        (&format!("a: {}", "[".repeat(150)), "nested deeper than 100 levels"),
        (
            &format!("{SOUND}name: !!str a\n"),
            "tags are not supported: `tag:yaml.org,2002:str`",
        ),
        (
            &format!("{SOUND}name: *unknown\n"),
            "not valid YAML: while parsing node, found unknown anchor",
        ),
        (&format!("{SOUND}name: 'open\n"), "not valid YAML"),
        (&format!("{SOUND}vars:\n\ta: b\n"), "not valid YAML"),
    ] {
        let ran = refused(&project("", text));
        let shown = error_lines(&ran);
        assert!(shown.len() == 1 && shown[0].starts_with(message), "{shown:?} {message}");
        assert!(ran.stderr.contains("--> cases/s/c.yaml:"), "{}", ran.stderr);
    }
}

#[test]
fn line_endings_marks_anchors_and_tabs_are_accepted() {
    let crlf = SOUND.replace('\n', "\r\n");
    for text in [
        crlf.clone(),
        format!("\u{feff}{SOUND}"),
        format!("{SOUND}name: \"a\tb\"\n"),
        format!("vars: {{ a: &a x, b: *a }}\n{SOUND}"),
        format!("---\n{SOUND}...\n"),
    ] {
        let ran = sound_project("", &text).run(&["validate"]);
        assert_eq!(ran.code, 0, "{text:?} {}", ran.stderr);
    }
    let ran = refused(&project("", &format!("\u{feff}{crlf}nmae: x\r\n")));
    assert!(ran.stderr.contains("--> cases/s/c.yaml:3:1\n"), "{}", ran.stderr);
    assert!(!ran.stderr.contains('\r'), "{:?}", ran.stderr);
}

#[test]
fn files_that_would_not_be_run_are_refused_by_name() {
    for (file, message) in [
        (
            "cases/s/d.yml",
            "`cases/s/d.yml` would not be run: cases end in `.yaml`",
        ),
        (
            "cases/s/d.YAML",
            "`cases/s/d.YAML` would not be run: cases end in `.yaml`",
        ),
        (
            "cases/d.yaml",
            "a case file is directly in `cases`: move it into a suite folder",
        ),
        (
            "cases/a b/d.yaml",
            "the folder name `cases/a b` cannot be a suite's id: use letters, digits, `-`, `_` and `.`",
        ),
        (
            "cases/s/a b.yaml",
            "the file name `cases/s/a b.yaml` cannot be a case's id: use letters, digits, `-`, `_` and `.`",
        ),
        ("cases/t/suite.yaml", "the suite `cases/t` has no cases"),
    ] {
        let project = project("", SOUND);
        project.write(file, SOUND);
        let ran = refused(&project);
        assert!(error_lines(&ran).contains(&message), "{file}\n{}", ran.stderr);
    }
    let project = project("", SOUND);
    std::fs::write(project.path().join("cases/s/latin.yaml"), b"name: caf\xe9\n").unwrap();
    let ran = refused(&project);
    assert_eq!(
        error_lines(&ran),
        ["failed to read `cases/s/latin.yaml`: it is not UTF-8"]
    );
}

#[cfg(unix)]
#[test]
fn a_link_to_a_folder_is_refused_and_not_passed_over() {
    let project = project("", SOUND);
    std::os::unix::fs::symlink(project.path().join("cases/s"), project.path().join("cases/t")).unwrap();
    let ran = refused(&project);
    assert_eq!(
        error_lines(&ran),
        ["`cases/t` would not be run: links to folders are not followed"]
    );
}

#[test]
fn project_without_cases_is_error_and_valid_one_is_counted() {
    let ran = refused(&Project::new(&[]));
    assert_eq!(error_lines(&ran), ["there is no folder `cases` here"]);
    let ran = refused(&Project::new(&[("cases/readme.txt", "")]));
    assert_eq!(error_lines(&ran), ["no cases in `cases`"]);
    let ran = sound_project("", SOUND).run(&["validate"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "valid: 2 cases in 1 suite\n"));
}

#[test]
fn unreadable_suite_file_does_not_hide_errors_of_cases() {
    let ran = refused(&project("a: [\n", "a: 1\na: 2\n"));
    assert_eq!(error_lines(&ran).len(), 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("duplicate key `a`"), "{}", ran.stderr);
}

#[test]
fn error_in_one_suite_does_not_stop_a_selected_suite() {
    let server = Server::always("HTTP/1.1 200 OK", "");
    let project = Project::new(&[
        ("cases/a/c.yaml", SOUND),
        ("cases/a/b/deep.yaml", SOUND),
        ("cases/b/c.yaml", "request: { path: / }\nexpect: { statsu: 200 }\n"),
        ("cases/broken/suite.yaml", "name: [\n"),
        ("cases/broken/d.yaml", SOUND),
    ]);
    let run = |names: &[&str]| {
        let target = server.url();
        project.run(&[&["run", "--target", &target][..], names].concat())
    };
    for (names, code, note) in [
        (&["cases/a"][..], 0, true),
        (&["a"], 0, true),
        (&["a/c", "deep"], 0, true),
        (&["a/*"], 0, true),
        (&[], 2, false),
        (&["."], 2, false),
        (&["cases"], 2, false),
        (&["cases/a", "cases/b"], 2, false),
        (&["b/c"], 2, false),
        (&["c"], 2, false),
        (&["broken/d[row]"], 2, false),
        (&["cases/broken/d.yaml"], 2, false),
        (&["*/d"], 2, false),
        (&["nope"], 2, true),
    ] {
        let ran = run(names);
        assert_eq!(ran.code, code, "{names:?}: {}{}", ran.stdout, ran.stderr);
        let has_note = ran.stderr.contains("errors in the suites `b`, `broken`");
        assert_eq!(has_note, note, "{names:?}: {}", ran.stderr);
    }
    assert_eq!(run(&["cases/a", "--tag", "x"]).code, 2, "no case has the tag");
    let valid = project.run(&["validate"]);
    assert!(valid.code == 2 && valid.stderr.contains("statsu") && valid.stderr.contains("broken/suite.yaml"));
    // What is not of a suite is always an error.
    project.write(
        "conforme.toml",
        "[targets.t]\nbase_url = \"http://127.0.0.1:1\"\nnope = 1\n",
    );
    assert_eq!(run(&["cases/a"]).code, 2);
}
