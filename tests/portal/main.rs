//! What the shipped suite catches: an independent portal, broken in every way of `portal::faults`. Each fault and each
//! allowed variation is a test with the exit code that a run against it has.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by a panic"
)]

mod portal;
mod runs;

use std::{
    collections::BTreeSet,
    num::NonZero,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::OnceLock,
    thread,
};

use conforme::{CompareRequest, Exit};
use libtest_mimic::{Arguments, Failed, Trial};

use portal::{Behavior, Portal};
use runs::{repository, run, run_again};

/// A fault with another exit code than 1, or with a result that is not the same each time.
struct Exception {
    fault: &'static str,
    exit: Exit,
    /// Maximum number of runs until the exit code is as expected.
    attempts: usize,
    reason: &'static str,
}

const fn exception(fault: &'static str, exit: Exit, reason: &'static str) -> Exception {
    Exception {
        fault,
        exit,
        attempts: 1,
        reason,
    }
}

const EXCEPTIONS: [Exception; 10] = [
    Exception {
        fault: "bytes-behind-204-in-a-second-write",
        exit: Exit::ContractViolated,
        attempts: 4,
        reason: "on a busy machine the bytes can arrive after the time for which late bytes are awaited",
    },
    exception(
        "overlong-token-accepted",
        Exit::Success,
        "a header of thousands of characters can be refused by any server on the way",
    ),
    exception(
        "foreign-user-revealed-under-the-secondary-tenant",
        Exit::Success,
        "the foreign user may belong to the secondary tenant",
    ),
    exception(
        "foreign-user-has-other-headers-first",
        Exit::Success,
        "the contract leaves the order of headers open",
    ),
    exception(
        "repeats-the-id-without-control-characters",
        Exit::Success,
        "a server on the way may refuse control characters by itself",
    ),
    exception(
        "closes-without-an-response-where-valid",
        Exit::NoVerdict,
        "no response is no verdict",
    ),
    exception(
        "closes-without-an-response-where-malformed",
        Exit::NoVerdict,
        "no response is no verdict",
    ),
    exception(
        "token-is-refused-after-an-expired-one",
        Exit::Success,
        "each further activation is one more e-mail; three are enough",
    ),
    exception(
        "token-is-refused-after-a-missing-one",
        Exit::Success,
        "each further activation is one more e-mail; three are enough",
    ),
    exception(
        "tenant-is-not-primary-after-a-secondary-one",
        Exit::Success,
        "each further activation is one more e-mail; three are enough",
    ),
];

/// A live run and its recording never differ: one of this number of portals is also checked with `recheck`.
const RECHECKED: usize = 4;
/// One of this number of faults is also compared.
const COMPARED: usize = 12;

fn main() -> ExitCode {
    let faults = portal::faults::all();
    assert!(faults.len() > 500, "{} faults", faults.len());
    for exception in &EXCEPTIONS {
        let is_fault = faults.iter().any(|(name, _)| *name == exception.fault);
        assert!(is_fault, "no fault `{}`", exception.fault);
    }
    let faults = (faults.into_iter().enumerate()).map(|(index, (name, behavior))| {
        let exception = EXCEPTIONS.iter().find(|one| one.fault == name);
        let exit = exception.map_or(Exit::ContractViolated, |one| one.exit);
        let attempts = exception.map_or(1, |one| one.attempts);
        let trial = move || exits_with(&behavior, exit, attempts, index % RECHECKED == 0);
        Trial::test(format!("fault::{name}"), trial).with_kind(format!("exit {}", exit.code()))
    });
    let variations = portal::variations::all().into_iter();
    let variations = variations.map(|(name, behavior)| {
        Trial::test(format!("variation::{name}"), move || is_allowed(&behavior)).with_kind("exit 0")
    });
    let unreachable = portal::variations::unreachable().into_iter();
    let unreachable = unreachable.map(|(name, behavior)| {
        let trial = move || exits_with(&behavior, Exit::NoVerdict, 1, false);
        Trial::test(format!("unreachable::{name}"), trial).with_kind("exit 3")
    });
    let others: [(&str, fn()); 4] = [
        ("dead_target_has_no_verdict", dead_target_has_no_verdict),
        (
            "activation_is_sent_for_valid_requests_only",
            activation_is_sent_for_valid_requests_only,
        ),
        ("fault_is_reported_once", fault_is_reported_once),
        (
            "reasons_of_exceptions_are_sentences",
            reasons_of_exceptions_are_sentences,
        ),
    ];
    let others = others.map(|(name, test)| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    });
    let trials = faults.chain(variations).chain(unreachable).chain(others);
    let mut arguments = Arguments::from_args();
    // A test waits for its server part of its time.
    let cores = thread::available_parallelism().map_or(2, NonZero::get);
    arguments.test_threads.get_or_insert(2 * cores);
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    drop(std::fs::remove_file(baseline_path()));
    conclusion.exit_code()
}

