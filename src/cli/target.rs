//! The target of a command: a named one, a URL, or the embedded reference API.

use std::sync::Arc;

use super::{Exit, Printer, args::TARGET_VARIABLE, workspace::Workspace};
use crate::{
    project::{KnownSecrets, Target, TargetOptions},
    redact::Redactor,
    report::visible,
    source::{Diagnostic, Diagnostics},
};

/// A target, and what must live as long as it is used.
pub(super) struct Resolved {
    pub(super) target: Target,
    /// Whether the environment's proxy is for it.
    pub(super) use_proxy: bool,
    #[cfg(feature = "reference")]
    _server: Option<crate::reference::Server>,
}

/// The name of the embedded reference API as a target, unless `conforme.toml` has one of that name.
const REFERENCE: &str = "reference";
/// Maximum number of targets that an error lists.
const MAX_LISTED: usize = 50;
/// Maximum number of lines, and of bytes of one, that are shown of what a program wrote to its standard error.
const MAX_LINES: usize = 20;
const MAX_LINE: usize = 500;

/// Finds the target. The embedded API is started for `reference`, unless `dry`: then it is only described. A target that
/// is not named at all, or is blank, is an error: what was meant to be tested would not be.
pub(super) fn resolve(
    workspace: &Workspace,
    options: &TargetOptions,
    dry: bool,
    printer: &mut Printer,
) -> Result<Resolved, Exit> {
    let Some(wanted) = options.target.as_ref().or(workspace.project.default_target.as_ref()) else {
        return Err(unnamed("no target is given", workspace, printer));
    };
    if wanted.trim().is_empty() {
        let message = format!("the target is empty, in `--target` or in {TARGET_VARIABLE}");
        return Err(unnamed(&message, workspace, printer));
    }
    let is_named = |name: &str| workspace.project.targets.iter().any(|(known, _)| known == name);
    if wanted == REFERENCE && !is_named(REFERENCE) {
        let mut errors = Diagnostics::default();
        workspace.project.check_environment(&workspace.suites, &mut errors);
        if !errors.is_empty() {
            return Err(printer.diagnostics(&errors, &workspace.sources));
        }
        return embedded(workspace, options, dry, printer);
    }
    let mut errors = Diagnostics::default();
    let mut known = KnownSecrets::default();
    let (project, suites) = (&workspace.project, &workspace.suites);
    project.check_environment(suites, &mut errors);
    let target = Target::resolve(project, options, suites, &mut known, &masked_lines, &mut errors);
    printer.hide(&Arc::new(redactor(&known)));
    match target {
        Some(target) if errors.is_empty() => Ok(Resolved {
            target,
            use_proxy: true,
            #[cfg(feature = "reference")]
            _server: None,
        }),
        _ => Err(printer.diagnostics(&errors, &workspace.sources)),
    }
}

fn redactor(known: &KnownSecrets) -> Redactor {
    Redactor::new(known.all.iter().map(|(name, secret)| (name.as_str(), secret)))
}

/// Lines of a program's output that can be shown: without secrets, and without effect on a terminal or a CI system.
fn masked_lines(known: &KnownSecrets, text: &str) -> Vec<String> {
    let text = redactor(known).text(text.trim_end());
    let mut lines: Vec<_> = (text.lines().take(MAX_LINES))
        .map(|line| visible(&line[..line.floor_char_boundary(MAX_LINE)]).into_owned())
        .collect();
    if let more @ 1.. = text.lines().count() - lines.len() {
        lines.push(format!("… {more} more lines"));
    }
    lines
}

/// Rejects a target that has no name, and lists the names there are.
fn unnamed(message: &str, workspace: &Workspace, printer: &Printer) -> Exit {
    let project = &workspace.project;
    let mut names: Vec<_> = (project.targets.iter().take(MAX_LISTED))
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    if let more @ 1.. = project.targets.len() - names.len() {
        names.push(format!("{more} more"));
    }
    let has_embedded = cfg!(feature = "reference") && project.targets.iter().all(|(name, _)| name != REFERENCE);
    if has_embedded {
        names.push(format!("`{REFERENCE}` (the embedded API)"));
    }
    let known = if names.is_empty() {
        "conforme.toml has none".to_owned()
    } else {
        format!("known here: {}", names.join(", "))
    };
    let error = Diagnostic::general(message).help(format!(
        "name one with `--target NAME|URL`, or set `default_target` in conforme.toml; {known}"
    ));
    printer.diagnostics(&error.into(), &workspace.sources)
}

#[cfg(feature = "reference")]
fn embedded(workspace: &Workspace, options: &TargetOptions, dry: bool, printer: &Printer) -> Result<Resolved, Exit> {
    use std::{collections::BTreeMap, net::Ipv4Addr};

    use crate::{
        project::{BaseUrl, Secret},
        reference::{Seed, Server, system_clock},
    };

    let fail = |message: String| {
        printer.error(&message);
        Exit::Usage
    };
    if let Some((name, _)) = options.vars.first() {
        let error = Diagnostic::general(format!(
            "--var {name}: the embedded reference API has its own variables"
        ))
        .help("name the API with `--target`");
        return Err(printer.diagnostics(&error.into(), &workspace.sources));
    }
    let seed = Seed::embedded();
    let server = if dry {
        None
    } else {
        let address = (Ipv4Addr::LOCALHOST, 0).into();
        let server = Server::start(&seed, address, system_clock())
            .map_err(|error| fail(format!("failed to start the reference API: {error}")))?;
        Some(server)
    };
    let base = server
        .as_ref()
        .map_or("http://127.0.0.1/api", |server| server.base_url());
    let base = BaseUrl::parse(base).map_err(&fail)?;
    let fixtures = seed.fixtures();
    let vars = fixtures
        .variables()
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone().into()))
        .collect();
    let mut secrets = BTreeMap::new();
    for (name, value) in fixtures.secrets() {
        let secret = Secret::new(value.clone()).map_err(|error| fail(format!("secret `{name}`: {error}")))?;
        secrets.insert((*name).to_owned(), secret);
    }
    Ok(Resolved {
        target: Target::embedded(base, vars, secrets, options),
        use_proxy: false,
        _server: server,
    })
}

#[cfg(not(feature = "reference"))]
fn embedded(workspace: &Workspace, _: &TargetOptions, _: bool, printer: &Printer) -> Result<Resolved, Exit> {
    let error = Diagnostic::general("`reference`: this build has no embedded reference API")
        .help("name another target with `--target`, or set `default_target` in conforme.toml");
    Err(printer.diagnostics(&error.into(), &workspace.sources))
}
