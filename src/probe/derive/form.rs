//! Near misses of the properties of forms: the texts of `application/x-www-form-urlencoded` and `multipart/form-data`.

use serde_json::Value;

use super::{Deriver, RowSubject, ranked, text_of};
use crate::{
    check::{FormField, MediaType, form_fields, form_names, form_value},
    json,
    openapi::{ApiViolation, DeclaredContent, Direction, DocumentPart},
    probe::{ProbeKind, change::RequestChange},
};

/// Maximum length of a text in a form, in bytes.
const MAX_IN_FORM: usize = 100_000;

/// A form, and the violations by it as it is.
struct FormBase<'a> {
    content: &'a DeclaredContent,
    schema: &'a DocumentPart,
    fields: Vec<FormField>,
    value: Value,
    violations: Vec<ApiViolation>,
}

impl FormBase<'_> {
    /// The fields of a property; `None` if it is a file, or not written as texts of its name.
    fn texts(&self, name: &str) -> Option<Vec<&FormField>> {
        let inner = [format!("{name}["), format!("{name}.")];
        let is_text = |field: &&FormField| !field.is_file && field.media_type.as_ref().is_none_or(is_plain);
        let fields = self.fields.iter();
        let is_nested = |field: &FormField| inner.iter().any(|start| field.name.starts_with(start));
        if self.fields.iter().any(is_nested) {
            return None;
        }
        let own: Vec<_> = fields.filter(|field| field.name == name).collect();
        own.iter().all(is_text).then_some(own)
    }
}

fn is_plain(kind: &MediaType) -> bool {
    kind.essence == "text/plain"
}

impl Deriver<'_> {
    /// The near misses of the properties of a form, and of a property that is not declared.
    pub(super) fn form(&mut self, content: &DeclaredContent, kind: &MediaType) {
        let Some(schema) = &content.schema else { return };
        let bytes = self.request.body.bytes();
        let (document, direction) = (self.document, Direction::Request);
        let Some((fields, value)) = form_fields(kind, bytes).zip(form_value(document, content, kind, bytes)) else {
            return;
        };
        let base = FormBase {
            content,
            schema,
            fields,
            violations: document.violations(schema, direction, &value),
            value,
        };
        let root = self.facets(schema, "");
        if self.choice.body.has_pointer("")
            && (root.has_false("additionalProperties") || root.has_false("unevaluatedProperties"))
        {
            let change = RequestChange::Form("undeclared_property".to_owned(), vec!["abc".to_owned()]);
            self.keep(&RowSubject::of_body(""), ProbeKind::AdditionalProperty, change);
        }
        let mut names = form_names(document, schema);
        names.sort_unstable();
        names.dedup();
        for name in names {
            if self.choice.body.has_pointer(&json::step("", &name)) {
                self.form_property(&base, &name);
            }
        }
    }

    fn form_property(&mut self, base: &FormBase<'_>, name: &str) {
        let pointer = json::step("", name);
        let subject = RowSubject::of_body(&pointer);
        let facets = self.facets(base.schema, &pointer);
        let declared = self.declarations(base.schema, name);
        let has = |key: &str| declared.iter().any(|one| one.get(key).is_some());
        // Files are bytes of any kind.
        if has("contentMediaType") || has("contentEncoding") || declared.iter().any(|one| one["format"] == "binary") {
            return;
        }
        let Some(own) = base.texts(name) else { return };
        if !own.is_empty() && !has("default") && base.value.get(name).is_some() {
            let mut without = base.value.clone();
            without.as_object_mut().map(|entries| entries.remove(name));
            if !self.form_violations(base, &without).is_empty() {
                self.keep(
                    &subject,
                    ProbeKind::Missing,
                    RequestChange::Form(name.to_owned(), Vec::new()),
                );
            }
        }
        let types = facets.types();
        let is_any = ["string", "array", "object"].iter().any(|name| types.contains(name));
        let all = facets.misses(None).into_iter();
        let all = all.filter(|(kind, _)| *kind != ProbeKind::WrongType || !is_any);
        let mut all: Vec<_> = all.map(|(kind, values)| (subject.clone(), kind, values)).collect();
        if types.contains("array") {
            all.extend(self.list_misses(&subject, base.schema, &pointer, &facets));
        }
        for (subject, kind, values) in all {
            self.first_in_form(base, (&subject, name), kind, values);
        }
    }

    /// The declarations of a property, as written.
    fn declarations(&self, schema: &DocumentPart, name: &str) -> Vec<&Value> {
        let root = self.document.resolved(schema);
        let bases = self
            .document
            .value(root)
            .and_then(|value| value.get("allOf")?.as_array());
        let bases = (0..bases.map_or(0, Vec::len)).map(|at| root.at("allOf").at(&at.to_string()));
        let parts = bases
            .map(|part| self.document.resolved(&part).clone())
            .chain([root.clone()]);
        let parts = parts.map(|part| part.at("properties").at(name));
        parts
            .filter_map(|part| self.document.value(self.document.resolved(&part)))
            .collect()
    }

    /// Keeps the first of several values of a property that is a near miss.
    fn first_in_form(
        &mut self,
        base: &FormBase<'_>,
        (subject, name): (&RowSubject, &str),
        kind: ProbeKind,
        values: Vec<Value>,
    ) {
        let ranked = ranked(kind, values, |value| {
            let mut changed = base.value.clone();
            changed.as_object_mut()?.insert(name.to_owned(), value.clone());
            Some(self.form_violations(base, &changed))
        });
        let encoding = base.content.part.at("encoding").at(name).at("explode");
        let is_joined = self.document.value(&encoding) == Some(&Value::Bool(false));
        for value in ranked {
            let texts: Option<Vec<String>> = match &value {
                Value::Array(items) => items.iter().map(text_of).collect(),
                one => text_of(one).map(|text| vec![text]),
            };
            let Some(mut texts) = texts else { continue };
            if is_joined {
                texts = vec![texts.join(",")];
            }
            // A list without items is a property that is not sent.
            let length: usize = texts.iter().map(String::len).sum();
            if texts.is_empty() || length > MAX_IN_FORM {
                continue;
            }
            if self.keep(subject, kind, RequestChange::Form(name.to_owned(), texts)) {
                return;
            }
        }
    }

    fn form_violations(&self, base: &FormBase<'_>, value: &Value) -> Vec<ApiViolation> {
        let mut found = self.document.violations(base.schema, Direction::Request, value);
        found.retain(|one| !base.violations.contains(one));
        found
    }
}
