//! Reads the steps of a case: which there are, what each inherits, and what they capture.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use super::{
    decode::{DecodeContext, check_name, is_slug, request, snapshots, start},
    decode_body::wrong_path,
    decode_expect::expect,
    def::{DurationDef, RequestDef, Written},
    def_step::{CaptureDef, EventuallyDef, FollowDef, MailDef, StepDef, ThroughoutDef},
    inherit::inherit_step,
    vacuous,
};
use crate::{
    check::{CaptureSource, XmlPath, is_token},
    model::Phase,
    source::{Diagnostic, Diagnostics, Fields, Kind, Node, Span, boolean},
    text,
};

/// Time between two requests of `eventually` and `throughout` by default.
const EVERY: Duration = Duration::from_millis(500);
/// Maximum number of steps of a case, those of its suite included.
const MAX_STEPS: usize = 1000;

/// Keys of a step that a case with `request` may have, too.
pub(super) const STEP_KEYS: [&str; 8] = [
    "capture",
    "endpoint",
    "mail",
    "follow",
    "eventually",
    "throughout",
    "go_on",
    "operation",
];

/// A step as a node, after inheritance.
pub(super) struct StepNode {
    node: Node,
    phase: Phase,
    span: Span,
}

/// The steps of a case in the order in which they run. `case` has inherited from `suite` already. A case without `steps`
/// is one step, whose node is the case itself; it is not in the result.
pub(super) struct StepNodes {
    before: Vec<StepNode>,
    /// `None` for a case with `request`.
    own: Option<Vec<StepNode>>,
    after: Vec<StepNode>,
}

impl StepNodes {
    pub(super) fn of(case: &Node, suite: Option<&Node>, errors: &mut Diagnostics) -> Self {
        let has_steps = case.get("steps").is_some_and(|steps| !steps.is_null());
        // The request of a case without `steps` is that of its only step.
        let shared = if has_steps { Some(case) } else { suite };
        let mut read = |of: Option<&Node>, key: &str, phase: Phase, base: Option<&Node>| -> Vec<StepNode> {
            let Some(list) = of.and_then(|of| of.get(key)).filter(|list| !list.is_null()) else {
                return Vec::new();
            };
            let Kind::List(items) = &list.kind else {
                let error = Diagnostic::new(list.span, format!("`{key}` is a list of steps"));
                errors.push(error.help(format!("write `{key}: [{{ id: ..., request: ..., expect: ... }}]`")));
                return Vec::new();
            };
            if items.is_empty() {
                errors.push(Diagnostic::new(list.span, format!("`{key}` is empty")));
            }
            items
                .iter()
                .map(|item| {
                    // The credentials of the API are not for other endpoints.
                    let dropped: &[&str] = match (item.get("endpoint"), item.get("mail")) {
                        (_, Some(_)) => &["request", "expect", "identity"],
                        (Some(_), None) => &["request", "identity"],
                        (None, None) => &[],
                    };
                    let own = base.map(|base| without(base, dropped));
                    let base = own.as_ref();
                    StepNode {
                        node: inherit_step(base, item.clone(), errors),
                        phase,
                        span: start(item.span),
                    }
                })
                .collect()
        };
        let mut before = read(suite, "setup", Phase::Setup, suite);
        before.extend(read(Some(case), "setup", Phase::Setup, shared));
        let own = has_steps.then(|| read(Some(case), "steps", Phase::Main, Some(case)));
        let mut after = read(Some(case), "teardown", Phase::Teardown, shared);
        after.extend(read(suite, "teardown", Phase::Teardown, suite));
        Self { before, own, after }
    }

    pub(super) fn has_steps(&self) -> bool {
        self.own.is_some()
    }

    /// All nodes, of which one is the case itself.
    pub(super) fn nodes<'n>(&'n self, case: &'n Node) -> impl Iterator<Item = &'n Node> {
        let own = self.own.iter().flatten().map(|step| &step.node);
        let case = self.own.is_none().then_some(case);
        let before = self.before.iter().map(|step| &step.node);
        before
            .chain(case)
            .chain(own)
            .chain(self.after.iter().map(|step| &step.node))
    }

    /// The request of a step as a node, by the index of the step.
    pub(super) fn request_of<'n>(&'n self, index: usize, case: &'n Node) -> Option<&'n Node> {
        self.nodes(case).nth(index)?.get("request")
    }

