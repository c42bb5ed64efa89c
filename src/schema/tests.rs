//! Tests of schemas: accepted values and rejected schemas.

use std::fs;

use serde_json::json;

use super::*;

fn store(files: &[(&str, &str)]) -> (tempfile::TempDir, SchemaStore) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let store = SchemaStore::open(folder.path());
    (folder, store)
}

fn count(store: &SchemaStore, reference: &str, body: &Value) -> usize {
    let location = Location {
        file: "a.yaml".into(),
        line: 1,
        column: 1,
    };
    let findings = violations(&store.get(reference).unwrap(), &location, body);
    findings.len()
}

#[test]
fn references_run_across_files_and_formats_are_asserted() {
    let (_folder, store) = store(&[
        (
            "a.json",
            r#"{"$id":"https://example.com/a","properties":{"x":{"$ref":"sub/b.json#/$defs/t"}}}"#,
        ),
        (
            "sub/b.json",
            r#"{"$defs":{"t":{"type":"string","format":"date-time","pattern":"Z$"}}}"#,
        ),
    ]);
    assert_eq!(count(&store, "sub/b.json#/$defs/t", &json!("2020-02-07T13:33:16Z")), 0);
    assert_eq!(count(&store, "sub/b.json#/$defs/t", &json!("2020-02-30T13:33:16Z")), 1);
    assert_eq!(
        count(&store, "sub/b.json#/$defs/t", &json!("2020-02-07T13:33:16+00:00")),
        1
    );
}