/// Runs the suite against a portal until it exits as expected, at most `attempts` times.
fn exits_with(behavior: &Behavior, expected: Exit, attempts: usize, is_rechecked: bool) -> Result<(), Failed> {
    let folder = tempfile::tempdir().unwrap();
    let recording = folder.path().join("run.ndjson");
    let mut last = None;
    for _ in 0..attempts {
        let portal = Portal::start(behavior.clone());
        let ran = run(&portal, is_rechecked.then_some(recording.as_path()));
        if is_rechecked {
            let again = run_again(&recording);
            assert_eq!((again.exit, &again.verdicts), (ran.exit, &ran.verdicts), "{}", ran.text);
        }
        if ran.exit == expected {
            return Ok(());
        }
        last = Some(ran);
    }
    let ran = last.expect("at least one attempt");
    Err(format!("exit {}, expected {}:\n{}", ran.exit.code(), expected.code(), ran.text).into())
}

/// Where this process keeps the recording of a portal that keeps the contract.
fn baseline_path() -> PathBuf {
    let name = format!("portal-{}.ndjson", std::process::id());
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// That recording, made once.
fn baseline() -> String {
    static BASELINE: OnceLock<String> = OnceLock::new();
    let make = || {
        let path = baseline_path();
        let ran = run(&Portal::start(Behavior::default()), Some(&path));
        assert_eq!(ran.exit, Exit::Success, "{}", ran.text);
        path.display().to_string()
    };
    BASELINE.get_or_init(make).clone()
}

/// The kinds of changes of a recording since the baseline: level and rule of each.
fn changes(candidate: &Path) -> BTreeSet<String> {
    let request = CompareRequest {
        project: Some(repository().to_owned()),
        baseline: baseline(),
        candidate: candidate.display().to_string(),
        ..CompareRequest::default()
    };
    let (comparison, _) = conforme::compare(&request, &mut ()).unwrap();
    let report = serde_json::to_value(&comparison).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let changes = report["changes"].as_array().unwrap().iter();
    changes
        .map(|change| text(&change["level"]) + " " + &text(&change["rule"]))
        .collect()
}

/// An allowed variation passes, and is not a breaking change.
fn is_allowed(behavior: &Behavior) -> Result<(), Failed> {
    let folder = tempfile::tempdir().unwrap();
    let recording = folder.path().join("run.ndjson");
    let ran = run(&Portal::start(behavior.clone()), Some(&recording));
    if ran.exit != Exit::Success {
        return Err(format!("exit {}, expected 0:\n{}", ran.exit.code(), ran.text).into());
    }
    let again = run_again(&recording);
    assert_eq!((again.exit, &again.verdicts), (ran.exit, &ran.verdicts));
    let changes = changes(&recording);
    let is_quiet = changes.len() <= 1 && !changes.iter().any(|change| change.starts_with("breaking"));
    if is_quiet {
        Ok(())
    } else {
        Err(format!("changes: {changes:#?}").into())
    }
}

fn fault_is_reported_once() {
    let folder = tempfile::tempdir().unwrap();
    let recording = folder.path().join("run.ndjson");
    let (mut all, mut twice) = (0, 0);
    for (name, behavior) in portal::faults::all().into_iter().step_by(COMPARED) {
        run(&Portal::start(behavior), Some(&recording));
        let changes = changes(&recording);
        let is_undetected = |one: &Exception| one.fault == name && one.exit != Exit::ContractViolated;
        let is_silent = EXCEPTIONS.iter().any(is_undetected);
        let is_reported = !changes.is_empty() || is_silent;
        // The suite has two endpoints, each with a change of its own.
        assert!(is_reported && changes.len() <= 2, "{name}: {changes:#?}");
        all += 1;
        twice += usize::from(changes.len() == 2);
    }
    assert!(twice * 10 < all, "{twice} of {all} faults are reported twice");
}

fn dead_target_has_no_verdict() {
    let portal = Portal::start(Behavior::default());
    let base_url = portal.base_url();
    drop(portal);
    let ran = runs::run_shown(base_url);
    assert_eq!(ran.exit, Exit::NoVerdict, "{}", ran.text);
    assert!(ran.text.contains("failed to connect"), "{}", ran.text);
    let stopped = "STOPPED three requests in a row had no complete response; ";
    assert!(ran.text.contains(stopped), "{}", ran.text);
}

fn activation_is_sent_for_valid_requests_only() {
    let portal = Portal::start(Behavior::default());
    let ran = run(&portal, None);
    assert_eq!(ran.exit, Exit::Success, "{}", ran.text);
    // Two cases of row 1, and three calls that follow a refusal.
    assert_eq!(portal.activations(), 5);
    assert!(portal.requests() > 70);
}

fn reasons_of_exceptions_are_sentences() {
    for exception in &EXCEPTIONS {
        assert!(exception.reason.contains(' '), "{}", exception.fault);
        assert!(exception.attempts > 0, "{}", exception.fault);
    }
}
