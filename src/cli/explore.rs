//! `conforme explore`.

use std::{
    hash::{BuildHasher as _, RandomState},
    path::PathBuf,
};

use super::{Printer, args::ExploreArgs, terminal::terminal};
use crate::{
    model::{Exit, Stop},
    project::TargetOptions,
    report::{count, visible},
    session::{self, CaseFilter, EXPLORE_EFFECT, ExploreRequest, ExploreStop, Explored, RunRequest, SessionError},
};

/// Seeds are chosen below this number, so that they are short.
const SEEDS: u64 = 1_000_000;

pub(super) fn explore(
    args: ExploreArgs,
    project: Option<PathBuf>,
    printer: &mut Printer,
) -> Result<Exit, SessionError> {
    let limits = args.limits.target_options();
    let target = TargetOptions {
        target: args.target,
        allow: args.allow,
        ..args.values.target_options(limits, printer)?
    };
    let request = ExploreRequest {
        project: project.clone(),
        case: args.case,
        step: args.step,
        target: target.clone(),
        seed: args.seed.unwrap_or_else(|| RandomState::new().hash_one(0) % SEEDS),
        time: args.time,
    };
    let explored = session::explore(&request, printer)?;
    for line in lines(&explored, request.seed) {
        printer.out_masked(&visible(&line));
    }
    if let Some(ExploreStop::Signal(signal)) = &explored.stopped {
        return Ok(match signal {
            Stop::Terminated => Exit::Terminated,
            Stop::HungUp => Exit::HungUp,
            _ => Exit::Interrupted,
        });
    }
    if let Some(ExploreStop::Unreachable(_)) = &explored.stopped
        && explored.failures.is_empty()
    {
        return Ok(Exit::NoVerdict);
    }
    // What was found is reported like every other run.
    let run = RunRequest {
        project,
        filter: CaseFilter {
            ids: explored.ids.clone(),
            ..CaseFilter::default()
        },
        targets: target.target.iter().cloned().collect(),
        target: TargetOptions {
            allow: target
                .allow
                .into_iter()
                .filter(|effect| effect != EXPLORE_EFFECT)
                .collect(),
            ..target
        },
        reports: args.reports,
        record: args.record,
        ..RunRequest::default()
    };
    let terminal = terminal(&run.reports, args.output.options(), printer);
    let exit = session::run(&run, terminal, printer)?;
    Ok(match exit {
        Exit::Success | Exit::NoVerdict if !explored.failures.is_empty() => Exit::ContractViolated,
        Exit::Success if explored.stopped.is_some() || explored.statuses.is_empty() => Exit::NoVerdict,
        exit => exit,
    })
}

/// The result for people.
fn lines(explored: &Explored, seed: u64) -> Vec<String> {
    let sent: usize = explored.statuses.values().sum();
    let statuses = explored
        .statuses
        .iter()
        .map(|(status, count)| format!("{status}: {count}"));
    let statuses = statuses.collect::<Vec<_>>().join(", ");
    let mut all = vec![
        format!("    Explored {} at {}", explored.operation, explored.base_url),
        format!("             changed: {}", explored.parts.join(", ")),
    ];
    for (name, reason) in &explored.kept {
        all.push(format!("             not changed: {name} ({reason})"));
    }
    all.push(format!(
        "             {} in {:.1}s, seed {seed}{}{statuses}",
        count(sent, "response"),
        explored.elapsed.as_secs_f64(),
        if statuses.is_empty() { "" } else { "; " },
    ));
    if explored.is_exhausted {
        all.push("             no further request can be generated".to_owned());
    }
    if let (number @ 1.., Some(reason)) = (explored.untested.0, &explored.untested.1) {
        all.push(format!(
            "             {} not sent, because a step before failed: {reason}",
            count(number, "request")
        ));
    }
    match &explored.stopped {
        Some(ExploreStop::CaseFails(reason)) => {
            all.push(format!("     STOPPED the request of the case itself fails: {reason}"));
        }
        Some(ExploreStop::Unreachable(reason)) => {
            all.push(format!("     STOPPED no response to the request of the case: {reason}"));
        }
        Some(ExploreStop::TooMany) => all.push("     STOPPED too many different failures".to_owned()),
        Some(ExploreStop::Signal(signal)) => all.push(format!("     STOPPED {}", signal.text())),
        None => {}
    }
    for failure in &explored.failures {
        let row = match &failure.row {
            Some(row) => format!("{row}: "),
            None if failure.is_reproduced => String::new(),
            None => "only once, so it has no row: ".to_owned(),
        };
        all.push(format!("       FOUND {row}{}: {}", failure.change, failure.problem));
    }
    if !explored.known.is_empty() {
        all.push(format!("       KNOWN {} still failing", explored.known.join(", ")));
    }
    if let Some(file) = &explored.file {
        all.push(format!("             rows were added to {file}"));
    }
    all
}
