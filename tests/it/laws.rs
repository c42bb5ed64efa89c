//! Laws of a verdict, for random expectations and responses: it is what the contract says of the response, no more and no
//! less; the exit code follows from it; and the recording gives it again.

use std::{collections::BTreeMap, fmt::Write as _, sync::Arc};

use proptest::{
    prelude::*,
    sample::select,
    strategy::ValueTree as _,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Map, Value, json};

use crate::support::{Project, Server, Then, response};

/// What a server says, and what happens to it on its way.
#[derive(Clone, Debug)]
struct Said {
    status: u16,
    field: Option<&'static str>,
    body: Value,
    harm: Harm,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Harm {
    None,
    /// The connection ends before the body does.
    Cut,
    /// A field line without a colon.
    Malformed,
    /// The connection ends before there is a response.
    Silent,
}

/// What a case says of `X-A`.
#[derive(Clone, Copy, Debug)]
enum Field {
    Absent,
    Is(&'static str),
}

impl Field {
    fn of(said: Option<&'static str>) -> Self {
        said.map_or(Self::Absent, Self::Is)
    }
}

/// What a case expects; a part that is `None` it does not look at.
#[derive(Clone, Debug)]
struct Wants {
    status: u16,
    field: Option<Field>,
    /// Members that must be there.
    json: Option<Map<String, Value>>,
    /// The whole body.
    exact: Option<Value>,
    /// A text in the body.
    contains: Option<String>,
    /// A type that `a` has.
    schema: Option<&'static str>,
}

const STATUSES: [u16; 4] = [200, 202, 404, 409];
const FIELDS: [&str; 3] = ["one", "One", "two"];

fn value() -> impl Strategy<Value = Value> {
    let plain = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0..3_i64).prop_map(Value::from),
        "[ab]{0,2}".prop_map(Value::from),
    ];
    plain.prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[ab]", inner, 0..3).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn object() -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::btree_map("[ab]", value(), 0..3).prop_map(|map| map.into_iter().collect())
}

fn said() -> impl Strategy<Value = Said> {
    let harm = prop_oneof![
        12 => Just(Harm::None),
        1 => Just(Harm::Cut),
        1 => Just(Harm::Malformed),
        1 => Just(Harm::Silent),
    ];
    (
        select(&STATUSES[..]),
        prop::option::of(select(&FIELDS[..])),
        object(),
        harm,
    )
        .prop_map(|(status, field, body, harm)| Said {
            status,
            field,
            body: Value::Object(body),
            harm,
        })
}

/// A response and an expectation that begins as what the response meets, with some parts replaced by anything.
fn pairs() -> impl Strategy<Value = (Said, Wants)> {
    let other = (
        prop::option::weighted(0.1, select(&STATUSES[..])),
        prop::option::weighted(0.15, prop::option::of(select(&FIELDS[..]))),
        prop::option::weighted(0.3, object()),
        prop::option::weighted(0.15, object()),
        prop::option::weighted(0.2, "[ab01]{1,2}"),
        prop::option::weighted(0.2, select(&["null", "string", "integer", "object"][..])),
        prop::array::uniform4(any::<bool>()),
    );
    (said(), other).prop_map(|(said, (status, field, json, exact, contains, schema, looks))| {
        let body = said.body.as_object().cloned().unwrap_or_default();
        let json = json.or(looks[1].then(|| body.into_iter().take(1).collect()));
        let exact = exact.map(Value::Object).or(looks[2].then(|| said.body.clone()));
        // Expectations that contradict each other are rejected.
        let agrees =
            |json: &Map<String, Value>| (exact.iter()).all(|exact| matches(&Value::Object(json.clone()), exact));
        let json = json.filter(agrees);
        let wants = Wants {
            status: status.unwrap_or(said.status),
            field: field.map(Field::of).or(looks[0].then_some(Field::of(said.field))),
            json,
            exact,
            contains: contains.or(looks[3].then(|| "{".to_owned())),
            schema,
        };
        (said, wants)
    })
}