    /// The names that steps capture, with the id of the step.
    pub(super) fn captures(&self, case: &Node) -> BTreeMap<String, String> {
        let mut all = BTreeMap::new();
        for node in self.nodes(case) {
            let id = match node.get("id").map(|id| &id.kind) {
                Some(Kind::String(id)) => id.clone(),
                _ => String::new(),
            };
            for (key, _) in node.get("capture").map(Node::entries).unwrap_or_default() {
                all.entry(key.text.to_string()).or_insert_with(|| id.clone());
            }
        }
        all
    }

    /// Reads all steps. `case` holds the fields of the case, from which the step of a case with `request` is read.
    pub(super) fn decode(&self, case: &mut Fields<'_>, span: Span, cx: &mut DecodeContext<'_>) -> Vec<StepDef> {
        let mut steps: Vec<StepDef> = Vec::new();
        let mut earlier = Earlier::default();
        for step in &self.before {
            steps.extend(step.decode(&mut earlier, cx));
        }
        for step in self.own.iter().flatten() {
            steps.extend(step.decode(&mut earlier, cx));
        }
        if !self.has_steps() {
            let step = with_uses(cx, |cx| fields(case, Phase::Main, span, &mut earlier, cx));
            earlier.add(&step, cx);
            steps.push(step);
        }
        for step in &self.after {
            steps.extend(step.decode(&mut earlier, cx));
        }
        if steps.len() > MAX_STEPS {
            cx.error(Diagnostic::new(
                span,
                format!("the case has {} steps; the maximum is {MAX_STEPS}", steps.len()),
            ));
        }
        steps
    }
}

/// Ids and captures of the steps that were read.
#[derive(Default)]
struct Earlier {
    ids: BTreeSet<String>,
}

impl Earlier {
    fn add(&mut self, step: &StepDef, cx: &mut DecodeContext<'_>) {
        if !step.id.is_empty() && !self.ids.insert(step.id.clone()) {
            let error = Diagnostic::new(step.span, format!("two steps of this case have the id `{}`", step.id));
            cx.error(error.help("setup and teardown steps of suite.yaml count, too"));
        }
        for capture in &step.capture {
            cx.capture(&capture.name, capture.span);
        }
    }

    /// Checks that a name is the id of an earlier step.
    fn expect(&self, id: &str, span: Span, cx: &mut DecodeContext<'_>) {
        if !self.ids.contains(id) {
            let error = Diagnostic::new(span, format!("no step `{id}` comes before this one"));
            cx.error(error.suggest(id, self.ids.iter().map(String::as_str)));
        }
    }
}

impl StepNode {
    fn decode(&self, earlier: &mut Earlier, cx: &mut DecodeContext<'_>) -> Option<StepDef> {
        let mut all = Fields::of(&self.node, "a step", cx.errors)?;
        let id = all.take("id").and_then(|node| id(node, cx));
        if self.node.get("id").is_none() {
            let error = Diagnostic::new(self.span, "the step has no `id`");
            cx.error(error.help("add `id: create`, say: findings and other steps refer to it"));
        }
        let mut step = with_uses(cx, |cx| fields(&mut all, self.phase, self.span, earlier, cx));
        all.finish(cx.errors);
        step.id = id.unwrap_or_default();
        earlier.add(&step, cx);
        Some(step)
    }
}

/// Reads a step, and keeps which variables it uses.
fn with_uses(cx: &mut DecodeContext<'_>, read: impl FnOnce(&mut DecodeContext<'_>) -> StepDef) -> StepDef {
    let before = std::mem::take(&mut cx.used);
    let mut step = read(cx);
    step.uses.clone_from(&cx.used);
    cx.used.extend(before);
    step
}

fn id(node: &Node, cx: &mut DecodeContext<'_>) -> Option<String> {
    let id = cx.string(node)?;
    if !is_slug(&id) {
        let error = Diagnostic::new(node.span, format!("`{id}` cannot be the id of a step"));
        cx.error(error.help("use letters, digits, `-`, `_` and `.`"));
        return None;
    }
    Some(id)
}

