//! `conforme run --dry-run`: the requests of a run, without sending them.

use std::{collections::BTreeMap, fmt::Write as _};

use serde_json::Value;

use super::{
    Notices, RunRequest, SessionError, Workspace, prepared::masker, prepared::require_inputs, selection::check_effects,
    target,
};
use crate::{
    model::{Request, basic_pair, basic_shown},
    plan::{Late, Planned},
    project::TargetOptions,
};

/// Maximum number of characters that are shown of a body.
const MAX_BODY: usize = 4000;

/// A request that a run would send.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PlannedRequest {
    /// The case, or the step as `case:step`.
    pub id: String,
    /// The request line, the header fields and the body, with secrets masked. Values that are captured during a run are shown
    /// as `{{ name }}`.
    pub text: String,
}

/// The requests that a run with these options would send, in the order of the plan. Steps that read a mailbox are left out.
pub fn dry_run(request: &RunRequest, notices: &mut dyn Notices) -> Result<Vec<PlannedRequest>, SessionError> {
    let workspace = Workspace::open_for(request.project.as_deref(), &request.filter.names, notices)?;
    notices.warnings(&workspace.warnings(), &workspace.sources);
    let selection = request.filter.select(&workspace)?;
    check_effects(&request.target.allow, &workspace)?;
    let options = TargetOptions {
        target: request.targets.first().cloned(),
        ..request.target.clone()
    };
    let resolved = target::resolve(&workspace, &options, true, notices)?;
    let masker = masker([&resolved]);
    for token in resolved.target.tokens.iter() {
        let secret = token.set_placeholder();
        masker.learn(&token.name, &secret);
    }
    let mut plan = workspace.plan(&selection, resolved.target)?;
    if let Some(partition) = request.partition {
        plan.keep(partition);
    }
    require_inputs(&plan, request.skip_missing, &workspace)?;
    let mut all = Vec::new();
    for planned in plan.cases.iter().filter(|planned| planned.skip.is_none()) {
        let tokens = Placeholders::of(planned);
        for (index, step) in planned.case.def.steps.iter().enumerate() {
            if step.mail.is_some() || planned.skipped_step(index).is_some() {
                continue;
            }
            let late = tokens.late(step.follow.as_ref().map(|follow| follow.value.step.as_str()));
            if let Some(mut request) = plan.request_with(&planned.case, index, &late, &workspace.sources) {
                tokens.restore_credentials(&mut request);
                masker.request(&mut request);
                all.push(PlannedRequest {
                    id: planned.case.step_id(step),
                    text: masker.text(&tokens.restore(&message(&request))),
                });
            }
        }
    }
    Ok(all)
}

/// Texts that occur nowhere else, in place of values that only a run knows, by what is shown instead.
struct Placeholders(BTreeMap<String, String>);

impl Placeholders {
    /// A token for each captured value, and for the URL of each step that a later step follows.
    fn of(planned: &Planned) -> Self {
        let steps = || planned.case.def.steps.iter();
        let captures = steps()
            .flat_map(|step| &step.capture)
            .map(|capture| capture.name.to_string());
        let followed = steps().filter_map(|step| Some(location(&step.follow.as_ref()?.value.step)));
        let token = |name| (name, format!("late{}", uuid::Uuid::new_v4().simple()));
        Self(captures.chain(followed).map(token).collect())
    }

    fn late(&self, follows: Option<&str>) -> Late {
        let mut late = Late::default();
        for (name, token) in &self.0 {
            late.capture(name, Value::String(token.clone()));
        }
        if let Some(token) = follows.and_then(|step| self.0.get(&location(step))) {
            late.follow(format!("http://{token}"));
        }
        late
    }

    /// Restores the header fields, in which masking would hide a token as a credential.
    fn restore_credentials(&self, request: &mut Request) {
        for (_, value) in &mut request.headers {
            *value = match basic_pair(value).map(|pair| (self.restore(&pair), pair)) {
                Some((restored, pair)) if restored != pair => basic_shown(&restored),
                _ => self.restore(value),
            };
        }
    }

    fn restore(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (name, token)| {
            let shown = format!("{{{{ {name} }}}}");
            text.replace(&format!("http://{token}"), &shown).replace(token, &shown)
        })
    }
}

/// The name of the URL that a step follows.
fn location(step: &str) -> String {
    format!("location of {step}")
}

fn message(request: &Request) -> String {
    let mut text = format!("{} {}\n", request.method, request.url);
    for (name, value) in &request.headers {
        let _ = writeln!(text, "{name}: {value}");
    }
    if !request.body.is_empty() {
        let body = request.body.text();
        let shown: String = body.chars().take(MAX_BODY).collect();
        let _ = writeln!(text, "\n{shown}");
        if shown.len() < body.len() {
            let _ = writeln!(text, "… {} bytes", request.body.bytes().len());
        }
    }
    text
}