/// Whether a value is there: members may be more, everything else is the same.
fn matches(pattern: &Value, found: &Value) -> bool {
    match (pattern, found) {
        (Value::Object(pattern), Value::Object(found)) => {
            (pattern.iter()).all(|(name, pattern)| found.get(name).is_some_and(|found| matches(pattern, found)))
        }
        (Value::Array(pattern), Value::Array(found)) => {
            pattern.len() == found.len()
                && pattern
                    .iter()
                    .zip(found)
                    .all(|(pattern, found)| matches(pattern, found))
        }
        _ => pattern == found,
    }
}

impl Wants {
    /// Whether a response fulfills the contract: a second, plain implementation.
    fn accepts(&self, said: &Said) -> bool {
        let is_of = |kind: &str, value: &Value| match kind {
            "null" => value.is_null(),
            "string" => value.is_string(),
            "integer" => value.is_i64(),
            _ => value.is_object(),
        };
        said.harm == Harm::None
            && self.status == said.status
            && self.field.is_none_or(|field| match field {
                Field::Absent => said.field.is_none(),
                Field::Is(value) => said.field == Some(value),
            })
            && (self.json.iter()).all(|json| matches(&Value::Object(json.clone()), &said.body))
            && self.exact.iter().all(|exact| *exact == said.body)
            && self.contains.iter().all(|text| said.body.to_string().contains(text))
            && (self.schema.iter()).all(|kind| said.body.get("a").is_none_or(|a| is_of(kind, a)))
    }

    fn case(&self, path: &str) -> String {
        let mut expect = json!({ "status": self.status });
        if let Some(field) = self.field {
            expect["headers"] = json!({ "x-a": match field {
                Field::Absent => json!({ "absent": true }),
                Field::Is(value) => Value::from(value),
            } });
        }
        let mut body = Map::new();
        body.extend(self.json.clone().map(|json| ("json".to_owned(), Value::Object(json))));
        body.extend(self.exact.clone().map(|exact| ("exact".to_owned(), exact)));
        body.extend(
            self.contains
                .iter()
                .map(|text| ("text".to_owned(), json!({ "contains": text }))),
        );
        body.extend(
            self.schema
                .map(|kind| ("schema".to_owned(), Value::from(format!("{kind}.json")))),
        );
        if !body.is_empty() {
            expect["body"] = Value::Object(body);
        }
        // JSON is YAML.
        json!({ "request": { "path": path }, "expect": expect }).to_string()
    }
}

impl Said {
    fn bytes(&self) -> (Vec<u8>, Then) {
        let mut head = format!("HTTP/1.1 {} X\nContent-Type: application/json\n", self.status);
        if let Some(field) = self.field {
            let _ = writeln!(head, "X-A: {field}");
        }
        match self.harm {
            Harm::None => (response(&head, &self.body.to_string()), Then::Keep),
            Harm::Cut => {
                let mut bytes = response(&head, &self.body.to_string());
                bytes.pop();
                (bytes, Then::Close)
            }
            Harm::Malformed => (
                response(&format!("{head}no field\n"), &self.body.to_string()),
                Then::Close,
            ),
            Harm::Silent => (Vec::new(), Then::Close),
        }
    }
}

/// What the recording says of each case: its verdict and its findings, without when and how long.
fn verdicts_of(project: &Project, recording: &str) -> BTreeMap<String, (String, Value)> {
    let text = std::fs::read_to_string(project.path().join(recording)).unwrap();
    let events = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    events
        .filter(|event| event["event"] == "case-finished")
        .map(|event| {
            let verdict = event["verdict"].as_str().unwrap().to_owned();
            let reasons = json!([
                event["steps"][0]["findings"],
                event["steps"][0]["exchange"]["outcome"]["failure"]
            ]);
            (event["id"].as_str().unwrap().to_owned(), (verdict, reasons))
        })
        .collect()
}

