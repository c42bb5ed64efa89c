//! Decodes nodes to definitions: near misses.

use super::{
    decode::DecodeContext,
    decode_expect::expect,
    def::{CaseDef, ExpectDef, StatusDef, Written},
    def_probe::ProbeDef,
    def_step::StepDef,
    vacuous,
};
use crate::{
    check::{StatusItem, StatusSet},
    probe::{ProbeChoice, ProbedParts},
    source::{Diagnostic, Fields, Kind, Node, boolean, integer},
};

/// Maximum number of rows by default.
const MAX_ROWS: usize = 200;
/// Statuses that reject a request.
const REJECTED: [u16; 5] = [400, 404, 405, 415, 422];

/// `probe`.
pub(super) fn probe(node: &Node, cx: &mut DecodeContext<'_>) -> Option<Box<Written<ProbeDef>>> {
    let mut fields = Fields::of(node, "`probe` (such as `{ parameters: all, body: all }`)", cx.errors)?;
    let (parameters, body) = (fields.take("parameters"), fields.take("body"));
    let methods = fields.read("methods", cx.errors, boolean).unwrap_or(true);
    let max = fields.read("max", cx.errors, |node, errors| integer(node, 1, 5000, errors));
    let except = fields.take("except").map(|node| names(node, cx)).unwrap_or_default();
    let step = fields.take("step").and_then(|node| {
        let value = cx.string(node)?;
        Some(Written { value, span: node.span })
    });
    fields.finish(cx.errors);
    let (parameters, named_parameters) = parts(parameters, cx);
    let (body, named_body) = parts(body, cx);
    for pointer in named_body.iter().filter(|pointer| !pointer.value.starts_with('/')) {
        let error = Diagnostic::new(pointer.span, format!("`{}` is not a JSON pointer", pointer.value));
        cx.error(error.help("write `all`, `none`, or pointers such as `/address/city`"));
    }
    let choice = ProbeChoice {
        parameters,
        body,
        methods,
    };
    if choice.parameters == ProbedParts::None && choice.body == ProbedParts::None && !methods {
        cx.error(Diagnostic::new(node.span, "`probe` changes nothing").help("remove it, or choose what is changed"));
    }
    let value = ProbeDef {
        step,
        choice,
        parameters: named_parameters,
        body: named_body,
        max: max.and_then(|max| usize::try_from(max).ok()).unwrap_or(MAX_ROWS),
        except,
    };
    Some(Box::new(Written { value, span: node.span }))
}

fn names(node: &Node, cx: &mut DecodeContext<'_>) -> Vec<Written<String>> {
    let items = match &node.kind {
        Kind::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    let name = |item: &Node| {
        let value = cx.string(item)?;
        Some(Written { value, span: item.span })
    };
    items.iter().filter_map(name).collect()
}

/// `all`, `none`, or names.
fn parts(node: Option<&Node>, cx: &mut DecodeContext<'_>) -> (ProbedParts, Vec<Written<String>>) {
    let Some(node) = node else {
        return (ProbedParts::All, Vec::new());
    };
    match &node.kind {
        Kind::String(text) if text == "all" => return (ProbedParts::All, Vec::new()),
        Kind::String(text) if text == "none" => return (ProbedParts::None, Vec::new()),
        _ => {}
    }
    let names = names(node, cx);
    let all = names.iter().map(|name| name.value.clone()).collect();
    (ProbedParts::Named(all), names)
}

/// `expect_probe`, with the statuses that it has by default.
pub(super) fn expect_probe(
    node: Option<&Node>,
    def: &CaseDef,
    cx: &mut DecodeContext<'_>,
) -> Option<Box<Written<ExpectDef>>> {
    let span = match (&def.probe, node) {
        (Some(probe), _) => probe.span,
        (None, Some(node)) => {
            let error = Diagnostic::new(node.span, "the case has no `probe`, so that this tests nothing");
            cx.error(error.help("add `probe: { parameters: all, body: all }`, say"));
            return None;
        }
        (None, None) => return None,
    };
    let mut expected = node.map(|node| expect(node, cx)).unwrap_or_default();
    let span = node.map_or(span, |node| node.span);
    for (name, is_there) in [
        ("events", expected.events.is_some()),
        ("same_as", expected.same_as.is_some()),
        ("snapshot", expected.snapshot.is_some()),
        ("tls", expected.tls.is_some()),
    ] {
        if is_there {
            cx.error(Diagnostic::new(span, format!("`expect_probe` cannot contain `{name}`")));
        }
    }
    match &expected.status {
        None => {
            let items = REJECTED.map(StatusItem::Code).to_vec();
            let value = StatusDef::Fixed(StatusSet(items));
            expected.status = Some(Written { value, span });
        }
        Some(status) => check_status(status, cx),
    }
    let step = StepDef {
        expect: expected.clone(),
        ..StepDef::default()
    };
    vacuous::check(&step, cx.errors);
    Some(Box::new(Written { value: expected, span }))
}

/// Rejects statuses that do not reject a request.
fn check_status(status: &Written<StatusDef>, cx: &mut DecodeContext<'_>) {
    let StatusDef::Fixed(set) = &status.value else {
        let error = Diagnostic::new(status.span, "the statuses of `expect_probe` are constant");
        cx.error(error.help("write them as numbers: `status: [400, 422]`"));
        return;
    };
    let help = "name statuses that reject a request, such as 400, 404, 405, 415 and 422";
    if (200..300).any(|code| set.contains(code)) {
        let error = Diagnostic::new(status.span, "this accepts a near miss that the server accepts");
        cx.error(error.help(help));
    } else if (500..600).any(|code| set.contains(code)) {
        let error = Diagnostic::new(status.span, "a server that fails has not rejected the request");
        cx.error(error.help(help));
    }
}