/// Errors for expectations of what a mailbox does not have.
fn mailbox_expectations(expect: &Node, cx: &mut DecodeContext<'_>) {
    let help = "expect a `body`: `json: { count: 1 }`, say";
    if let Some(status) = expect.get("status") {
        cx.error(Diagnostic::new(status.span, "a mailbox has no status").help(help));
    }
    let keys = expect.entries().iter().map(|(key, _)| key);
    for key in keys.filter(|key| ["cookies", "events", "headers", "protocol", "trailers"].contains(&&*key.text)) {
        cx.error(Diagnostic::new(key.span, format!("a mailbox has no `{}`", key.text)).help(help));
    }
}

/// The fields of a step. Its id is read by the caller: a case with `request` has none.
fn fields(
    all: &mut Fields<'_>,
    phase: Phase,
    span: Span,
    earlier: &mut Earlier,
    cx: &mut DecodeContext<'_>,
) -> StepDef {
    let follow = all.take("follow").and_then(|node| follow(node, earlier, cx));
    let endpoint = all.take("endpoint").and_then(|node| named(node, cx));
    let identity = all.take("identity").and_then(|node| named(node, cx));
    let mail = all.take("mail");
    let asked = all.take("request");
    if let Some(mail) = mail.filter(|_| asked.is_some() || endpoint.is_some() || follow.is_some() || identity.is_some())
    {
        let message = "a step with `mail` has no `request`, `endpoint`, `follow` or `identity` of its own";
        cx.error(Diagnostic::new(mail.span, message));
    }
    let request = match (asked, &follow) {
        _ if mail.is_some() => RequestDef::default(),
        (Some(node), None) => request(node, true, cx),
        (Some(node), Some(_)) => followed(node, cx),
        (None, Some(_)) => RequestDef::default(),
        (None, None) => {
            cx.error(Diagnostic::new(span, "the case has no `request`"));
            RequestDef::default()
        }
    };
    let wanted = all.take("expect");
    let status = wanted.and_then(|expect| expect.get("status"));
    if let (Some(_), Some(wanted)) = (mail, wanted) {
        mailbox_expectations(wanted, cx);
    }
    let has_response = wanted.is_none_or(|expect| expect.get("tls").is_none());
    if mail.is_none() && cx.known.is_some() && status.is_none() && has_response {
        cx.error(Diagnostic::new(span, "the case expects no status").help(
            "add `expect: { status: ... }` to it or to suite.yaml: a case that accepts any status proves little",
        ));
    }
    let step = StepDef {
        id: String::new(),
        phase,
        span,
        timeout: all.take("timeout").and_then(|node| cx.duration(node)),
        identity,
        request,
        expect: wanted.map(|node| expect(node, cx)).unwrap_or_default(),
        snapshots: all
            .take("snapshots")
            .map(|node| snapshots(node, cx))
            .unwrap_or_default(),
        capture: all.take("capture").map(|node| captures(node, cx)).unwrap_or_default(),
        endpoint,
        mail: mail.and_then(|node| self::mail(node, earlier, cx)).map(Box::new),
        follow,
        eventually: all
            .take("eventually")
            .and_then(|node| eventually(node, cx))
            .map(Box::new),
        throughout: all
            .take("throughout")
            .and_then(|node| throughout(node, cx))
            .map(Box::new),
        go_on: all.read("go_on", cx.errors, boolean).unwrap_or_default(),
        operation: all.take("operation").and_then(|node| named(node, cx)),
        uses: BTreeSet::new(),
    };
    if let Some(other) = &step.expect.same_as {
        earlier.expect(&other.value, other.span, cx);
    }
    if let (Some(_), Some(throughout)) = (&step.eventually, &step.throughout) {
        cx.error(Diagnostic::new(
            throughout.span,
            "a step has either `eventually` or `throughout`, not both",
        ));
    }
    vacuous::check(&step, cx.errors);
    step
}

/// A name and its location.
fn named(node: &Node, cx: &mut DecodeContext<'_>) -> Option<Written<String>> {
    let value = cx.string(node)?;
    Some(Written { value, span: node.span })
}

/// The request of a step with `follow`: the URL comes from the response that it follows, and `query` is added to it.
fn followed(node: &Node, cx: &mut DecodeContext<'_>) -> RequestDef {
    for (key, _) in node.entries() {
        if ["path", "params"].contains(&&*key.text) {
            let error = Diagnostic::new(key.span, format!("a step with `follow` has no `{}`", key.text));
            cx.error(error.help("its URL is the `Location` of the response that it follows; `query` is added to that"));
        }
    }
    request(node, false, cx)
}

