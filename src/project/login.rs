//! Login cases: cases that capture tokens for other cases.

use std::collections::BTreeSet;

use super::{LoginDef, SecretSource, Target, TargetDef, TokenDef};
use crate::{
    source::{Diagnostic, Diagnostics, Key},
    suite::{Case, Suites, Template},
};

/// The variables in the header fields that a target adds to requests.
pub(crate) struct HeaderVariables(Vec<HeaderVariable>);

struct HeaderVariable {
    /// The endpoint whose requests contain it; none for the target itself.
    endpoint: Option<String>,
    field: String,
    name: String,
}

impl HeaderVariables {
    pub(crate) fn of(target: &Target) -> Self {
        let own = target.headers.iter().map(|field| (None, field));
        let endpoints = target.endpoints.iter();
        let others = endpoints.flat_map(|(name, one)| one.headers.iter().map(move |field| (Some(name), field)));
        let all = own.chain(others).flat_map(|(endpoint, (field, value))| {
            value.variables().map(move |name| HeaderVariable {
                endpoint: endpoint.cloned(),
                field: field.clone(),
                name: name.to_owned(),
            })
        });
        Self(all.collect())
    }

    fn of_def(target: &TargetDef) -> Self {
        let own = target.headers.iter().map(|field| (None, field));
        let endpoints = target.endpoints.iter();
        let others = endpoints.flat_map(|(name, one)| one.headers.iter().map(move |field| (Some(name), field)));
        let mut all = Vec::new();
        for (endpoint, (field, value)) in own.chain(others) {
            let Ok(template) = Template::parse(value, field.span) else {
                continue;
            };
            all.extend(template.variables().map(|name| HeaderVariable {
                endpoint: endpoint.map(|key| key.text.to_string()),
                field: field.text.to_string(),
                name: name.to_owned(),
            }));
        }
        Self(all)
    }

    /// Whether a case uses a variable: by itself, or because a step of it does not replace a header field of the target.
    pub(crate) fn are_used_in(&self, case: &Case, name: &str) -> bool {
        case.needs.iter().any(|need| need == name) || self.0.iter().any(|one| one.name == name && one.is_sent_by(case))
    }
}

impl HeaderVariable {
    fn is_sent_by(&self, case: &Case) -> bool {
        let mut steps = case.def.steps.iter().filter(|step| step.mail.is_none());
        steps.any(|step| {
            let endpoint = step.endpoint().map(|endpoint| &endpoint.value);
            let mut own = step.request.headers.iter();
            endpoint == self.endpoint.as_ref() && !own.any(|(field, _)| field.eq_ignore_ascii_case(&self.field))
        })
    }
}

/// Checks the login cases of all targets: they exist and capture what the tokens need, and none needs its own token.
pub(super) fn check(targets: &[(String, TargetDef)], suites: &Suites, errors: &mut Diagnostics) {
    for (name, target) in targets {
        let logins: Vec<_> = logins(target).collect();
        for (_, login) in &logins {
            if let Some(error) = unknown(login, suites) {
                errors.push(error);
            }
        }
        let fields = HeaderVariables::of_def(target);
        let ready = suites.ready.get(name);
        for (key, _) in &logins {
            if let Some(case) = ready.filter(|case| fields.are_used_in(case, &key.text)) {
                let message = format!(
                    "`ready` cannot use `{}`, which a case captures: it comes before all cases",
                    key.text
                );
                errors.push(Diagnostic::new(case.span, message));
            }
        }
        for (key, login) in &logins {
            let (mut left, mut seen) = (vec![*login], BTreeSet::new());
            while let Some(next) = left.pop() {
                let Some(case) = suites.cases.iter().find(|case| case.id == next.case.0) else {
                    continue;
                };
                if fields.are_used_in(case, &key.text) {
                    errors.push(cycle(key, login, case, &fields));
                    break;
                }
                if seen.insert(&next.case.0) {
                    let used = logins.iter().filter(|(key, _)| fields.are_used_in(case, &key.text));
                    left.extend(used.map(|(_, login)| *login));
                }
            }
        }
    }
}

fn logins(target: &TargetDef) -> impl Iterator<Item = (&Key, &LoginDef)> {
    target.secrets.iter().filter_map(|(key, source)| match source {
        SecretSource::Token(token) => match &**token {
            TokenDef::Case(login) => Some((key, login)),
            TokenDef::OAuth2(_) => None,
        },
        _ => None,
    })
}

/// The error for a case or a capture that does not exist.
fn unknown(login: &LoginDef, suites: &Suites) -> Option<Diagnostic> {
    let (id, span) = &login.case;
    let Some(case) = suites.cases.iter().find(|case| case.id == *id) else {
        let error = Diagnostic::new(*span, format!("no case has the id `{id}`"));
        return Some(error.suggest(id, suites.cases.iter().map(|case| case.id.as_str())));
    };
    let captures = || case.def.steps.iter().flat_map(|step| &step.capture);
    let (name, span) = &login.capture;
    if captures().any(|capture| *capture.name == **name) {
        return None;
    }
    let error = Diagnostic::new(*span, format!("the case `{id}` has no capture `{name}`"));
    let known: Vec<_> = captures().map(|capture| &*capture.name).collect();
    Some(if known.is_empty() {
        error.help(format!("add `capture: {{ {name}: /{name} }}` to its step"))
    } else {
        error.suggest(name, known)
    })
}

/// The error for a login case that needs its own token.
fn cycle(key: &Key, login: &LoginDef, case: &Case, fields: &HeaderVariables) -> Diagnostic {
    let name = &key.text;
    let (id, span) = &login.case;
    let message = if case.id == *id {
        format!("the login case `{id}` needs its own token `{name}`")
    } else {
        format!(
            "the login case `{id}` needs a token whose login case `{}` needs `{name}`",
            case.id
        )
    };
    let error = Diagnostic::new(*span, message);
    let mut field = fields
        .0
        .iter()
        .filter(|field| *field.name == **name && field.is_sent_by(case));
    match field.next() {
        Some(field) => error.help(format!(
            "the target adds the header field `{0}` to every request: write `headers: {{ {0}: null }}` in the case",
            field.field
        )),
        None => error,
    }
}
