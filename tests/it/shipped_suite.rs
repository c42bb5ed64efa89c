//! What the shipped suite catches: an independent portal, broken in every way of `portal::faults`.

use std::{
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::{
    portal::{self, Behavior, Portal},
    recordings::verdicts,
    support::{Ran, conforme, ran, repository},
};

/// Faults that the suite does not fail, each with the reason.
const LEFT_OPEN: [(&str, &str); 9] = [
    (
        "overlong-token-accepted",
        "a header of thousands of characters can be refused by any server on the way",
    ),
    (
        "foreign-user-revealed-under-the-secondary-tenant",
        "the foreign user may belong to the secondary tenant",
    ),
    (
        "foreign-user-has-other-headers-first",
        "the contract leaves the order of headers open",
    ),
    (
        "repeats-the-id-without-control-characters",
        "a server on the way may refuse control characters by itself",
    ),
    (
        "closes-without-an-response-where-valid",
        "no response is no verdict: exit 3",
    ),
    (
        "closes-without-an-response-where-malformed",
        "no response is no verdict: exit 3",
    ),
    (
        "token-is-refused-after-an-expired-one",
        "each further activation is one more e-mail; three are enough",
    ),
    (
        "token-is-refused-after-a-missing-one",
        "each further activation is one more e-mail; three are enough",
    ),
    (
        "tenant-is-not-primary-after-a-secondary-one",
        "each further activation is one more e-mail; three are enough",
    ),
];

/// One of this number of portals is also checked with `recheck`.
const RECHECKED: usize = 4;

/// Points the shipped suite at a portal, as a user would at a deployment. With `is_rechecked` the recorded responses are
/// judged again: a live run and its recording never differ.
fn point_at(portal: &Portal, is_rechecked: bool) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let (live, again) = (folder.path().join("live.ndjson"), folder.path().join("again.ndjson"));
    let ran = fire_at(portal, &live);
    if !is_rechecked {
        return ran;
    }
    let mut command = conforme();
    command.current_dir(repository()).arg("recheck").arg(&live);
    let judged = crate::support::ran(command.arg("--report").arg(format!("json={}", again.display())));
    assert_eq!(judged.code, ran.code, "recheck: {judged:?}\nrun: {ran:?}");
    let [live, again] = [live, again].map(|path| verdicts(&std::fs::read_to_string(path).unwrap()));
    // What was never sent has no response to be judged.
    assert_eq!(live, again);
    ran
}

/// The requests that a run sends to a portal.
fn fire_at(portal: &Portal, recording: &Path) -> Ran {
    let mut command = conforme();
    command.current_dir(repository()).env("CI", "true");
    command.args([
        "run",
        "--target",
        &portal.base_url(),
        "--timeout",
        "2s",
        "--color",
        "never",
        "--record",
    ]);
    command.arg(recording);
    for (name, value) in portal::variables() {
        command.args(["--var", &format!("{name}={value}")]);
    }
    for (name, value) in portal::secrets() {
        command.env(format!("CONFORME_SECRET_{}", name.to_uppercase()), value);
    }
    ran(&mut command)
}

/// Runs the suite against each behavior, a few at a time; returns those that exit otherwise.
fn exits_otherwise(behaviors: Vec<(&'static str, Behavior)>, wanted: impl Fn(&str) -> i32 + Sync) -> Vec<String> {
    let all: Vec<_> = behaviors.into_iter().map(|one| Mutex::new(Some(one))).collect();
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::SeqCst);
                    let Some(slot) = all.get(index) else { break };
                    let (name, behavior) = slot.lock().unwrap().take().unwrap();
                    let portal = Portal::start(behavior);
                    let mut ran = point_at(&portal, index % RECHECKED == 0);
                    // A busy machine can delay a stray byte beyond the time that is listened for it.
                    for _ in 0..3 {
                        if ran.code != wanted(name) {
                            ran = point_at(&portal, false);
                        }
                    }
                    if ran.code != wanted(name) {
                        let tail: Vec<_> = ran.stdout.lines().rev().take(6).collect();
                        wrong
                            .lock()
                            .unwrap()
                            .push(format!("{name}: exit {}: {tail:#?}", ran.code));
                    }
                }
            });
        }
    });
    wrong.into_inner().unwrap()
}

#[test]
fn every_way_to_break_the_contract_exits_with_one() {
    let faults = portal::faults::all();
    assert!(faults.len() > 500);
    let wanted = |name: &str| match LEFT_OPEN.iter().find(|(open, _)| *open == name) {
        Some((_, reason)) if reason.ends_with("exit 3") => 3,
        Some(_) => 0,
        None => 1,
    };
    let wrong = exits_otherwise(faults, wanted);
    assert!(wrong.is_empty(), "{} faults: {wrong:#?}", wrong.len());
}

