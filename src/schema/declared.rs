//! The declarations of a schema for a location in a body: whether a value is required, its types, and whether its
//! values are closed.

use std::collections::BTreeSet;

use serde_json::Value;

use super::SchemaStore;

use crate::json;

/// Maximum length of a chain of references.
const DEEPEST: usize = 32;

/// The declarations of a schema for one location.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Declared {
    /// The location is declared.
    pub is_known: bool,
    /// The value is required.
    pub is_required: bool,
    /// The value is one of a closed set: `const` or `enum`.
    pub is_closed: bool,
    /// Its allowed types by name; empty for any type.
    pub types: BTreeSet<String>,
}

/// A subschema and the file that its references are relative to.
type LocatedSchema<'s> = (&'s str, &'s Value);

impl SchemaStore {
    /// The declarations of the schema `reference` for a JSON pointer into a body; `*` matches any item.
    pub fn declared(&self, reference: &str, pointer: &str) -> Declared {
        let mut here = self.all(self.named("", reference).into_iter().collect(), is_beside);
        let mut declared = Declared::default();
        for step in pointer.split('/').skip(1) {
            let name = json::unescaped(step);
            let is_there = |key: &str, (_, schema): &LocatedSchema<'_>| {
                let list = schema.get(key).and_then(Value::as_array);
                list.is_some_and(|names| names.iter().any(|known| known.as_str() == Some(&name)))
            };
            declared.is_required = here.iter().any(|at| is_there("required", at));
            here = self.below(&here, step, is_beside);
        }
        declared.is_known = !here.is_empty();
        for (_, schema) in &here {
            declared.is_closed |= schema.get("const").is_some() || schema.get("enum").is_some();
            match schema.get("type") {
                Some(Value::String(name)) => drop(declared.types.insert(name.clone())),
                Some(Value::Array(names)) => {
                    declared
                        .types
                        .extend(names.iter().filter_map(Value::as_str).map(str::to_owned));
                }
                _ => {}
            }
        }
        declared
    }

    /// The schemas that apply, or could apply, to a location in a body; `*` matches any item.
    pub(crate) fn schemas_at(&self, reference: &str, pointer: &str) -> Vec<&Value> {
        let mut here = self.all(self.named("", reference).into_iter().collect(), is_alternative);
        for step in pointer.split('/').skip(1) {
            here = self.below(&here, step, is_alternative);
        }
        here.into_iter().map(|(_, schema)| schema).collect()
    }

    /// The schemas one step further.
    fn below<'s>(
        &'s self,
        here: &[LocatedSchema<'s>],
        step: &str,
        is_part: fn(&str, &Value) -> bool,
    ) -> Vec<LocatedSchema<'s>> {
        let name = json::unescaped(step);
        let is_item = step == "*" || step.parse::<usize>().is_ok();
        let next = here.iter().filter_map(|&(file, schema)| {
            let property = schema.get("properties").and_then(|all| all.get(&name));
            let found = property.or_else(|| schema.get("items").filter(|_| is_item))?;
            Some((file, found))
        });
        next.flat_map(|at| self.all(vec![at], is_part)).collect()
    }

    /// Schemas and all that apply together with them, or could; `is_part` chooses the keywords that contain them.
    fn all<'s>(&'s self, from: Vec<LocatedSchema<'s>>, is_part: fn(&str, &Value) -> bool) -> Vec<LocatedSchema<'s>> {
        let mut open: Vec<_> = from.into_iter().map(|at| (at, 0)).collect();
        let mut all = Vec::new();
        while let Some(((file, schema), depth)) = open.pop() {
            if depth > DEEPEST || all.len() > 1000 {
                continue;
            }
            if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
                open.extend(self.named(file, reference).into_iter().map(|at| (at, depth + 1)));
            }
            for key in ["allOf", "anyOf", "oneOf", "x-branches", "else"] {
                match schema.get(key).filter(|_| is_part(key, schema)) {
                    Some(Value::Array(parts)) => open.extend(parts.iter().map(|part| ((file, part), depth + 1))),
                    Some(part @ Value::Object(_)) => open.push(((file, part), depth + 1)),
                    _ => {}
                }
            }
            all.push((file, schema));
        }
        all
    }
}

/// Keywords of JSON Schema whose schemas apply to the same value.
fn is_beside(key: &str, _: &Value) -> bool {
    ["allOf", "anyOf", "oneOf"].contains(&key)
}

/// The same, with what a description of an API is rewritten to: the branches of a `discriminator`, and everything beside
/// `nullable`.
fn is_alternative(key: &str, schema: &Value) -> bool {
    key != "else" || schema.pointer("/if/type").is_some_and(|kind| kind == "null")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declarations_are_found_through_references() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write(
            "a.json",
            r##"{"$defs": {"A": {"$ref": "b.json#/$defs/B", "required": ["code"], "properties": {"code": {"const": "X"}}},
                "Loop": {"$ref": "#/$defs/Loop"}}}"##,
        );
        write(
            "b.json",
            r#"{"$defs": {"B": {"required": ["id"], "properties": {"id": {"type": ["string", "null"]}, "code": {"type": "string"},
                "list": {"items": {"allOf": [{"properties": {"n": {"type": "integer"}}}]}}}}}}"#,
        );
        let store = SchemaStore::open(folder.path());
        let at = |pointer: &str| store.declared("a.json#/$defs/A", pointer);
        let types = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        assert_eq!(
            at("/id"),
            Declared {
                is_known: true,
                is_required: true,
                is_closed: false,
                types: types(&["string", "null"])
            }
        );
        assert_eq!(
            at("/code"),
            Declared {
                is_known: true,
                is_required: true,
                is_closed: true,
                types: types(&["string"])
            }
        );
        assert_eq!(
            at("/list/*/n"),
            Declared {
                is_known: true,
                is_required: false,
                is_closed: false,
                types: types(&["integer"])
            }
        );
        assert_eq!(at("/other"), Declared::default());
        assert_eq!(store.declared("a.json#/$defs/Loop", "/x"), Declared::default());
        assert_eq!(store.declared("none.json", ""), Declared::default());
    }
}