#[test]
fn a_relative_reference_is_resolved_beside_its_file() {
    let (_folder, store) = store(&[
        ("sub/a.json", r#"{"properties":{"x":{"$ref":"b.json"}}}"#),
        ("sub/b.json", r#"{"type":"integer"}"#),
    ]);
    assert_eq!(count(&store, "sub/a.json", &json!({"x": 1})), 0);
    assert_eq!(count(&store, "sub/a.json", &json!({"x": "1"})), 1);
}

fn error(store: &SchemaStore, reference: &str) -> String {
    match store.get(reference).err() {
        Some(SchemaError::Broken { errors, .. }) => {
            let text = |error: &Diagnostic| format!("{} [{}]", error.message, error.help.clone().unwrap_or_default());
            errors.iter().map(text).collect::<Vec<_>>().join("; ")
        }
        Some(SchemaError::Useless { reason, help }) => format!("{reason} [{}]", help.unwrap_or_default()),
        Some(error) => error.to_string(),
        None => String::new(),
    }
}

/// The error of one schema by itself.
fn error_of(text: &str) -> String {
    let (_folder, store) = store(&[("a.json", text)]);
    error(&store, "a.json")
}

#[test]
fn a_reference_to_no_schema_is_an_error() {
    let (_folder, store) = store(&[
        ("remote.json", r#"{"$ref":"https://example.com/other.json"}"#),
        ("bad.json", r#"{"type":"strin"}"#),
        ("broken.json", "{"),
        ("look.json", r#"{"pattern":"(?=a)"}"#),
        ("list.json", "[]"),
        ("map.json", r#"{"Pet":{"type":"object"},"Error":{"type":"object"}}"#),
        (
            "parts.json",
            r#"{"$defs":{"a":{"type":"string"}},"properties":{"type":{"enum":[{"type":"string"},2]},"all":{"const":{"type":"string"}}},
                "required":["x"],"allOf":[{"type":"object"}],"parts":{"A":{"type":"integer"},"B":{"Other":{}}}}"#,
        ),
    ]);
    for (reference, part) in [
        ("remote.json", "this is remote"),
        ("https://example.com/a.json", "not followed"),
        ("../a.json", "not followed"),
        ("nothing.json", "no schema file `nothing.json`"),
        ("bad.json", "`strin` is not a type at `#/type` [did you mean `string`?]"),
        ("broken.json", "EOF"),
        ("look.json", "look-around"),
        ("list.json", "this is a list"),
        (
            "map.json",
            "a map that can contain schemas: it accepts everything [name one of them: `#/Error`, `#/Pet`]",
        ),
        ("parts.json#/nowhere", "nothing exists at `#/nowhere` in `parts.json`"),
        (
            "parts.json#/$defs",
            "map that can contain schemas: it accepts everything [name one of them: `#/$defs/a`]",
        ),
        ("parts.json#/properties", "map that can contain schemas"),
        (
            "parts.json#/required",
            "`#/required` is the value of `required`, not a schema",
        ),
        ("parts.json#/allOf", "is a list of schemas"),
        (
            "parts.json#/properties/type/enum/0",
            "is in the value of `enum`, not a schema",
        ),
        (
            "parts.json#/properties/all/const",
            "is the value of `const`, not a schema",
        ),
        ("parts.json#/parts", "map that can contain schemas"),
        ("parts.json#/parts/B", "map that can contain schemas"),
        ("parts.json#thing", "no anchor `thing`"),
    ] {
        let error = error(&store, reference);
        assert!(error.contains(part), "{reference}: {error}");
    }
    for reference in [
        "parts.json#/properties/type",
        "parts.json#/parts/A",
        "map.json#/Pet",
        "parts.json#/allOf/0",
    ] {
        assert_eq!(error(&store, reference), "", "{reference}");
    }
    assert!(error_of(r##"{"$defs":{"a":{}},"properties":{"x":{"$ref":"#/$defs"}}}"##).contains("is not a schema"));
    assert!(error_of(r##"{"properties":{"x":{"$ref":"#/properties"}}}"##).contains("is not a schema"));
    assert!(error_of(r#"{"$ref":"b.json"}"#).contains("no such file"));
}

#[test]
fn a_keyword_or_format_that_checks_nothing_is_reported() {
    for (text, part) in [
        (r#"{"requred":["a"]}"#, "unknown keyword `requred`"),
        (r#"{"type":"object","propertes":{}}"#, "[did you mean `properties`?]"),
        (
            r#"{"items":{"allOf":[{"properties":{"a":{"mininum":1}}}]}}"#,
            "[did you mean `minimum`?]",
        ),
        (
            r#"{"properties":{"a":{"format":"emial"}}}"#,
            "unknown format `emial`: it checks nothing at `#/properties/a/format` [did you mean `email`?]",
        ),
        (
            r#"{"definitions":{"a":{"format":"date_time"}},"type":"object"}"#,
            "[did you mean `date-time`?]",
        ),
        (
            r#"{"type":"object","additionalItems":false}"#,
            "[write `items` beside `prefixItems`]",
        ),
        (
            r#"{"$schema":"http://json-schema.org/draft-04/schema#","const":1}"#,
            "draft-04 does not define it",
        ),
        (
            r#"{"$schema":"http://json-schema.org/draft-07/schema#","prefixItems":[{}]}"#,
            "draft-07 does not define it",
        ),
        (r#"{"required":"a"}"#, "not a valid schema"),
        (
            r#"{"type":"array","items":[{"type":"string"}]}"#,
            "`items` is one schema in 2020-12",
        ),
        (
            r#"{"minimum":1,"exclusiveMinimum":true}"#,
            "`exclusiveMinimum` is a number in 2020-12",
        ),
        (
            r#"{"$schema":"https://example.com/own","type":"object"}"#,
            "[supported: `http://json-schema.org/draft-04/schema#`, ",
        ),
        (r#"{"patternProperties":{"(":{"type":"string"}}}"#, "unclosed group"),
        (r#"{"pattern":"((a{1000}){1000}){10}"}"#, "too large"),
        ("{}", "accepts every JSON value"),
        (r#"{"title":"x","properties":{"a":true}}"#, "accepts every JSON value"),
        (r##"{"$ref":"#/$defs/a","$defs":{"a":{}}}"##, "accepts every JSON value"),
    ] {
        let error = error_of(text);
        assert!(error.contains(part), "{text}: {error}");
    }
    for text in [
        r#"{"enum":[{"requred":1}],"default":{"format":"emial"},"examples":[{"propertes":1}]}"#,
        r#"{"properties":{"requred":{"type":"string"},"format":{"const":"emial"}}}"#,
        r#"{"type":"object","x-internal":true,"x-format":"emial"}"#,
        r#"{"const":{"requred":1}}"#,
        r#"{"type":"object","tsType":"X","errorMessage":"y"}"#,
    ] {
        assert_eq!(error_of(text), "", "{text}");
    }
}

#[test]
fn schema_that_accepts_everything_or_nothing_is_rejected() {
    let error_of = |text: &str| {
        let (_folder, store) = store(&[("a.json", text)]);
        error(&store, "a.json")
    };
    for text in [
        "true",
        r#"{"anyOf":[{"type":"string"},{}]}"#,
        r#"{"oneOf":[{"title":"x"}]}"#,
        r#"{"oneOf":[true,false]}"#,
        r#"{"not":{"not":{}}}"#,
        r#"{"not":false}"#,
        r#"{"type":["null","boolean","number","string","array","object"]}"#,
        r#"{"minLength":0,"minItems":0,"minProperties":0,"required":[],"uniqueItems":false}"#,
        r#"{"pattern":".*","format":"x-own"}"#,
        r#"{"if":{"type":"string"},"then":{},"else":true}"#,
        r#"{"contains":{"type":"string"},"minContains":0}"#,
        r#"{"additionalProperties":true,"items":{},"propertyNames":{}}"#,
        r#"{"dependentRequired":{"a":[]}}"#,
    ] {
        assert!(
            error_of(text).contains("accepts every JSON value"),
            "{text}: {}",
            error_of(text)
        );
    }
    for text in [
        "false",
        r#"{"not":{}}"#,
        r#"{"not":{"title":"x"}}"#,
        r#"{"allOf":[{"type":"string"},{"type":"integer"}]}"#,
        r#"{"anyOf":[false,{"not":true}]}"#,
        r#"{"oneOf":[{},{"title":"x"}]}"#,
        r#"{"type":"string","enum":[1,2]}"#,
        r#"{"type":"object","const":[]}"#,
        r#"{"type":"string","minLength":5,"maxLength":3}"#,
        r##"{"$ref":"#/$defs/a","type":"object","$defs":{"a":{"type":"array"}}}"##,
    ] {
        assert!(
            error_of(text).contains("accepts no JSON value"),
            "{text}: {}",
            error_of(text)
        );
    }
    for text in [
        r#"{"type":"object"}"#,
        r#"{"type":["null","boolean","integer","string","array","object"]}"#,
        r#"{"properties":{"a":{"type":"string"}}}"#,
        r#"{"properties":{"a":false}}"#,
        r#"{"anyOf":[{"type":"string"},{"type":"null"}]}"#,
        r#"{"oneOf":[{"required":["a"]},{"required":["b"]}]}"#,
        r#"{"oneOf":[{},{"required":["b"]}]}"#,
        r#"{"not":{"required":["error"]}}"#,
        r#"{"if":{"type":"object"},"then":{"required":["a"]}}"#,
        r#"{"if":{"type":"object"},"else":false}"#,
        r#"{"contains":{"type":"string"}}"#,
        r#"{"minContains":0,"maxContains":1,"contains":{"type":"string"}}"#,
        r#"{"type":"integer","enum":[1.0]}"#,
        r#"{"type":"number","enum":[1]}"#,
        r#"{"minItems":1}"#,
        r#"{"pattern":"^a"}"#,
        r#"{"format":"email"}"#,
        r#"{"minimum":0}"#,
        r#"{"dependentRequired":{"a":["b"]}}"#,
        r#"{"minLength":5,"maxLength":3}"#,
        r##"{"type":"object","properties":{"next":{"$ref":"#"}},"required":["next"]}"##,
    ] {
        assert_eq!(error_of(text), "", "{text}");
    }
    // Nested so that each level is visited several times.
    let deep = (0..40).fold(r#"{"type":"string"}"#.to_owned(), |inner, _| {
        format!(r#"{{"oneOf":[{inner}]}}"#)
    });
    assert!(!error_of(&deep).contains("accepts"), "{}", error_of(&deep));
}

#[test]
fn a_suspicious_schema_is_a_warning() {
    let warning = |text: &str| {
        let (_folder, store) = store(&[("a.json", text)]);
        assert_eq!(error(&store, "a.json"), "", "{text}");
        format!("{:?}", store.warnings())
    };
    for (text, part) in [
        (r#"{"type":"object","foo":1}"#, "unknown keyword `foo`"),
        (
            r#"{"type":"string","nullable":true}"#,
            "`nullable` is a keyword of OpenAPI",
        ),
        (r#"{"type":"string","format":"phone"}"#, "unknown format `phone`"),
        (
            r#"{"type":"integer","format":"int32"}"#,
            "`int32` is a format of OpenAPI",
        ),
        (
            r#"{"type":"object","then":{"required":["a"]}}"#,
            "`then` checks nothing without `if`",
        ),
        (
            r##"{"$schema":"http://json-schema.org/draft-07/schema#","$ref":"#/definitions/a","maxLength":1,"definitions":{"a":{"type":"string"}}}"##,
            "draft-07 ignores keywords next to `$ref`",
        ),
    ] {
        assert!(warning(text).contains(part), "{text}: {}", warning(text));
    }
    assert_eq!(
        warning(r#"{"type":"object","x-a":1}"#),
        format!("{:?}", Diagnostics::default())
    );
}

#[test]
fn a_schema_that_only_contains_itself_is_an_error() {
    for text in [
        r##"{"$ref":"#"}"##,
        r##"{"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}}}"##,
        r##"{"allOf":[{"$ref":"#"}]}"##,
        r##"{"anyOf":[{"type":"string"},{"oneOf":[{"$ref":"#"}]}]}"##,
        r##"{"$dynamicAnchor":"a","$dynamicRef":"#a"}"##,
        r##"{"not":{"$ref":"#"}}"##,
        r##"{"$schema":"https://json-schema.org/draft/2019-09/schema","$recursiveRef":"#"}"##,
        r##"{"properties":{"a":{"$ref":"#/properties/a"}}}"##,
    ] {
        let error = error_of(text);
        assert!(error.contains("leads back to itself"), "{text}: {error}");
    }
    let tree = r##"{"type":"object","properties":{"left":{"$ref":"#"},"more":{"items":{"$ref":"#"}}},"propertyNames":{"$ref":"#/$defs/n"},"$defs":{"n":{"type":"string"}}}"##;
    assert_eq!(error_of(tree), "");
    let (_folder, store) = store(&[("a.json", tree)]);
    assert_eq!(count(&store, "a.json", &json!({"left": {"left": {"more": [{}]}}})), 0);
    assert_eq!(count(&store, "a.json", &json!({"left": {"left": {"more": [1]}}})), 1);
}

#[test]
fn references_that_multiply_or_form_a_long_chain_end_early() {
    let defs = |each: fn(usize) -> String, number: usize| {
        let all: Vec<_> = (0..number)
            .map(|index| format!(r#""a{index}":{}"#, each(index)))
            .collect();
        format!(
            r##"{{"$ref":"#/$defs/a0","$defs":{{{},"a{number}":{{"type":"object"}}}}}}"##,
            all.join(",")
        )
    };
    let doubled = |index: usize| {
        let next = format!(r##"{{"$ref":"#/$defs/a{}"}}"##, index + 1);
        format!(r#"{{"allOf":[{next},{next}]}}"#)
    };
    assert!(error_of(&defs(doubled, 20)).contains("schemas apply to one value here"));
    let chain = |index: usize| format!(r##"{{"$ref":"#/$defs/a{}"}}"##, index + 1);
    assert!(error_of(&defs(chain, 5000)).contains("more than 48 keywords and references lead"));
    // Recursion into parts of the value is allowed: as a list of items or as a tree.
    let deep = |index: usize| {
        let next = format!(r##"{{"$ref":"#/$defs/a{}"}}"##, index + 1);
        format!(r#"{{"type":"object","properties":{{"x":{next},"y":{next}}}}}"#)
    };
    let (_folder, store) = store(&[("a.json", &defs(deep, 300))]);
    assert_eq!(count(&store, "a.json", &json!({"x": {"y": {"x": 1}}})), 1);
}

// Long: a table of one schema for each keyword.
#[test]
fn every_draft_is_supported_completely() {
    let uri = |draft: &str| match draft {
        "2019-09" | "2020-12" => format!("https://json-schema.org/draft/{draft}/schema"),
        _ => format!("http://json-schema.org/{draft}/schema#"),
    };
    let check = |draft: &str, schema: &str, valid: Value, invalid: Value| {
        let text = schema.replacen('{', &format!(r#"{{"$schema":"{}","#, uri(draft)), 1);
        let (_folder, store) = store(&[("a.json", &text)]);
        assert_eq!(error(&store, "a.json"), "", "{text}");
        assert_eq!(count(&store, "a.json", &valid), 0, "{text} {valid}");
        assert_ne!(count(&store, "a.json", &invalid), 0, "{text} {invalid}");
    };
    for draft in ["draft-04", "draft-06", "draft-07", "2019-09", "2020-12"] {
        for (format, valid, invalid) in [
            ("email", "a@b.c", "a"),
            ("date-time", "2020-02-07T13:33:16Z", "2020-02-30T13:33:16Z"),
            ("uuid", "2eb8aa08-aa98-11ea-b4aa-73b441d16380", "2eb8aa08"),
            ("date", "2020-02-07", "2020-02-31"),
            ("duration", "P1D", "1D"),
            ("uri-reference", "/a", "\\a"),
            ("idn-hostname", "bücher.example", "-a-"),
            ("idn-email", "ü@bücher.example", "ü"),
            ("json-pointer", "/a", "a"),
            ("regex", "a+", "("),
            ("time", "13:33:16Z", "13"),
            ("ipv4", "127.0.0.1", "127.0.0.256"),
        ] {
            check(
                draft,
                &format!(r#"{{"format":"{format}"}}"#),
                json!(valid),
                json!(invalid),
            );
        }
        check(
            draft,
            r#"{"dependencies":{"a":["b"]}}"#,
            json!({"a": 1, "b": 1}),
            json!({"a": 1}),
        );
        check(
            draft,
            r##"{"items":{"$ref":"#/definitions/n"},"definitions":{"n":{"type":"integer"}}}"##,
            json!([1]),
            json!(["1"]),
        );
    }
    check(
        "draft-04",
        r#"{"minimum":1,"exclusiveMinimum":true}"#,
        json!(2),
        json!(1),
    );
    check(
        "draft-04",
        r##"{"id":"http://x.y/a","items":{"$ref":"#n"},"definitions":{"n":{"id":"#n","type":"integer"}}}"##,
        json!([1]),
        json!(["1"]),
    );
    for draft in ["draft-04", "draft-06", "draft-07", "2019-09"] {
        check(
            draft,
            r#"{"items":[{"type":"integer"}],"additionalItems":false}"#,
            json!([1]),
            json!([1, 2]),
        );
    }
    check(
        "draft-07",
        r##"{"items":{"$ref":"#/definitions/n","maximum":1},"definitions":{"n":{"type":"integer"}}}"##,
        json!([5]),
        json!(["1"]),
    );
    check(
        "draft-07",
        r#"{"if":{"type":"integer"},"then":{"minimum":1},"else":{"type":"string"}}"#,
        json!(1),
        json!(0),
    );
    check(
        "2019-09",
        r##"{"$recursiveAnchor":true,"properties":{"a":{"$recursiveRef":"#"}},"additionalProperties":false}"##,
        json!({"a": {}}),
        json!({"a": {"b": 1}}),
    );
    check(
        "2019-09",
        r#"{"dependentRequired":{"a":["b"]},"unevaluatedProperties":false,"properties":{"a":true,"b":true}}"#,
        json!({"a": 1, "b": 1}),
        json!({"c": 1}),
    );
    check(
        "2020-12",
        r#"{"prefixItems":[{"type":"integer"}],"items":false}"#,
        json!([1]),
        json!([1, 2]),
    );
}

#[test]
fn a_dynamic_reference_takes_the_outermost_anchor() {
    let (_folder, store) = store(&[
        (
            "tree.json",
            r##"{"$id":"https://example.com/tree","$dynamicAnchor":"node","type":"object","properties":{"data":true,"children":{"type":"array","items":{"$dynamicRef":"#node"}}}}"##,
        ),
        (
            "strict.json",
            r#"{"$id":"https://example.com/strict-tree","$dynamicAnchor":"node","$ref":"tree","unevaluatedProperties":false}"#,
        ),
        (
            "list.json",
            r##"{"$id":"https://example.com/list","$ref":"#/$defs/strings","$defs":{"strings":{"$id":"strings","$ref":"of","$defs":{"t":{"$dynamicAnchor":"T","type":"string"}}},
                "of":{"$id":"of","items":{"$dynamicRef":"#T"},"$defs":{"any":{"$dynamicAnchor":"T"}}}}}"##,
        ),
    ]);
    let slip = json!({"children": [{"daat": 1}]});
    assert_eq!(count(&store, "tree.json", &slip), 0);
    assert_eq!(count(&store, "strict.json", &json!({"children": [{"data": 1}]})), 0);
    assert_ne!(count(&store, "strict.json", &slip), 0);
    assert_eq!(count(&store, "list.json", &json!(["a"])), 0);
    assert_ne!(count(&store, "list.json", &json!([1])), 0);
}

#[test]
fn a_file_is_found_by_its_id_or_its_path() {
    let name = r#""type":"object","required":["name"]}"#;
    for (own, reference, other) in [
        (
            r#""$id":"https://api.example.com/schemas/s.json","#,
            "owner.json",
            r#"{"$id":"https://api.example.com/schemas/owner.json","#,
        ),
        (r#""$id":"https://api.example.com/schemas/s.json","#, "owner.json", "{"),
        (
            r#""$id":"https://api.example.com/schemas/s.json","#,
            "https://api.example.com/schemas/owner.json",
            "{",
        ),
        (
            r#""$id":"https://api.example.com/schemas/s.json","#,
            "/schemas/owner.json",
            "{",
        ),
        (
            r#""$id":"https://api.example.com/s","#,
            "https://other.example/o",
            r#"{"$id":"https://other.example/o","#,
        ),
        (
            r#""$id":"https://api.example.com/s","#,
            "urn:example:o",
            r#"{"$id":"urn:example:o","#,
        ),
        (r#""$id":"s","#, "o", r#"{"$id":"o","#),
        (r#""$id":"urn:example:s","#, "owner.json", "{"),
        (
            r#""$id":"urn:example:s","#,
            "./owner.json#",
            r#"{"$id":"urn:example:o","#,
        ),
        ("", "owner.json", r#"{"$id":"https://api.example.com/x/y/z.json","#),
        (
            "",
            "https://a.b/c#/$defs/n",
            r#"{"$id":"https://a.b/c","$defs":{"n":{"type":"object","required":["name"]}},"#,
        ),
        (
            "",
            "https://a.b/c#n",
            r#"{"$id":"https://a.b/c","$defs":{"n":{"$anchor":"n","type":"object","required":["name"]}},"#,
        ),
        (
            "",
            "https://a.b/in",
            r#"{"$id":"https://a.b/c","$defs":{"n":{"$id":"in","type":"object","required":["name"]}},"#,
        ),
    ] {
        let first = format!(r#"{{{own}"properties":{{"owner":{{"$ref":"{reference}"}}}}}}"#);
        let (_folder, store) = store(&[("s.json", &first), ("owner.json", &format!("{other}{name}"))]);
        assert_eq!(error(&store, "s.json"), "", "{first} {other}");
        assert_eq!(
            count(&store, "s.json", &json!({"owner": {"name": 1}})),
            0,
            "{first} {other}"
        );
        assert_eq!(count(&store, "s.json", &json!({"owner": {}})), 1, "{first} {other}");
    }
}

#[test]
fn files_of_different_drafts_refer_to_one_another() {
    let (_folder, store) = store(&[
        (
            "new.json",
            r#"{"properties":{"a":{"$ref":"old.json"},"b":{"$ref":"old.json#/definitions/list"}}}"#,
        ),
        (
            "old.json",
            r#"{"$schema":"http://json-schema.org/draft-04/schema#","minimum":1,"exclusiveMinimum":true,
                "definitions":{"list":{"items":[{"type":"integer"}],"additionalItems":false}}}"#,
        ),
        (
            "back.json",
            r#"{"$schema":"http://json-schema.org/draft-07/schema#","properties":{"a":{"$ref":"tuple.json"}}}"#,
        ),
        ("tuple.json", r#"{"prefixItems":[{"type":"integer"}],"items":false}"#),
    ]);
    assert_eq!(count(&store, "new.json", &json!({"a": 2, "b": [1]})), 0);
    assert_eq!(count(&store, "new.json", &json!({"a": 1})), 1);
    assert_eq!(count(&store, "new.json", &json!({"b": [1, 2]})), 1);
    assert_eq!(count(&store, "back.json", &json!({"a": [1]})), 0);
    assert_eq!(count(&store, "back.json", &json!({"a": [1, 2]})), 1);
}

#[test]
fn a_schema_of_an_api_description_is_named_by_its_pointer() {
    let document = |version: &str| {
        format!(
            r##"{{"openapi":"{version}","info":{{}},"paths":{{"/pets/{{id}}":{{"get":{{"responses":{{"200":{{"content":{{"application/json":
                {{"schema":{{"$ref":"#/components/schemas/Pet"}},"example":{{"schema":{{"$ref":"x"}}}}}}}}}}}}}}}}}},
                "components":{{"schemas":{{"Pet":{{"type":"object","required":["name"],"properties":{{"name":{{"type":"string","nullable":true,"example":"x"}},
                "id":{{"type":"integer","format":"int64"}}}}}},"Broken":{{"requred":["a"]}}}}}}}}"##
        )
    };
    let (_folder, store) = store(&[
        ("a.json", &document("3.0.3")),
        ("b.json", &document("3.1.0")),
        ("c.json", r#"{"$ref":"a.json#/components/schemas/Pet"}"#),
    ]);
    for raw in [
        "a.json#/paths/~1pets~1{id}/get/responses/200/content/application~1json/schema",
        "c.json",
    ] {
        for reference in [raw.to_owned(), raw.replace('{', "%7B").replace('}', "%7D")] {
            assert_eq!(
                count(&store, &reference, &json!({"name": null, "id": 1})),
                0,
                "{reference}"
            );
            assert_eq!(
                count(&store, &reference, &json!({"id": "1", "name": 1})),
                2,
                "{reference}"
            );
        }
    }
    assert_eq!(
        count(&store, "b.json#/components/schemas/Pet", &json!({"name": "x"})),
        0
    );
    assert_eq!(format!("{:?}", store.errors()), format!("{:?}", Diagnostics::default()));
    for (reference, part) in [
        (
            "a.json",
            "is an OpenAPI document, not a schema: it accepts everything [name one of its schemas: `a.json#/components/schemas/Broken`",
        ),
        ("a.json#/components/schemas", "is not a schema"),
        ("a.json#/components/schemas/Broken", "did you mean `required`"),
        ("a.json#/info", "is not a schema"),
    ] {
        let error = error(&store, reference);
        assert!(error.contains(part), "{reference}: {error}");
    }
    assert!(format!("{:?}", store.warnings()).contains("`nullable` is a keyword of OpenAPI"));
}

#[test]
fn a_failed_branch_says_why() {
    let explained = |schema: &str, body: Value| {
        let (_folder, store) = store(&[("a.json", schema)]);
        let location = Location {
            file: "a.yaml".into(),
            line: 1,
            column: 1,
        };
        let findings = violations(&store.get("a.json").unwrap(), &location, &body);
        findings
            .into_iter()
            .map(|finding| finding.message)
            .collect::<Vec<_>>()
            .join("\n")
    };
    let pets = r##"{"oneOf":[{"$ref":"#/$defs/Cat"},{"title":"a dog","required":["barks"]},{"type":"string"}],
        "$defs":{"Cat":{"properties":{"lives":{"anyOf":[{"maximum":9},{"const":"many"}],"type":["integer","string"]}},"required":["meows"]}}}"##;
    let message = explained(pets, json!({"lives": 10}));
    for part in [
        "no branch of `oneOf` matches (1 `Cat`: ",
        "\"meows\" is a required property",
        "at /lives: no branch of `anyOf` matches (1: ",
        "2 `a dog`: \"barks\" is a required property",
        "3: the value is not of type \"string\"",
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
    let both = explained(pets, json!({"meows": 1, "barks": 1}));
    assert!(
        both.contains("`oneOf` allows one branch, and 2 match: 1 `Cat` and 2 `a dog`"),
        "{both}"
    );
    let many: Vec<_> = (0..500)
        .map(|index| format!(r#"{{"const":"{}{index}"}}"#, "x".repeat(500)))
        .collect();
    let message = explained(&format!(r#"{{"anyOf":[{}]}}"#, many.join(",")), json!(1));
    assert!(message.chars().count() < 1500, "{}", message.len());
    assert!(message.contains("8: "), "{message}");
}

#[test]
fn an_error_shows_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let schemas = folder.path().join("schemas");
    fs::create_dir_all(&schemas).unwrap();
    fs::write(
        schemas.join("a.json"),
        "{\n  \"type\": \"object\",\n  \"requred\": [\"a\"]\n}\n",
    )
    .unwrap();
    let mut sources = Sources::new(folder.path());
    let store = SchemaStore::open_in(&schemas, &mut sources);
    let text = store.errors().render(&sources, false);
    assert!(text.contains("schemas/a.json:3:3"), "{text}");
    assert!(text.contains("\"requred\""), "{text}");
}

#[test]
fn large_numbers_are_not_rounded() {
    let (_folder, store) = store(&[("a.json", r#"{"const":9007199254740993}"#)]);
    let read = |text: &str| json::read(text.as_bytes()).unwrap();
    assert_eq!(count(&store, "a.json", &read("9007199254740993")), 0);
    assert_eq!(count(&store, "a.json", &read("9007199254740992")), 1);
}

#[test]
fn an_object_is_never_a_number() {
    let text = r#"{"enum":[{"$serde_json::private::Number":"5"}]}"#;
    let (_folder, store) = store(&[("a.json", text), ("b.json", r#"{"const":5}"#)]);
    let object = json::read(br#"{"$serde_json::private::Number":"5"}"#).unwrap();
    assert_eq!(count(&store, "a.json", &object), 0);
    assert_eq!(count(&store, "a.json", &json!(5)), 1);
    assert_eq!(count(&store, "b.json", &object), 1);
}
