//! Near misses of a valid request: each differs from it by one change that the document of the API does not allow, so that a
//! server must reject it.
//!
//! [`derive`] reads which parameters, properties, media types and methods the document declares, and changes one of them. A
//! near miss is kept only if no reading of the bytes that are sent is valid, by the same rules as `openapi/request`, and if it
//! still is a request of the same operation. Names depend on the changed part and the kind of change only.

mod change;
mod derive;
mod kind;
mod spread;
mod values;

pub(crate) use derive::body_part;
pub use derive::{ProbeChoice, ProbedParts, derive};
pub use kind::ProbeKind;
pub use spread::spread;

use self::change::RequestChange;
use crate::{
    check::ApiContract,
    model::{Finding, Request},
};

/// A near miss.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// The name of its row: `limit~below-minimum`.
    pub name: String,
    /// Why it is invalid.
    pub kind: ProbeKind,
    /// The changed part, for people: "the query parameter `limit`".
    part: String,
    change: RequestChange,
}

impl Probe {
    /// Why it is invalid, in one sentence without a full stop.
    pub fn sentence(&self) -> String {
        format!("{} {}", self.part, self.kind.phrase())
    }

    /// The part of the request that is changed.
    pub fn subject(&self) -> &str {
        self.name.split('~').next().unwrap_or_default()
    }

    /// The method, if it is the change.
    pub fn method(&self) -> Option<&str> {
        match &self.change {
            RequestChange::Method(method) => Some(method),
            _ => None,
        }
    }

    /// The changed request; the request itself if it does not have the part.
    pub fn apply(&self, contract: &ApiContract, request: Request) -> Request {
        self.change.apply(contract, &request).unwrap_or(request)
    }

    /// Why a changed request is not a near miss, if it is none: it is valid, or it is a request of another operation.
    pub fn objection(&self, contract: &ApiContract, base: &Request, changed: &Request) -> Option<&'static str> {
        if base == changed {
            return Some("the request does not have the part that is changed");
        }
        objection(self.method().is_some(), contract, (base, &[]), changed)
    }
}

/// Why a changed request is not a near miss. Violations by the base, such as those of values that are not known yet, do not
/// count.
fn objection(
    is_method: bool,
    contract: &ApiContract,
    (base, known): (&Request, &[Finding]),
    changed: &Request,
) -> Option<&'static str> {
    let operation = |request: &Request| {
        let (operation, _) = contract.document.find(&request.method, contract.path_of(request)?)?;
        Some(&operation.part)
    };
    if is_method {
        return operation(changed).map(|_| "the document declares the method for this path");
    }
    if operation(base) != operation(changed) {
        return Some("the changed request is one of another operation");
    }
    contract
        .has_only(changed, known)
        .then_some("the changed request is valid")
}