/// What a step inherits from, without some keys. The rows of a table are never inherited.
fn without(base: &Node, keys: &[&str]) -> Node {
    let Kind::Map(entries) = &base.kind else {
        return base.clone();
    };
    let is_left = |key: &str| key != "examples" && !keys.contains(&key);
    let entries = entries.iter().filter(|(key, _)| is_left(&key.text));
    Node {
        span: base.span,
        kind: Kind::Map(entries.cloned().collect()),
    }
}

fn mail(node: &Node, earlier: &Earlier, cx: &mut DecodeContext<'_>) -> Option<Written<MailDef>> {
    let mut all = Fields::of(node, "`mail`", cx.errors)?;
    let (endpoint, to, since) = (all.take("endpoint"), all.take("to"), all.take("since"));
    all.finish(cx.errors);
    let (Some(endpoint), Some(to)) = (endpoint, to) else {
        let error = Diagnostic::new(node.span, "`mail` has an `endpoint` and a `to`");
        cx.error(error.help("write `mail: { endpoint: mailbox, to: \"{{ user_email }}\" }`"));
        return None;
    };
    let mut name = |node: &Node| {
        let value = cx.string(node)?;
        Some(Written { value, span: node.span })
    };
    let (endpoint, since) = (name(endpoint)?, since.and_then(&mut name));
    if let Some(since) = since.as_ref().filter(|_| cx.known.is_some()) {
        earlier.expect(&since.value, since.span, cx);
    }
    Some(Written {
        value: MailDef {
            endpoint,
            to: cx.template(to)?,
            since,
        },
        span: node.span,
    })
}

fn follow(node: &Node, earlier: &Earlier, cx: &mut DecodeContext<'_>) -> Option<Written<FollowDef>> {
    let (step, at, allow_other_origin) = if let Kind::Map(_) = node.kind {
        let mut all = Fields::of(node, "`follow`", cx.errors)?;
        let step = all.take("step");
        let allow = all.read("allow_other_origin", cx.errors, boolean).unwrap_or_default();
        all.finish(cx.errors);
        let Some(step) = step else {
            cx.error(Diagnostic::new(node.span, "`follow` has no `step`"));
            return None;
        };
        (cx.string(step)?, step.span, allow)
    } else {
        (cx.string(node)?, node.span, false)
    };
    if cx.known.is_some() {
        earlier.expect(&step, at, cx);
    }
    Some(Written {
        value: FollowDef {
            step,
            allow_other_origin,
        },
        span: node.span,
    })
}

/// The time between two requests.
fn every(all: &mut Fields<'_>, cx: &mut DecodeContext<'_>) -> DurationDef {
    let given = all.take("every").and_then(|node| cx.duration(node));
    given.unwrap_or(DurationDef::Fixed(EVERY))
}

fn eventually(node: &Node, cx: &mut DecodeContext<'_>) -> Option<Written<EventuallyDef>> {
    let value = if let Kind::Map(_) = node.kind {
        let mut all = Fields::of(node, "`eventually`", cx.errors)?;
        let within = all.take("within");
        let every = every(&mut all, cx);
        let unless = all.take("unless").map(|node| (node.span, expect(node, cx)));
        all.finish(cx.errors);
        let Some(within) = within else {
            let error = Diagnostic::new(node.span, "`eventually` has no `within`");
            cx.error(error.help("write `eventually: { within: 30s, every: 500ms }`"));
            return None;
        };
        if let Some((span, unless)) = &unless {
            let wrong = [
                ("snapshot", unless.snapshot.is_some()),
                ("same_as", unless.same_as.is_some()),
                ("events", unless.events.is_some()),
                ("rules", !unless.rules.is_empty()),
            ];
            for (name, _) in wrong.iter().filter(|(_, is_there)| *is_there) {
                cx.error(Diagnostic::new(*span, format!("`unless` cannot contain `{name}`")));
            }
        }
        EventuallyDef {
            within: cx.duration(within)?,
            every,
            unless: unless.map(|(_, unless)| unless),
        }
    } else {
        EventuallyDef {
            within: cx.duration(node)?,
            every: DurationDef::Fixed(EVERY),
            unless: None,
        }
    };
    Some(Written { value, span: node.span })
}

