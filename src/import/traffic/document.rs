//! The document as it is written.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    super::yaml::{YamlEntry, YamlNode, entry},
    facts::{TrafficBody, TrafficContent, TrafficOperation, TrafficResponse, TrafficScheme},
    paths::{TrafficPath, written},
    shape::{TrafficShape, has_mark},
};
use crate::check::MediaType;

/// The order of methods.
const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

fn map(entries: Vec<YamlEntry>) -> YamlNode {
    YamlNode::Map(entries)
}

fn text(key: &str, value: &str) -> YamlEntry {
    entry(key, YamlNode::text(value))
}

fn is(key: &str, value: bool) -> YamlEntry {
    entry(key, YamlNode::Plain(value.to_string()))
}

/// The document of operations below the paths of base URLs.
pub(super) fn written_document(
    operations: &BTreeMap<TrafficPath, BTreeMap<String, TrafficOperation>>,
    bases: &BTreeSet<String>,
    notes: &[String],
) -> String {
    let comments = [
        "A first document, written from observed requests and responses. It states what was observed:",
        "review what is required, types, and responses of errors, and add descriptions.",
    ];
    let mut all = vec![
        text("openapi", "3.1.0")
            .comments(comments.map(str::to_owned))
            .comments(notes.iter().map(|note| format!("not described: {note}"))),
        entry("info", map(vec![text("title", "API"), text("version", "0.1.0")])),
    ];
    let servers = bases.iter().filter(|base| !base.is_empty() && !has_mark(base));
    let servers: Vec<_> = servers.map(|base| map(vec![text("url", base)])).collect();
    if !servers.is_empty() {
        all.push(entry("servers", YamlNode::List(servers)));
    }
    let schemes = Schemes::new(operations.values().flat_map(BTreeMap::values));
    let paths = operations.iter().map(|(template, of_path)| {
        let (path, names) = written(template);
        let methods = METHODS
            .iter()
            .filter_map(|method| Some((method, of_path.get(*method)?)));
        let methods =
            methods.map(|(method, facts)| entry(method.to_ascii_lowercase(), operation(facts, &names, &schemes)));
        entry(path, map(methods.collect()))
    });
    all.push(entry("paths", map(paths.collect())));
    if !schemes.names.is_empty() {
        all.push(entry("components", map(vec![entry("securitySchemes", schemes.node())])));
    }
    map(all).document()
}

fn operation(facts: &TrafficOperation, names: &[(usize, String)], schemes: &Schemes) -> YamlNode {
    let mut all = Vec::new();
    let unknown = TrafficShape::default();
    let in_path = names.iter().map(|(index, name)| {
        let schema = facts.path_values(*index).unwrap_or(&unknown).of_text();
        parameter(name, "path", true, schema)
    });
    let in_query = facts.query.iter().map(|(name, (count, shape))| {
        let schema = if shape.is_empty() {
            unknown.of_text()
        } else {
            shape.of_text()
        };
        parameter(name, "query", *count == facts.accepted, schema)
    });
    let parameters: Vec<_> = in_path.chain(in_query).collect();
    if !parameters.is_empty() {
        all.push(entry("parameters", YamlNode::List(parameters)));
    }
    all.extend(schemes.security(facts));
    all.extend(request_body(&facts.request));
    let responses = facts.responses.iter().map(|(status, facts)| response(*status, facts));
    all.push(entry("responses", map(responses.collect())));
    map(all)
}

fn parameter(name: &str, place: &str, required: bool, schema: YamlNode) -> YamlNode {
    let mut all = vec![text("name", name), text("in", place)];
    if required {
        all.push(is("required", true));
    }
    all.push(entry("schema", schema));
    map(all)
}

fn request_body(body: &TrafficBody) -> Option<YamlEntry> {
    if body.count == body.empty {
        return None;
    }
    let mut all = Vec::new();
    if body.empty == 0 {
        all.push(is("required", true));
    }
    // Without a media type, content would not be valid under any.
    let contents = body.content.iter().filter(|_| body.untyped == 0);
    let contents = contents.map(|(kind, content)| media_type(kind, content, false));
    let content = entry("content", map(contents.collect()));
    all.push(content.comments((body.untyped > 0).then(|| UNTYPED.to_owned())));
    Some(entry("requestBody", map(all)))
}

const UNTYPED: &str = "content without a media type was observed";