impl std::fmt::Display for Probe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::openapi::Direction;

    const BASE: &str = "http://127.0.0.1:1/v1";

    fn contract(text: &str) -> ApiContract {
        ApiContract::of_text(text, BASE)
    }

    fn request(method: &str, path: &str, body: Option<&Value>) -> Request {
        let mut headers = vec![("accept".to_owned(), "*/*".to_owned())];
        let body = body.map(Value::to_string).unwrap_or_default();
        if !body.is_empty() {
            headers.push(("content-type".to_owned(), "application/json; charset=utf-8".to_owned()));
            headers.push(("content-length".to_owned(), body.len().to_string()));
        }
        Request {
            method: method.to_owned(),
            url: format!("{BASE}{path}"),
            headers,
            body: bytes::Bytes::from(body).into(),
        }
    }

    const ALL: ProbeChoice = ProbeChoice {
        parameters: ProbedParts::All,
        body: ProbedParts::All,
        methods: true,
    };

    fn names(probes: &[Probe]) -> Vec<&str> {
        probes.iter().map(|probe| probe.name.as_str()).collect()
    }

    /// A parameter of `GET /x`, and its near misses as they are sent after the path.
    fn of_parameter(parameter: &str, path: &str) -> Vec<(String, String)> {
        let text = format!(
            "openapi: 3.1.0\npaths:\n  /x/{{p}}:\n    get:\n      parameters:\n        - {parameter}\n      responses: {{}}\n"
        );
        let text = if parameter.contains("in: path") {
            text
        } else {
            text.replace("/x/{p}", "/x")
        };
        let contract = contract(&text);
        let request = request("GET", path, None);
        let choice = ProbeChoice { methods: false, ..ALL };
        let probes = derive(&contract, &request, &choice);
        let sent = |probe: &Probe| {
            let changed = probe.apply(&contract, request.clone());
            let end = changed.url[BASE.len() + 2..].to_owned();
            let own = changed.headers.iter().filter(|(name, _)| name != "accept");
            let own: Vec<_> = own.map(|(name, value)| format!(" {name}: {value}")).collect();
            (probe.name.clone(), end + &own.concat())
        };
        probes.iter().map(sent).collect()
    }

    // Long: a table of parameters and what is sent.
    #[test]
    fn parameters_have_one_near_miss_for_each_keyword() {
        for (parameter, path, expected) in [
            (
                "{ name: limit, in: query, required: true, schema: { type: integer, minimum: 1, maximum: 50 } }",
                "/x?a=1&limit=5&b=2",
                &[
                    ("limit~missing", "?a=1&b=2"),
                    ("limit~wrong-type", "?a=1&limit=abc&b=2"),
                    ("limit~fraction", "?a=1&limit=1.5&b=2"),
                    ("limit~below-minimum", "?a=1&limit=0&b=2"),
                    ("limit~above-maximum", "?a=1&limit=51&b=2"),
                ][..],
            ),
            (
                "{ name: limit, in: query, required: true, schema: { type: integer, default: 5 } }",
                "/x?limit=5",
                &[("limit~wrong-type", "?limit=abc"), ("limit~fraction", "?limit=1.5")],
            ),
            ("{ name: q, in: query, schema: { type: string } }", "/x?q=1", &[]),
            // Without a value, it could be absent.
            (
                "{ name: q, in: query, schema: { type: string, minLength: 1, maxLength: 3 } }",
                "/x",
                &[("q~too-long", "?q=aaaa")],
            ),
            (
                "{ name: q, in: query, schema: { type: string, pattern: '^[a-z]+$', minLength: 2 } }",
                "/x",
                &[("q~too-short", "?q=a"), ("q~pattern", "?q=aa%21")],
            ),
            (
                "{ name: sort, in: query, schema: { type: string, enum: [asc, desc] } }",
                "/x",
                &[("sort~enum", "?sort=undeclared")],
            ),
            (
                "{ name: on, in: query, schema: { type: boolean } }",
                "/x",
                &[("on~wrong-type", "?on=abc")],
            ),
            (
                "{ name: day, in: query, schema: { type: string, format: date } }",
                "/x",
                &[("day~format", "?day=not-a-date")],
            ),
            (
                "{ name: ids, in: query, schema: { type: array, maxItems: 2, uniqueItems: true, items: { type: integer } } }",
                "/x?ids=1&ids=2",
                &[
                    ("ids~too-many-items", "?ids=0&ids=1&ids=2"),
                    ("ids~duplicate-items", "?ids=1&ids=1"),
                    ("ids.0~wrong-type", "?ids=abc"),
                    ("ids.0~fraction", "?ids=1.5"),
                ],
            ),
            (
                "{ name: p, in: path, required: true, schema: { type: integer, minimum: 1 } }",
                "/x/7?q=1",
                &[
                    ("path.p~wrong-type", "/abc?q=1"),
                    ("path.p~fraction", "/1.5?q=1"),
                    ("path.p~below-minimum", "/0?q=1"),
                ],
            ),
            (
                "{ name: p, in: path, required: true, schema: { type: string, minLength: 1 } }",
                "/x/7",
                &[],
            ),
            (
                "{ name: X-Tenant, in: header, required: true, schema: { type: string, maxLength: 2 } }",
                "/x",
                &[("header.X-Tenant~too-long", " X-Tenant: aaa")],
            ),
            (
                "{ name: Authorization, in: header, required: true, schema: { type: string, maxLength: 2 } }",
                "/x",
                &[],
            ),
            (
                "{ name: page.size, in: cookie, required: true, schema: { type: integer } }",
                "/x",
                &[
                    ("cookie.page%2Esize~wrong-type", " cookie: page.size=abc"),
                    ("cookie.page%2Esize~fraction", " cookie: page.size=1.5"),
                ],
            ),
        ] {
            let found = of_parameter(parameter, path);
            let found: Vec<_> = found
                .iter()
                .map(|(name, sent)| (name.as_str(), sent.as_str()))
                .collect();
            assert_eq!(found, expected, "{parameter}");
        }
    }

    const ORDERS: &str = r"