/// Runs these pairs as cases, and checks every law.
fn check_laws(pairs: Vec<(Said, Wants)>) {
    // Three requests in a row without a complete response end a run.
    let (mut complete, incomplete): (Vec<_>, Vec<_>) =
        (pairs.into_iter()).partition(|(said, _)| !matches!(said.harm, Harm::Silent | Harm::Cut));
    let every = complete.len() / (incomplete.len() + 1) + 1;
    for (number, pair) in incomplete.into_iter().enumerate() {
        complete.insert((every * (number + 1) - 1).min(complete.len()), pair);
    }
    let pairs = complete;
    let project = Project::new(&[("cases/s/suite.yaml", "{}\n")]);
    for kind in ["null", "string", "integer", "object"] {
        let schema = json!({ "properties": { "a": { "type": kind } } });
        project.write(&format!("schemas/{kind}.json"), &schema.to_string());
    }
    for (number, (_, wants)) in pairs.iter().enumerate() {
        project.write(&format!("cases/s/c{number}.yaml"), &wants.case(&format!("/{number}")));
    }
    let pairs = Arc::new(pairs);
    let responses = Arc::clone(&pairs);
    let server = Server::start(move |request| {
        let number = request
            .split(['/', ' '])
            .nth(2)
            .and_then(|number| number.parse::<usize>().ok());
        responses[number.unwrap()].0.bytes()
    });
    let live = project.run(&[
        "run",
        "--target",
        &server.url(),
        "--jobs",
        "1",
        "--report",
        "json=live.ndjson",
    ]);
    assert_ne!(live.code, 2, "{}", live.stderr);
    let verdicts = verdicts_of(&project, "live.ndjson");
    assert_eq!(verdicts.len(), pairs.len(), "{live:?}");
    let (mut failed, mut errored) = (false, false);
    for (number, (said, wants)) in pairs.iter().enumerate() {
        let (verdict, reasons) = &verdicts[&format!("s/c{number}")];
        let expected = match said.harm {
            _ if wants.accepts(said) => "passed",
            Harm::Silent => "errored",
            Harm::Cut => verdict.as_str(),
            _ => "failed",
        };
        assert_eq!(verdict, expected, "{wants:?} of {said:?}: {reasons}");
        failed |= verdict == "failed";
        errored |= verdict == "errored";
        // Never a red case without its reason, nor a reason that denies a green one.
        assert_eq!(verdict == "passed", wants.accepts(said), "{wants:?} of {said:?}");
        assert_eq!(verdict == "errored", !reasons[1].is_null(), "{reasons}");
        if verdict == "failed" {
            assert!(reasons[0].as_array().is_some_and(|all| !all.is_empty()), "{said:?}");
        }
    }
    let code = if failed {
        1
    } else if errored {
        3
    } else {
        0
    };
    assert_eq!(live.code, code, "{live:?}");
    let again = project.run(&["recheck", "live.ndjson", "--report", "json=again.ndjson"]);
    assert_eq!(again.code, code, "{again:?}");
    assert_eq!(verdicts_of(&project, "again.ndjson"), verdicts);
}

fn runner() -> TestRunner {
    TestRunner::new_with_rng(Config::default(), TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

#[test]
fn verdict_follows_expectation_and_recheck_agrees() {
    let mut runner = runner();
    let strategy = pairs();
    check_laws(
        (0..600)
            .map(|_| strategy.new_tree(&mut runner).unwrap().current())
            .collect(),
    );
}

#[test]
fn an_exit_code_of_zero_means_that_every_case_passed() {
    let mut runner = runner();
    let strategy = prop::collection::vec(pairs(), 1..4);
    for _ in 0..16 {
        check_laws(strategy.new_tree(&mut runner).unwrap().current());
    }
}
