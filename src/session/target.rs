//! The target of a command: a named one, a URL, or the embedded reference API.

#[cfg(feature = "reference")]
use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Notices, SessionError, Workspace};
#[cfg(feature = "reference")]
use crate::mail::Mailbox;
use crate::{
    mask::Masker,
    project::{KnownSecrets, Target, TargetOptions},
    report::visible,
    source::{Diagnostic, Diagnostics},
};

/// The environment variable for `--target`. Unlike the others, it is rejected if it is empty.
pub const TARGET_VARIABLE: &str = "CONFORME_TARGET";

/// A target, and the server that has to run while it is used.
pub(super) struct Resolved {
    /// The target.
    pub(super) target: Target,
    /// Whether the proxy of the environment applies to it.
    pub(super) use_proxy: bool,
    #[cfg(feature = "reference")]
    server: Option<crate::reference::Server>,
}

#[cfg(feature = "reference")]
impl Resolved {
    /// Has the embedded API send its e-mails to its mailbox, if that is open.
    pub(super) fn send_mail_to(&self, mailboxes: &BTreeMap<String, Arc<Mailbox>>) -> Result<(), SessionError> {
        let (Some(server), Some(mailbox)) = (&self.server, mailboxes.get(MAILBOX)) else {
            return Ok(());
        };
        // The mailbox is not served before the run begins, so it cannot be tested.
        let sent = server.send_mail_to(mailbox.address(), false);
        sent.map_err(|error| SessionError::Usage(format!("the reference API: {error}")))
    }
}

/// The endpoint of the embedded API at which its e-mails can be read.
#[cfg(feature = "reference")]
const MAILBOX: &str = "mailbox";

/// The name of the embedded reference API as a target, unless `conforme.toml` has one of that name.
const REFERENCE: &str = "reference";
/// Maximum number of targets that an error lists.
const MAX_LISTED: usize = 50;
/// Maximum number of lines, and of bytes per line, that are shown of the standard error of a secret command.
const MAX_LINES: usize = 20;
const MAX_LINE: usize = 500;

/// Finds the target. The embedded API is started for `reference`, unless `dry`. Unless `dry`, the caller passes the masker
/// of the target to `notices`. A missing or blank name is an error: the
/// intended target would not be tested.
pub(super) fn resolve(
    workspace: &Workspace,
    options: &TargetOptions,
    dry: bool,
    notices: &mut dyn Notices,
) -> Result<Resolved, SessionError> {
    let Some(wanted) = options.target.as_ref().or(workspace.project.default_target.as_ref()) else {
        return Err(unnamed("no target is given", workspace));
    };
    if wanted.trim().is_empty() {
        let message = format!("the target is empty, in `--target` or in {TARGET_VARIABLE}");
        return Err(unnamed(&message, workspace));
    }
    let is_named = |name: &str| workspace.project.targets.iter().any(|(known, _)| known == name);
    if wanted == REFERENCE && !is_named(REFERENCE) {
        let mut errors = Diagnostics::default();
        workspace
            .project
            .check_environment(&workspace.suites, &options.environment, &mut errors);
        if !errors.is_empty() {
            return Err(workspace.invalid(errors));
        }
        return embedded(workspace, options, dry);
    }
    let mut errors = Diagnostics::default();
    let mut known = KnownSecrets::default();
    let (project, suites) = (&workspace.project, &workspace.suites);
    project.check_environment(suites, &options.environment, &mut errors);
    let target = Target::resolve(project, options, suites, &mut known, &masked_lines, &mut errors);
    // Building a masker takes time. For a plan that is sent, the caller builds one for all targets of the run.
    if dry || target.is_none() || !errors.is_empty() {
        notices.mask(&Arc::new(masker(&known)));
    }
    match target {
        Some(target) if errors.is_empty() => Ok(Resolved {
            target,
            use_proxy: true,
            #[cfg(feature = "reference")]
            server: None,
        }),
        _ => Err(workspace.invalid(errors)),
    }
}

fn masker(known: &KnownSecrets) -> Masker {
    Masker::new(known.all.iter().map(|(name, secret)| (name.as_str(), secret)))
}

/// The first lines of a program's output, with secrets masked and control characters escaped.
fn masked_lines(known: &KnownSecrets, text: &str) -> Vec<String> {
    let text = masker(known).text(text.trim_end());
    let mut lines: Vec<_> = (text.lines().take(MAX_LINES))
        .map(|line| visible(&line[..line.floor_char_boundary(MAX_LINE)]).into_owned())
        .collect();
    if let more @ 1.. = text.lines().count() - lines.len() {
        lines.push(format!("… {more} more lines"));
    }
    lines
}

/// The error for a missing name, with the known names.
fn unnamed(message: &str, workspace: &Workspace) -> SessionError {
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
    let help = format!("name one with `--target NAME|URL`, or set `default_target` in conforme.toml; {known}");
    workspace.invalid(Diagnostic::general(message).help(help))
}

#[cfg(feature = "reference")]
fn embedded(workspace: &Workspace, options: &TargetOptions, dry: bool) -> Result<Resolved, SessionError> {
    use std::net::Ipv4Addr;

    use crate::{
        project::{BaseUrl, Secret},
        reference::{Seed, Server, system_clock},
    };

    let flag = options.vars.first().map(|(name, _)| format!("--var {name}"));
    let file = || Some(format!("--vars-file {}", options.vars_files.first()?.display()));
    if let Some(flag) = flag.or_else(file) {
        let error = Diagnostic::general(format!("{flag}: the embedded reference API has its own variables"))
            .help("name the API with `--target`");
        return Err(workspace.invalid(error));
    }
    let seed = Seed::embedded();
    let server = if dry {
        None
    } else {
        let address = (Ipv4Addr::LOCALHOST, 0).into();
        let server = Server::start(&seed, address, system_clock())
            .map_err(|error| SessionError::Usage(format!("failed to start the reference API: {error}")))?;
        Some(server)
    };
    let base = server
        .as_ref()
        .map_or("http://127.0.0.1/api", |server| server.base_url());
    let base = BaseUrl::parse(base).map_err(SessionError::Usage)?;
    let fixtures = seed.fixtures();
    let email = fixtures.user_email().map(|email| ("user_email", email));
    let variables = fixtures.variables().iter();
    let vars = variables
        .map(|(name, value)| (*name, value.as_str()))
        .chain(email)
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    let mut secrets = BTreeMap::new();
    for (name, value) in fixtures.secrets() {
        let secret =
            Secret::new(value.clone()).map_err(|error| SessionError::Usage(format!("secret `{name}`: {error}")))?;
        secrets.insert((*name).to_owned(), secret);
    }
    Ok(Resolved {
        target: Target::embedded(base, vars, secrets, options).with_mailbox(MAILBOX),
        use_proxy: false,
        server,
    })
}

#[cfg(not(feature = "reference"))]
fn embedded(workspace: &Workspace, _: &TargetOptions, _: bool) -> Result<Resolved, SessionError> {
    let error = Diagnostic::general("`reference`: this build has no embedded reference API")
        .help("name another target with `--target`, or set `default_target` in conforme.toml");
    Err(workspace.invalid(error))
}