openapi: 3.1.0
components:
  securitySchemes:
    key: { type: apiKey, in: query, name: api_key }
paths:
  /orders:
    get: { responses: {} }
    post:
      parameters:
        - { name: api_key, in: query, required: true, schema: { type: string, maxLength: 5 } }
      requestBody:
        required: true
        content:
          application/json:
            schema:
              type: object
              additionalProperties: false
              required: [sku, lines]
              properties:
                id: { type: integer, readOnly: true }
                sku: { type: string, pattern: '^[A-Z]+$', maxLength: 4 }
                note: { type: [string, 'null'], maxLength: 3 }
                lines:
                  type: array
                  minItems: 1
                  maxItems: 2
                  items: { type: object, required: [count], properties: { count: { type: integer, exclusiveMinimum: 0 } } }
      responses: {}
  /orders/{id}:
    delete: { responses: {}, parameters: [{ name: id, in: path, required: true, schema: { type: string } }] }
";

    #[test]
    fn bodies_media_types_and_methods_have_near_misses() {
        let contract = contract(ORDERS);
        let body = json!({ "sku": "AB", "lines": [{ "count": 1 }] });
        let request = request("POST", "/orders?api_key=abc", Some(&body));
        let probes = derive(&contract, &request, &ALL);
        let expected = [
            "body~missing",
            "body~media-type",
            "body~malformed",
            "body~duplicate-key",
            "body~wrong-type",
            "body~additional-property",
            "body.lines~missing",
            "body.lines~null",
            "body.lines~wrong-type",
            "body.lines~too-few-items",
            "body.lines~too-many-items",
            "body.lines.0~wrong-type",
            "body.lines.0.count~missing",
            "body.lines.0.count~null",
            "body.lines.0.count~wrong-type",
            "body.lines.0.count~fraction",
            "body.lines.0.count~below-minimum",
            "body.note~wrong-type",
            "body.note~too-long",
            "body.sku~missing",
            "body.sku~null",
            "body.sku~wrong-type",
            "body.sku~too-long",
            "body.sku~pattern",
            "method~put",
            "method~patch",
            "method~delete",
        ];
        assert_eq!(names(&probes), expected);
        let sent = |name: &str| {
            let probe = probes.iter().find(|probe| probe.name == name).unwrap();
            let changed = probe.apply(&contract, request.clone());
            let length = change::header(&changed, "content-length").map(str::to_owned);
            assert!(length.is_none_or(|length| length == changed.body.bytes().len().to_string()));
            changed
        };
        let text = |name: &str| sent(name).body.text().into_owned();
        assert_eq!(text("body~malformed"), r#"{"lines":[{"count":1}],"sku":"AB""#);
        assert_eq!(
            text("body~duplicate-key"),
            r#"{"lines":[{"count":1}],"lines":[{"count":1}],"sku":"AB"}"#
        );
        assert_eq!(
            text("body.lines.0.count~below-minimum"),
            r#"{"lines":[{"count":0}],"sku":"AB"}"#
        );
        assert_eq!(text("body.sku~too-long"), r#"{"lines":[{"count":1}],"sku":"ABBBB"}"#);
        assert_eq!(
            text("body.lines~too-many-items"),
            r#"{"lines":[{"count":1},{"count":1},{"count":1}],"sku":"AB"}"#
        );
        assert_eq!(
            change::header(&sent("body~media-type"), "content-type"),
            Some("text/plain")
        );
        let deleted = sent("method~delete");
        assert!(deleted.body.is_empty() && change::header(&deleted, "content-type").is_none());
    }

    const FORM: &str = r"
openapi: 3.1.0
paths:
  /f:
    post:
      requestBody:
        content:
          TYPE:
            schema:
              type: object
              additionalProperties: false
              required: [name, size, kept]
              properties:
                name: { type: string, maxLength: 4, minLength: 1 }
                size: { type: integer, minimum: 1 }
                kept: { type: string, default: a }
                kind: { type: string, enum: [a, b] }
                day: { type: string, format: date }
                any: {}
                image: { type: string, maxLength: 3, contentMediaType: image/png }
                file: { type: string, format: binary, maxLength: 3 }
                place: { type: object, properties: { zip: { type: integer } } }
                tags: { type: array, maxItems: 2, items: { type: integer } }
      responses: {}
";

    /// The near misses of a form, each with the content that is sent.
    fn of_form(declared: &str, sent: &str, body: &str) -> Vec<(String, String)> {
        let contract = contract(&FORM.replace("TYPE", declared));
        let mut base = request("POST", "/f", Some(&Value::Null));
        base.headers[1].1 = sent.to_owned();
        base.headers[2].1 = body.len().to_string();
        base.body = bytes::Bytes::from(body.to_owned()).into();
        assert_eq!(contract.request_violations(&base), []);
        let choice = ProbeChoice { methods: false, ..ALL };
        let probes = derive(&contract, &base, &choice);
        let sent = |probe: &Probe| {
            let changed = probe.apply(&contract, base.clone());
            assert_eq!(probe.objection(&contract, &base, &changed), None, "{}", probe.name);
            let length = change::header(&changed, "content-length").map(str::to_owned);
            assert_eq!(length, Some(changed.body.bytes().len().to_string()));
            (probe.name.clone(), changed.body.text().into_owned())
        };
        probes.iter().map(sent).collect()
    }

    fn pairs(all: &[(String, String)]) -> Vec<(&str, &str)> {
        all.iter().map(|(name, sent)| (name.as_str(), sent.as_str())).collect()
    }

    #[test]
    fn forms_have_near_misses_of_their_properties() {
        let kind = "application/x-www-form-urlencoded";
        let found = of_form(kind, kind, "name=a%20b&size=5&kept=x&tags=1&tags=2&place[zip]=1");
        let rest = "kept=x&tags=1&tags=2&place[zip]=1";
        let start = "name=a%20b&size=5&kept=x";
        assert_eq!(
            pairs(&found),
            [
                ("body~media-type", &*format!("name=a%20b&size=5&{rest}")),
                (
                    "body~additional-property",
                    &format!("name=a%20b&size=5&{rest}&undeclared_property=abc")
                ),
                ("body.day~format", &format!("name=a%20b&size=5&{rest}&day=not-a-date")),
                ("body.kind~enum", &format!("name=a%20b&size=5&{rest}&kind=undeclared")),
                ("body.name~missing", &format!("size=5&{rest}")),
                ("body.name~too-short", &format!("name=&size=5&{rest}")),
                ("body.name~too-long", &format!("name=aaaaa&size=5&{rest}")),
                ("body.size~missing", &format!("name=a%20b&{rest}")),
                ("body.size~wrong-type", &format!("name=a%20b&size=abc&{rest}")),
                ("body.size~fraction", &format!("name=a%20b&size=1.5&{rest}")),
                ("body.size~below-minimum", &format!("name=a%20b&size=0&{rest}")),
                (
                    "body.tags~too-many-items",
                    &format!("{start}&tags=1&tags=1&tags=1&place[zip]=1")
                ),
                ("body.tags.0~wrong-type", &format!("{start}&tags=abc&place[zip]=1")),
                ("body.tags.0~fraction", &format!("{start}&tags=1.5&place[zip]=1")),
            ]
        );
    }

    #[test]
    fn texts_of_multipart_have_near_misses_and_files_have_none() {
        let part = |head: &str, text: &str| format!("--b\r\nContent-Disposition: form-data; {head}\r\n\r\n{text}\r\n");
        let (size, kept) = (
            part("name=size\r\nContent-Type: text/plain", "5"),
            part("name=kept", "x"),
        );
        let file = part("name=file; filename=f\r\nContent-Type: image/png", "abc");
        let name = |text: &str| part("name=\"name\"", text);
        let body = format!("{}{size}{file}{kept}--b--\r\n", name("ab"));
        let found = of_form("multipart/form-data", "multipart/form-data; boundary=b", &body);
        let found: BTreeMap<_, _> = found.into_iter().collect();
        assert_eq!(found["body.name~missing"], format!("{size}{file}{kept}--b--\r\n"));
        assert_eq!(
            found["body.name~too-long"],
            format!("{}{size}{file}{kept}--b--\r\n", name("aaaaa"))
        );
        let fraction = size.replace("\r\n5", "\r\n1.5");
        assert_eq!(
            found["body.size~fraction"],
            format!("{}{fraction}{file}{kept}--b--\r\n", name("ab"))
        );
        let more = part("name=\"kind\"", "undeclared");
        assert_eq!(found["body.kind~enum"], body.replace("--b--", &format!("{more}--b--")));
        assert!(
            !found
                .keys()
                .any(|name| name.starts_with("body.file") || name.starts_with("body.place"))
        );
    }

    #[test]
    fn names_depend_on_the_part_and_the_kind_only() {
        let body = json!({ "sku": "AB", "lines": [{ "count": 1 }] });
        let request = request("POST", "/orders?api_key=abc", Some(&body));
        let before = derive(&contract(ORDERS), &request, &ALL);
        // Another order, and a further property and parameter.
        let other = ORDERS
            .replace(
                "properties:\n                id",
                "properties:\n                aaa: { type: integer }\n                id",
            )
            .replace(
                "parameters:\n",
                "parameters:\n        - { name: a, in: query, schema: { type: integer } }\n",
            );
        let after = derive(&contract(&other), &request, &ALL);
        let all: BTreeSet<_> = names(&after).into_iter().collect();
        assert!(names(&before).iter().all(|name| all.contains(name)));
        assert!(all.contains("a~wrong-type") && all.contains("body.aaa~wrong-type"));
        assert_eq!(before, derive(&contract(ORDERS), &request, &ALL));
    }

    #[test]
    fn rows_are_spread_over_all_parts() {
        let body = json!({ "sku": "AB", "lines": [{ "count": 1 }] });
        let request = request("POST", "/orders?api_key=abc", Some(&body));
        let mut probes = derive(&contract(ORDERS), &request, &ALL);
        let (all, parts) = (
            probes.len(),
            probes.iter().map(Probe::subject).collect::<BTreeSet<_>>().len(),
        );
        assert_eq!(spread(&mut probes, parts), all - parts);
        assert_eq!(probes.iter().map(Probe::subject).collect::<BTreeSet<_>>().len(), parts);
        assert_eq!(spread(&mut probes, 100), 0);
    }

    #[test]
    fn path_of_another_operation_is_not_sent() {
        let text = "openapi: 3.1.0\npaths:\n  /x/{p}:\n    get: { parameters: [{ name: p, in: path, required: true, \
                    schema: { type: integer } }], responses: {} }\n  /x/abc:\n    get: { responses: {} }\n    post: { responses: {} }\n";
        let contract = contract(text);
        let probes = derive(&contract, &request("GET", "/x/1", None), &ALL);
        let expected = [
            "path.p~wrong-type",
            "path.p~fraction",
            "method~post",
            "method~put",
            "method~patch",
            "method~delete",
        ];
        assert_eq!(names(&probes), expected);
        let changed = probes[0].apply(&contract, request("GET", "/x/1", None));
        assert!(
            changed.url.ends_with("/x/true"),
            "`/x/abc` is another operation: {}",
            changed.url
        );
        // Here, another path template declares the method.
        let probes = derive(&contract, &request("POST", "/x/abc", None), &ALL);
        assert_eq!(names(&probes), ["method~put", "method~patch", "method~delete"]);
    }

    fn schema() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            (-5_i64..5, 0_i64..10)
                .prop_map(|(low, more)| json!({ "type": "integer", "minimum": low, "maximum": low + more })),
            (-5_i64..5).prop_map(|low| json!({ "type": "number", "exclusiveMinimum": low, "multipleOf": 0.5 })),
            (0_u64..3, 0_u64..4)
                .prop_map(|(low, more)| json!({ "type": "string", "minLength": low, "maxLength": low + more })),
            Just(json!({ "type": ["string", "null"], "pattern": "^[a-c]*$" })),
            Just(json!({ "type": "string", "enum": ["a", "b"] })),
            Just(json!({ "type": "string", "format": "uuid" })),
            Just(json!({ "type": "boolean" })),
            Just(json!({ "const": 3 })),
            Just(json!({})),
        ];
        leaf.prop_recursive(3, 24, 3, |inner| {
            prop_oneof![
                (proptest::collection::btree_map("[ab]", inner.clone(), 0..3), any::<bool>(), any::<bool>()).prop_map(
                    |(properties, is_closed, is_required)| {
                        let required: Vec<_> = properties.keys().filter(|_| is_required).cloned().collect();
                        json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": !is_closed })
                    }
                ),
                (inner.clone(), 0_u64..3, any::<bool>()).prop_map(
                    |(items, low, unique)| json!({ "type": "array", "items": items, "minItems": low, "maxItems": low + 1, "uniqueItems": unique })
                ),
                proptest::collection::vec(inner.clone(), 1..3).prop_map(|all| json!({ "anyOf": all })),
                proptest::collection::vec(inner, 1..3).prop_map(|all| json!({ "oneOf": all })),
            ]
        })
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-6_i64..12).prop_map(Value::from),
            "[a-d]{0,4}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 16, 3, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
                proptest::collection::btree_map("[ab]", inner, 0..3)
                    .prop_map(|all| Value::Object(all.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(150))]

        /// No near miss has a valid reading, whatever the schemas are.
        #[test]
        fn no_near_miss_is_valid(body in schema(), of_query in schema(), value in value(), text in "[a-d0-9,]{0,3}") {
            let api = json!({
                "openapi": "3.1.0",
                "paths": { "/x": { "post": {
                    "parameters": [
                        { "name": "q", "in": "query", "schema": of_query },
                        { "name": "r", "in": "query", "explode": false, "schema": of_query },
                        { "name": "h", "in": "header", "schema": of_query },
                    ],
                    "requestBody": { "content": { "application/json": { "schema": body } } },
                    "responses": {},
                } } },
            });
            let contract = contract(&api.to_string());
            let base = request("POST", &format!("/x?q={text}"), Some(&value));
            let violations = |request: &Request| contract.request_violations(request);
            if violations(&base).is_empty() {
                let schema = contract.document.operations[0].body.as_ref().unwrap().content[0].schema.clone().unwrap();
                for probe in derive(&contract, &base, &ALL) {
                    let changed = probe.apply(&contract, base.clone());
                    prop_assert!(probe.method().is_some() || !violations(&changed).is_empty(), "{}", probe.name);
                    prop_assert_eq!(probe.objection(&contract, &base, &changed), None);
                    // The bytes of a body, read by another reader.
                    if probe.name.starts_with("body") && probe.kind != ProbeKind::DuplicateKey && probe.kind != ProbeKind::MediaType {
                        let read = serde_json::from_slice::<Value>(changed.body.bytes());
                        let is_valid = |value: Value| contract.document.violations(&schema, Direction::Request, &value).is_empty();
                        prop_assert!(!read.is_ok_and(is_valid), "{}: {}", probe.name, changed.body.text());
                    }
                    // A text is also read as itself.
                    if let Some(sent) = change::header(&changed, "h").filter(|_| probe.name.starts_with("header.h")) {
                        let part = contract.document.operations[0].parameters[2].schema.clone().unwrap();
                        prop_assert!(!contract.document.violations(&part, Direction::Request, &sent.into()).is_empty());
                    }
                }
            }
        }
    }
}