#[test]
fn every_allowed_variation_exits_with_zero() {
    let wrong = exits_otherwise(portal::variations::all(), |_| 0);
    assert!(wrong.is_empty(), "{} variations: {wrong:#?}", wrong.len());
}

#[test]
fn what_is_no_http_at_all_exits_with_three() {
    let wrong = exits_otherwise(portal::variations::unreachable(), |_| 3);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_dead_target_exits_with_three() {
    let portal = Portal::start(Behavior::default());
    let base = portal.base_url();
    drop(portal);
    let mut command = conforme();
    command.current_dir(repository()).args(["run", "--target", &base]);
    for (name, value) in portal::variables() {
        command.args(["--var", &format!("{name}={value}")]);
    }
    for (name, value) in portal::secrets() {
        command.env(format!("CONFORME_SECRET_{}", name.to_uppercase()), value);
    }
    let ran = ran(&mut command);
    assert_eq!(ran.code, 3, "{}", ran.stdout);
    assert!(ran.stdout.contains("failed to connect"), "{}", ran.stdout);
    assert!(
        ran.stdout
            .contains("STOPPED three requests in a row had no complete response; "),
        "{}",
        ran.stdout
    );
}

#[test]
fn an_activation_is_sent_for_a_good_call_and_for_no_refused_one() {
    let portal = Portal::start(Behavior::default());
    let ran = point_at(&portal, false);
    assert_eq!(ran.code, 0, "{}", ran.stdout);
    // Two cases of row 1, and three calls that follow a refusal.
    assert_eq!(portal.activations(), 5);
    assert!(portal.requests() > 70);
}

/// Compares the responses of a portal with the recording of one that keeps the contract.
fn compared(baseline: &Path, behavior: Behavior) -> serde_json::Value {
    let folder = tempfile::tempdir().unwrap();
    let (candidate, report) = (folder.path().join("candidate"), folder.path().join("report"));
    fire_at(&Portal::start(behavior), &candidate);
    let mut command = conforme();
    command
        .current_dir(repository())
        .args(["compare", "--quiet", "--baseline"])
        .arg(baseline);
    command
        .arg("--candidate")
        .arg(&candidate)
        .arg("--report")
        .arg(format!("json={}", report.display()));
    let ran = crate::support::ran(&mut command);
    serde_json::from_str(&std::fs::read_to_string(&report).unwrap_or_else(|_| panic!("{ran:?}"))).unwrap()
}

/// Compares each behavior, a few at a time, with one that keeps the contract: level and rule of each change.
fn changes(behaviors: Vec<(&'static str, Behavior)>) -> Vec<(&'static str, Vec<String>)> {
    let folder = tempfile::tempdir().unwrap();
    let baseline = folder.path().join("baseline");
    fire_at(&Portal::start(Behavior::default()), &baseline);
    let all: Vec<_> = behaviors.into_iter().map(|one| Mutex::new(Some(one))).collect();
    let (next, found) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::SeqCst);
                    let Some(slot) = all.get(index) else { break };
                    let (name, behavior) = slot.lock().unwrap().take().unwrap();
                    let report = compared(&baseline, behavior);
                    let changes = report["changes"].as_array().unwrap().iter();
                    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
                    let changes = changes.map(|change| text(&change["level"]) + " " + &text(&change["rule"]));
                    // The suite has two endpoints, each with a change of its own.
                    let kinds: std::collections::BTreeSet<_> = changes.collect();
                    found.lock().unwrap().push((name, kinds.into_iter().collect()));
                }
            });
        }
    });
    found.into_inner().unwrap()
}

#[test]
fn allowed_variation_is_not_a_breaking_change() {
    let all = changes(portal::variations::all());
    let noisy: Vec<_> = all.iter().filter(|(_, changes)| changes.len() > 1).collect();
    assert!(noisy.is_empty(), "{noisy:#?}");
    let breaking: Vec<_> = (all.iter())
        .filter(|(_, changes)| changes.iter().any(|change| change.starts_with("breaking")))
        .collect();
    assert!(breaking.is_empty(), "{breaking:#?}");
}

/// One of this number of faults is also compared.
const COMPARED: usize = 12;

#[test]
fn fault_is_reported_once() {
    let faults = portal::faults::all().into_iter().step_by(COMPARED);
    let all = changes(faults.collect());
    let silent = |name: &str| LEFT_OPEN.iter().any(|(open, _)| *open == name);
    let mistold: Vec<_> = (all.iter())
        .filter(|(name, changes)| (changes.is_empty() && !silent(name)) || changes.len() > 2)
        .collect();
    assert!(mistold.is_empty(), "{mistold:#?}");
    let twice = all.iter().filter(|(_, changes)| changes.len() == 2).count();
    assert!(twice * 10 < all.len(), "{all:#?}");
}