fn throughout(node: &Node, cx: &mut DecodeContext<'_>) -> Option<Written<ThroughoutDef>> {
    let value = if let Kind::Map(_) = node.kind {
        let mut all = Fields::of(node, "`throughout`", cx.errors)?;
        let period = all.take("for");
        let every = every(&mut all, cx);
        all.finish(cx.errors);
        let Some(period) = period else {
            let error = Diagnostic::new(node.span, "`throughout` has no `for`");
            cx.error(error.help("write `throughout: { for: 3s, every: 500ms }`"));
            return None;
        };
        ThroughoutDef {
            period: cx.duration(period)?,
            every,
        }
    } else {
        ThroughoutDef {
            period: cx.duration(node)?,
            every: DurationDef::Fixed(EVERY),
        }
    };
    Some(Written { value, span: node.span })
}

fn captures(node: &Node, cx: &mut DecodeContext<'_>) -> Vec<CaptureDef> {
    cx.entries(node, "a mapping of captures", |cx, key, value| {
        check_name(key, cx);
        let (source, secret) = capture(value, cx)?;
        Some(CaptureDef {
            name: Arc::clone(&key.text),
            source,
            secret,
            span: key.span,
        })
    })
}

fn capture(node: &Node, cx: &mut DecodeContext<'_>) -> Option<(CaptureSource, bool)> {
    if let Kind::String(text) = &node.kind {
        return Some((json_source(text, node.span, cx)?, false));
    }
    let mut all = Fields::of(
        node,
        "a capture (a JSON pointer, or a mapping with `json`, `xml`, `header`, `cookie` or `text`)",
        cx.errors,
    )?;
    let (json, header) = (all.take("json"), all.take("header"));
    let (cookie, body, xml) = (all.take("cookie"), all.take("text"), all.take("xml"));
    let matches = all.take("matches");
    let secret = all.read("secret", cx.errors, boolean).unwrap_or_default();
    all.finish(cx.errors);
    if [json, header, cookie, body, xml].iter().flatten().count() != 1 {
        cx.error(Diagnostic::new(
            node.span,
            "a capture has exactly one of `json`, `xml`, `header`, `cookie` and `text`",
        ));
        return None;
    }
    if let (Some(matches), None) = (matches, header) {
        cx.error(Diagnostic::new(matches.span, "`matches` is for `header` only"));
    }
    let source = if let Some(node) = json {
        let text = cx.string(node)?;
        json_source(&text, node.span, cx)?
    } else if let Some(node) = header {
        let name = cx.string(node)?;
        if !is_token(&name) {
            cx.error(Diagnostic::new(node.span, format!("`{name}` is not a header name")));
            return None;
        }
        let pattern = match matches {
            Some(node) => Some(group(node, cx)?),
            None => None,
        };
        CaptureSource::Header { name, pattern }
    } else if let Some(node) = cookie {
        CaptureSource::Cookie(cx.string(node)?)
    } else if let Some(node) = xml {
        match XmlPath::parse(&cx.string(node)?, &[]) {
            Ok(path) => CaptureSource::Xml(Arc::new(path)),
            Err(reason) => {
                cx.error(wrong_path(node.span, reason));
                return None;
            }
        }
    } else {
        CaptureSource::Text(group(body?, cx)?)
    };
    Some((source, secret))
}

/// A JSON pointer (RFC 6901), or a `JSONPath` (RFC 9535) if it begins with `$`.
fn json_source(text: &str, span: Span, cx: &mut DecodeContext<'_>) -> Option<CaptureSource> {
    match CaptureSource::json(text) {
        Ok(source) => Some(source),
        Err(reason) => {
            let error = Diagnostic::new(span, reason);
            cx.error(error.help("write a JSON pointer such as `/id`, or a JSONPath such as `$.items[0].id`"));
            None
        }
    }
}

/// A regular expression with exactly one group.
fn group(node: &Node, cx: &mut DecodeContext<'_>) -> Option<Arc<regex::Regex>> {
    let pattern = cx.string(node)?;
    let found = match text::regex(&pattern) {
        Ok(regex) => regex,
        Err(reason) => {
            cx.error(Diagnostic::new(node.span, reason));
            return None;
        }
    };
    let groups = found.captures_len() - 1;
    if groups != 1 {
        let has = if groups == 0 {
            "no group".to_owned()
        } else {
            format!("{groups} groups")
        };
        let error = Diagnostic::new(node.span, format!("the pattern has {has}; exactly one is captured"));
        cx.error(error.help("put the captured part in `( )`, and write other groups as `(?: )`"));
        return None;
    }
    Some(found)
}
