//! `conforme validate` and `conforme list`

use std::path::Path;

use super::{
    Exit, Printer,
    args::ListArgs,
    run::{require_inputs, select},
    target,
    workspace::Workspace,
};
use crate::plan::Planned;

pub(super) fn validate(folder: Option<&Path>, printer: &mut Printer) -> Exit {
    match Workspace::load(folder, printer) {
        Err(exit) => exit,
        Ok(workspace) => {
            printer.warnings(&workspace.schemas.warnings(), &workspace.sources);
            let mut errors = workspace.schemas.errors();
            workspace.project.check_environment(&workspace.suites, &mut errors);
            workspace.check_durations(&mut errors);
            workspace.check_bindings(&mut errors);
            if !errors.is_empty() {
                return printer.diagnostics(&errors, &workspace.sources);
            }
            let (suites, cases) = (workspace.suites.suites.len(), workspace.suites.cases.len());
            printer.out(&format!(
                "valid: {cases} {} in {suites} {}",
                if cases == 1 { "case" } else { "cases" },
                if suites == 1 { "suite" } else { "suites" }
            ));
            Exit::Success
        }
    }
}

pub(super) fn list(args: &ListArgs, folder: Option<&Path>, printer: &mut Printer) -> Exit {
    match try_list(args, folder, printer) {
        Ok(exit) | Err(exit) => exit,
    }
}

fn try_list(args: &ListArgs, folder: Option<&Path>, printer: &mut Printer) -> Result<Exit, Exit> {
    let workspace = Workspace::load(folder, printer)?;
    let selection = select(&args.select.names, &args.select.tags, &workspace, printer)?;
    if args.select.targets.len() > 1 {
        printer.error("--target: what would run is listed for one target");
        return Err(Exit::Usage);
    }
    let resolved = target::resolve(&workspace, &args.select.target_options(), true, printer)?;
    let mut plan = workspace.plan(&selection, resolved.target.clone(), printer)?;
    if let Some(partition) = args.select.partition {
        plan.keep(partition);
    }
    require_inputs(&plan, args.select.skip_missing, &workspace, printer)?;
    let mut suite = None;
    let (mut runs, mut skips) = (0, 0);
    for Planned { case, skip, .. } in &plan.cases {
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
    }
    printer.out(&format!(
        "\n{runs} would run on {}, {skips} skipped",
        resolved.target.name
    ));
    Ok(Exit::Success)
}
