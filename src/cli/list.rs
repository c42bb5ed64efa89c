//! `conforme validate` and `conforme list`.

use std::path::Path;

use serde_json::{Value, json};

use super::{
    Printer,
    args::{ListArgs, ListFormat, ValidateArgs},
};
use crate::{
    model::Exit,
    plan::Planned,
    session::{self, SessionError},
};

pub(super) fn validate(
    args: &ValidateArgs,
    project: Option<&Path>,
    printer: &mut Printer,
) -> Result<Exit, SessionError> {
    let environment = printer.environment(&args.environment.env_files)?;
    let session::Counted { suites, cases } = session::validate(project, &environment, printer)?;
    printer.out(&format!(
        "valid: {cases} {} in {suites} {}",
        if cases == 1 { "case" } else { "cases" },
        if suites == 1 { "suite" } else { "suites" }
    ));
    Ok(Exit::Success)
}

pub(super) fn list(args: &ListArgs, project: Option<&Path>, printer: &mut Printer) -> Result<Exit, SessionError> {
    let select = &args.select;
    if select.targets.len() > 1 {
        let message = "--target: what would run is listed for one target";
        return Err(SessionError::Usage(message.to_owned()));
    }
    let (filter, target) = (select.filter(), select.target_options(printer)?);
    let plan = session::list(
        project,
        &filter,
        &target,
        select.partition,
        select.skip_missing,
        printer,
    )?;
    if args.format == ListFormat::Json {
        printer.out(&document(&plan.cases).to_string());
        return Ok(Exit::Success);
    }
    let mut suite = None;
    let (mut runs, mut skips) = (0, 0);
    for planned in &plan.cases {
        let Planned { case, skip, .. } = planned;
        if suite != Some(&case.suite.id) {
            suite = Some(&case.suite.id);
            let name = case.suite.def.name.as_deref();
            let name = name.map(|name| format!("  {name}")).unwrap_or_default();
            printer.out(&format!("{}{name}", case.suite.id));
        }
        let mut line = format!("  {}", case.id);
        if !case.def.tags.is_empty() {
            line = format!("{line}  [{}]", case.def.tags.join(", "));
        }
        match skip {
            None => runs += 1,
            Some(reason) => {
                skips += 1;
                line = format!("{line}  skipped: {reason}");
            }
        }
        printer.out(&line);
        for step in &planned.skipped_steps {
            let id = &case.def.steps[step.index].id;
            printer.out(&format!("    step {id}  skipped: {}", step.reason));
        }
    }
    printer.out(&format!("\n{runs} would run on {}, {skips} skipped", plan.target.name));
    Ok(Exit::Success)
}

/// The cases as one JSON document. `name` is null for a case without one, `skip` for a case that would run;
/// `skipped_steps` are the steps that would not be sent then.
fn document(cases: &[Planned]) -> Value {
    let cases = cases.iter().map(|planned| {
        let def = &planned.case.def;
        let steps = planned.skipped_steps.iter();
        let steps = steps.map(|step| json!({ "id": def.steps[step.index].id, "reason": step.reason }));
        let steps: Vec<_> = steps.collect();
        json!({
            "id": planned.case.id, "name": planned.case.name(), "tags": def.tags, "skip": planned.skip, "skipped_steps": steps,
        })
    });
    json!({ "cases": cases.collect::<Vec<_>>() })
}
