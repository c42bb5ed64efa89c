//! The readiness check of a target in `conforme.toml`: a request and its expectations, in the form of a case.

use std::{path::Path, sync::Arc};

use super::{
    decode::{DecodeContext, Folders, request},
    decode_expect::expect,
    def::{Case, CaseDef, Suite, SuiteDef},
    def_step::StepDef,
    vacuous,
};
use crate::{
    check::RULES,
    model::{Digest, Level},
    schema::SchemaStore,
    source::{Diagnostic, Diagnostics, Fields, Node},
};

/// Decodes a target's `ready`. The built-in rules are off unless it names them: it checks whether the
/// right deployment is running, not its conformance.
pub fn ready(
    node: &Node,
    target: &str,
    folder: &Path,
    schemas: &SchemaStore,
    errors: &mut Diagnostics,
) -> Option<Case> {
    let before = errors.len();
    let mut fields = Fields::of(node, "`ready`", errors)?;
    let (asked, wanted) = (fields.take("request"), fields.take("expect"));
    fields.finish(errors);
    let mut cx = DecodeContext::new(Folders::same(folder), schemas, None, errors);
    let mut step = StepDef {
        request: asked.map(|node| request(node, true, &mut cx)).unwrap_or_default(),
        expect: wanted.map(|node| expect(node, &mut cx)).unwrap_or_default(),
        span: node.span,
        ..StepDef::default()
    };
    let needs: Vec<String> = cx.used.into_iter().collect();
    for (name, span) in [
        ("snapshot", step.expect.snapshot.as_ref().map(|asked| asked.span)),
        ("same_as", step.expect.same_as.as_ref().map(|asked| asked.span)),
    ] {
        if let Some(span) = span {
            errors.push(Diagnostic::new(span, format!("`{name}` is for cases, not for `ready`")));
        }
    }
    if asked.is_none() || step.request.path.is_none() {
        let error = Diagnostic::new(node.span, "`ready` has no `request` with a `path`");
        errors.push(error.help("write `ready = { request = { path = \"/health\" }, expect = { status = 200 } }`"));
    }
    if wanted.is_none() {
        errors.push(Diagnostic::new(node.span, "`ready` has no `expect`").help("write `expect = { status = 200 }`"));
    }
    vacuous::check(&step, errors);
    let rules = &mut step.expect.rules;
    for rule in &RULES {
        if !rules.iter().any(|(id, _)| id == rule.id) {
            rules.push((rule.id.to_owned(), Level::Off));
        }
    }
    (errors.len() == before).then(|| Case {
        id: format!("ready: {target}"),
        suite: Arc::new(Suite {
            id: String::new(),
            def: SuiteDef::default(),
        }),
        def: Arc::new(CaseDef {
            steps: vec![step],
            ..CaseDef::default()
        }),
        example: None,
        probe: None,
        is_explored: false,
        needs: needs.into(),
        schemas: Arc::default(),
        digest: Digest::default(),
        span: node.span,
    })
}
