//! Snapshots of imported responses, in the form in which a run compares them.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use chrono::Utc;
use serde_json::Value;

use crate::{
    check,
    import::{DraftCase, DraftQuery, DraftResponse, DraftStep, SuiteDraft},
    mask::Masker,
    model::{Exchange, Outcome, Phase, Response, shown},
    plan::{Late, Plan, Planned, Selection},
    project::{BaseUrl, Secret, Target, TargetOptions},
    session::{SessionError, Workspace, names::Unreported},
    snapshot::SnapshotError,
};

/// What is sent for a secret that is too short to be one.
const SHORT: &str = "short-secret-of-the-source";

/// Stores the known responses of a draft whose files are written in the suite `id`. Returns the files, relative to the
/// project.
pub(super) fn store(folder: Option<&Path>, id: &str, draft: &SuiteDraft) -> Result<Vec<String>, SessionError> {
    let has_snapshot = |case: &DraftCase| {
        case.steps
            .iter()
            .any(|step| step.response.is_some() && step.expect.snapshot)
    };
    let cases: BTreeMap<String, &DraftCase> = (draft.cases.iter().filter(|case| has_snapshot(case)))
        .map(|case| (format!("{id}/{}", case.file), case))
        .collect();
    if cases.is_empty() {
        return Ok(Vec::new());
    }
    let workspace = Workspace::open(folder, &mut Unreported)?;
    let origin = draft.origin.as_deref().unwrap_or("http://localhost");
    let base = BaseUrl::parse(origin).map_err(SessionError::Usage)?;
    let secrets = draft.inputs.iter().filter(|input| input.is_secret).filter_map(|input| {
        let known = draft.secrets.iter().find(|(name, _)| *name == input.name);
        let known = known.and_then(|(_, value)| Secret::new(value.clone()).ok());
        let secret = known.or_else(|| Secret::new(SHORT.to_owned()).ok())?;
        Some((input.name.clone(), secret))
    });
    let secrets: BTreeMap<String, Secret> = secrets.collect();
    let masker = Arc::new(Masker::new(
        secrets.iter().map(|(name, secret)| (name.as_str(), secret)),
    ));
    let target = Target::embedded(base, BTreeMap::new(), secrets, &TargetOptions::default());
    let selection = Selection {
        ids: cases.keys().cloned().collect(),
        ..Selection::default()
    };
    let mut plan = workspace.plan(&selection, target)?;
    plan.mask_snapshots(Arc::clone(&masker) as _);
    let storing = Storing {
        workspace: &workspace,
        plan: &plan,
        masker: &masker,
        origin,
    };
    let mut files = Vec::new();
    for planned in &plan.cases {
        if let Some(case) = cases.get(&planned.case.id) {
            storing.case(planned, case, &mut files)?;
        }
    }
    Ok(files)
}

struct Storing<'s> {
    workspace: &'s Workspace,
    plan: &'s Plan,
    masker: &'s Masker,
    origin: &'s str,
}

impl Storing<'_> {
    fn case(&self, planned: &Planned, draft: &DraftCase, files: &mut Vec<String>) -> Result<(), SnapshotError> {
        let case = &planned.case;
        let source = self.workspace.sources.location(case.span).file;
        let mut late = Late::default();
        let steps = case
            .def
            .steps
            .iter()
            .enumerate()
            .filter(|(_, def)| def.phase == Phase::Main);
        for ((index, def), step) in steps.zip(&draft.steps) {
            late.begin();
            if step.follow.is_some() {
                late.follow(self.followed(step));
            }
            let Some(response) = &step.response else {
                continue;
            };
            // Without a value of the step there is no request, and no snapshot.
            let Ok(bound) = self.plan.bind(case, index, &late, &self.workspace.sources) else {
                return Ok(());
            };
            let response = known(response);
            let values = check::captured(&bound.expectation, &response);
            for (capture, value) in bound.expectation.captures.iter().zip(values) {
                let Some(value) = value else { continue };
                if capture.secret
                    && let Ok(secret) = Secret::new(text(&value))
                {
                    self.masker.learn(&capture.name, &secret);
                }
                late.capture(&capture.name, value);
            }
            if !def.has_snapshot() {
                continue;
            }
            let outcome = Outcome::Response(response);
            let judged = check::check(&bound.expectation, &bound.request, &outcome, None);
            let exchange = Exchange {
                request: bound.request,
                outcome,
            };
            if let Some(text) = judged.snapshot {
                let text = self.masker.snapshot(&text, &exchange);
                let path = self
                    .workspace
                    .snapshots
                    .write_accepted(&case.step_id(def), &source, &text)?;
                files.push(shown(&self.workspace.project.root, &path));
            }
        }
        Ok(())
    }

    /// The URL that a step with `follow` requested.
    fn followed(&self, step: &DraftStep) -> String {
        let query = match &step.request.query {
            Some(DraftQuery::Raw(text)) => format!("?{text}"),
            _ => String::new(),
        };
        format!("{}{}{query}", self.origin, step.request.path)
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A response of a draft. Its content has no codings any more.
fn known(response: &DraftResponse) -> Response {
    const OF_TRANSFER: [&str; 4] = ["content-encoding", "content-length", "transfer-encoding", "trailer"];
    let headers = response
        .headers
        .iter()
        .filter(|(name, _)| !OF_TRANSFER.contains(&name.as_str()));
    Response {
        version: "HTTP/1.1".to_owned(),
        status: response.status,
        reason: None,
        headers: headers.cloned().collect(),
        body: response.body.clone().into(),
        trailers: Vec::new(),
        cut: None,
        stopped: None,
        excess: Vec::new().into(),
        syntax: Vec::new(),
        received: Utc::now(),
        elapsed_us: 0,
    }
}