fn media_type(kind: &str, content: &TrafficContent, is_sometimes_empty: bool) -> YamlEntry {
    let is_json = MediaType::parse(kind).is_some_and(|kind| kind.is_json());
    let without = |comment: &str| entry(kind, map(Vec::new())).comments([comment.to_owned()]);
    if content.is_broken {
        return without("no schema: content that is not JSON was observed");
    }
    if is_json && is_sometimes_empty {
        return without("no schema: responses without content were observed, too");
    }
    if content.shape.is_empty() {
        return entry(kind, map(Vec::new()));
    }
    entry(kind, map(vec![content.shape.schema("schema")]))
}

fn response(status: u16, facts: &TrafficResponse) -> YamlEntry {
    let reason = http::StatusCode::from_u16(status).ok();
    let reason = reason
        .and_then(|status| status.canonical_reason())
        .unwrap_or("Response");
    let mut all = vec![text("description", reason)];
    let headers = facts.headers.iter().map(|(name, (count, shape))| {
        let mut header = Vec::new();
        if facts.count > 1 && *count == facts.count {
            header.push(is("required", true));
        }
        let schema = if shape.is_empty() {
            TrafficShape::default().of_text()
        } else {
            shape.of_text()
        };
        header.push(entry("schema", schema));
        entry(header_name(name), map(header))
    });
    let headers: Vec<_> = headers.collect();
    if !headers.is_empty() {
        all.push(entry("headers", map(headers)));
    }
    let body = &facts.body;
    let is_sometimes_empty = body.empty > 0;
    let contents = body.content.iter().filter(|_| body.untyped == 0);
    let contents: Vec<_> = contents
        .map(|(kind, content)| media_type(kind, content, is_sometimes_empty))
        .collect();
    if !contents.is_empty() {
        all.push(entry("content", map(contents)));
    }
    let comment = (body.untyped > 0).then(|| UNTYPED.to_owned());
    entry(status.to_string(), map(all)).comments(comment)
}

/// A name of a header field as it is usually written.
fn header_name(name: &str) -> String {
    if name == "etag" {
        return "ETag".to_owned();
    }
    let words = name.split('-').map(|word| {
        let mut chars = word.chars();
        let first = chars.next().map(|c| c.to_ascii_uppercase());
        first.into_iter().chain(chars).collect::<String>()
    });
    words.collect::<Vec<_>>().join("-")
}

/// The names of security schemes.
struct Schemes {
    names: BTreeMap<TrafficScheme, String>,
}

impl Schemes {
    fn new<'o>(operations: impl Iterator<Item = &'o TrafficOperation>) -> Self {
        let used: BTreeSet<_> = operations.flat_map(|one| one.security.iter().flatten()).collect();
        let mut names: BTreeMap<TrafficScheme, String> = BTreeMap::new();
        for scheme in used {
            let stem = match scheme {
                TrafficScheme::Basic => "basicAuth".to_owned(),
                TrafficScheme::Bearer => "bearerAuth".to_owned(),
                TrafficScheme::Header(name) => header_name(name),
                TrafficScheme::Query(name) => name.clone(),
            };
            let is_known = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
            let stem: String = stem.chars().map(|c| if is_known(c) { c } else { '_' }).collect();
            let mut all = std::iter::once(stem.clone()).chain((2..).map(|number| format!("{stem}_{number}")));
            let name = all
                .find(|name| names.values().all(|known| known != name))
                .unwrap_or(stem);
            names.insert(scheme.clone(), name);
        }
        Self { names }
    }

    /// What an operation requires: every combination that was accepted.
    fn security(&self, facts: &TrafficOperation) -> Option<YamlEntry> {
        let is_open = facts.security.iter().all(BTreeSet::is_empty);
        // Nothing is required in the document as a whole.
        if is_open {
            return None;
        }
        let mut all: Vec<_> = facts.security.iter().collect();
        // No credentials at all come last.
        all.sort_by_key(|schemes| schemes.is_empty());
        let one = |schemes: &&BTreeSet<TrafficScheme>| {
            let names = schemes.iter().filter_map(|scheme| self.names.get(scheme));
            map(names.map(|name| entry(name, YamlNode::List(Vec::new()))).collect())
        };
        Some(entry("security", YamlNode::List(all.iter().map(one).collect())))
    }

    fn node(&self) -> YamlNode {
        let schemes = self.names.iter().map(|(scheme, name)| {
            let key = |place: &str, name: &str| vec![text("type", "apiKey"), text("in", place), text("name", name)];
            let node = match scheme {
                TrafficScheme::Basic => vec![text("type", "http"), text("scheme", "basic")],
                TrafficScheme::Bearer => vec![text("type", "http"), text("scheme", "bearer")],
                TrafficScheme::Header(name) => key("header", &header_name(name)),
                TrafficScheme::Query(name) => key("query", name),
            };
            entry(name, map(node))
        });
        map(schemes.collect())
    }
}
