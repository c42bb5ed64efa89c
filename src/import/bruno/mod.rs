//! Collections of Bruno: a folder with `bruno.json`, `.bru` files and environments.

mod blocks;
mod content;
mod environment;
mod expect;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::Value as Json;

use self::blocks::{BruFile, BruPair};
use super::{
    DraftCapture, DraftStep, ImportError, ReadFile, SuiteDraft,
    credentials::{Secrets, is_credential},
    groups::{ImportedStep, groups},
    names::{name_of, short},
    source_text,
    tool_request::ToolRequest,
    url::UrlStyle,
    variables::Variables,
};

const HELP: &str = "pass the folder of a collection: it contains `bruno.json` and files with the extension `.bru`";

/// The blocks with the request of a file, besides `http` with a `method`.
const METHODS: [&str; 9] = [
    "get", "post", "put", "delete", "patch", "options", "head", "connect", "trace",
];

/// Reads a collection: the contents of its files, by their path from its folder with `/`. `environment` is the name of one in
/// `environments/`, and `read` reads the files of contents.
pub fn bruno(
    files: BTreeMap<String, Vec<u8>>,
    environment: Option<&str>,
    read: ReadFile<'_>,
) -> Result<SuiteDraft, ImportError> {
    let mut parsed: BTreeMap<String, BruFile> = BTreeMap::new();
    let mut name = None;
    for (path, bytes) in files {
        let in_file = |error: ImportError| error.in_file(&path);
        let text = source_text::text_of(bytes).map_err(in_file)?;
        if path == "bruno.json" {
            let settings: Json = source_text::json(&text, "a file of Bruno", HELP).map_err(in_file)?;
            name = Some(short(settings.get("name").and_then(Json::as_str).unwrap_or_default()));
        } else {
            let file = blocks::read(&text).map_err(in_file)?;
            parsed.insert(path, file);
        }
    }
    let Some(name) = name else {
        return Err(ImportError::new("there is no `bruno.json`", HELP));
    };
    let mut variables = Variables::default();
    let mut notes = Vec::new();
    let root = BruLevel::of_collection(&parsed.remove("collection.bru").unwrap_or_default(), &mut notes);
    // Variables of an environment override those of the collection.
    for pair in &root.vars {
        variables.values.insert(pair.name.clone(), (pair.value.clone(), false));
    }
    notes.extend(environment::add(&mut parsed, environment, &mut variables)?);
    let mut collector = BruCollector {
        files: parsed,
        found: Vec::new(),
        notes,
    };
    collector.folder("", &[], &root.without_vars());
    let BruCollector { found, notes, .. } = collector;
    if found.is_empty() {
        return Err(ImportError::new("the collection has no requests", HELP));
    }
    let mut draft = SuiteDraft {
        name: if name.is_empty() {
            "Imported from Bruno".to_owned()
        } else {
            name
        },
        notes,
        ..SuiteDraft::default()
    };
    draft.choose_base(found.iter().filter_map(|one| {
        let url = one.local(&one.url());
        Some(variables.base(&url)?.0)
    }));
    let mut reader = BruReader {
        draft,
        variables,
        read,
        edges: Vec::new(),
    };
    let mut steps: Vec<_> = (found.iter().enumerate())
        .map(|(index, one)| Some(reader.request(index, one)))
        .collect();
    let BruReader {
        mut draft,
        variables,
        edges,
        ..
    } = reader;
    for group in groups(steps.len(), &edges) {
        let members = group.iter().filter_map(|index| steps[*index].take()).collect();
        draft.add_group(members);
    }
    variables.declare(&mut draft, "a variable of the collection");
    draft.declare_variables("a value of a request that is not imported");
    Ok(draft)
}

/// What a collection or a folder gives to the requests in it.
#[derive(Clone, Debug, Default)]
struct BruLevel {
    headers: Vec<BruPair>,
    /// The mode of authentication, and its values.
    auth: Option<(String, Vec<BruPair>)>,
    vars: Vec<BruPair>,
}

impl BruLevel {
    fn of_collection(file: &BruFile, notes: &mut Vec<String>) -> Self {
        let mut level = Self::default();
        level.add(file, "the collection", notes);
        level
    }

    fn without_vars(&self) -> Self {
        Self {
            vars: Vec::new(),
            ..self.clone()
        }
    }

    /// Adds the settings of a folder in it.
    fn add(&mut self, file: &BruFile, owner: &str, notes: &mut Vec<String>) {
        self.headers.extend(file.enabled("headers").cloned());
        self.vars.extend(file.enabled("vars:pre-request").cloned());
        let mode = file.value("auth", "mode").unwrap_or_default();
        if !matches!(mode, "" | "none" | "inherit") {
            self.auth = Some((mode.to_owned(), auth_of(file, mode)));
        }
        for (block, what) in [
            ("script:pre-request", "pre-request script"),
            ("script:post-response", "post-response script"),
            ("tests", "tests"),
        ] {
            if file.text(block).is_some() {
                notes.push(format!("the {what} of {owner}"));
            }
        }
        let is_set = file.enabled("vars:post-response").next().is_some();
        notes.extend(is_set.then(|| format!("the variables of responses of {owner}")));
    }
}

fn auth_of(file: &BruFile, mode: &str) -> Vec<BruPair> {
    file.pairs(&format!("auth:{mode}")).cloned().collect()
}

/// A request with what it has from its folders.
struct BruRequest {
    /// Its name with those of its folders.
    title: String,
    level: BruLevel,
    file: BruFile,
    /// The block of the method.
    block: String,
}

impl BruRequest {
    fn value(&self, key: &str) -> &str {
        self.file.value(&self.block, key).unwrap_or_default()
    }

    fn url(&self) -> String {
        self.value("url").to_owned()
    }

    /// A text with the values of variables of the request and its folders. Credentials stay variables.
    fn local(&self, text: &str) -> String {
        let own = self.file.enabled("vars:pre-request");
        let vars: Vec<&BruPair> = self.level.vars.iter().chain(own).collect();
        let mut text = text.to_owned();
        // A value can contain variables.
        for _ in 0..4 {
            if vars.is_empty() || !text.contains("{{") {
                break;
            }
            for pair in vars.iter().rev() {
                if !is_credential(&pair.name) {
                    text = text.replace(&format!("{{{{{}}}}}", pair.name), &pair.value);
                }
            }
        }
        text
    }

    fn method(&self) -> String {
        let method = if self.block == "http" {
            self.value("method")
        } else {
            &self.block
        };
        method.to_ascii_uppercase()
    }

    /// A name, which cannot contain variables in a case.
    fn literal(&self, name: &str, notes: &mut Vec<String>) -> String {
        let name = self.local(name);
        if name.contains("{{") {
            notes.push(format!("the variable in the name `{}`", short(&name)));
        }
        name
    }
}

/// Collects the requests of a collection in the order of a run.
struct BruCollector {
    files: BTreeMap<String, BruFile>,
    found: Vec<BruRequest>,
    notes: Vec<String>,
}

impl BruCollector {
    /// Adds the requests of the folder with this path, which ends with `/`: first those of the folders in it.
    fn folder(&mut self, path: &str, names: &[String], level: &BruLevel) {
        let mut folders: Vec<(Option<u64>, String)> = Vec::new();
        let mut requests: Vec<(u64, String)> = Vec::new();
        for (file, content) in self.files.range(path.to_owned()..) {
            let Some(rest) = file.strip_prefix(path) else { break };
            match rest.split_once('/') {
                Some((folder, _)) => {
                    if !folders.iter().any(|(_, known)| known == folder) {
                        let own = self.files.get(&format!("{path}{folder}/folder.bru"));
                        folders.push((own.and_then(seq), folder.to_owned()));
                    }
                }
                None if rest == "folder.bru" => {}
                None => requests.push((seq(content).unwrap_or(1), file.clone())),
            }
        }
        // A folder without a number is after those with one.
        folders.sort_by_key(|(seq, _)| seq.unwrap_or(u64::MAX));
        requests.sort_by_key(|(seq, _)| *seq);
        for (_, folder) in folders {
            let path = format!("{path}{folder}/");
            let mut level = level.clone();
            let mut name = folder;
            if let Some(file) = self.files.remove(&format!("{path}folder.bru")) {
                if let Some(own) = file.value("meta", "name").filter(|own| !own.is_empty()) {
                    own.clone_into(&mut name);
                }
                level.add(&file, &format!("the folder `{}`", short(&name)), &mut self.notes);
            }
            let names: Vec<_> = names.iter().cloned().chain([name]).collect();
            self.folder(&path, &names, &level);
        }
        for (_, path) in requests {
            if let Some(file) = self.files.remove(&path) {
                self.request(&path, file, names, level);
            }
        }
    }

    fn request(&mut self, path: &str, file: BruFile, names: &[String], level: &BruLevel) {
        let base = path.rsplit('/').next().unwrap_or(path).trim_end_matches(".bru");
        let name = file
            .value("meta", "name")
            .filter(|name| !name.is_empty())
            .unwrap_or(base);
        let title = names.iter().map(String::as_str).chain([name]).map(short);
        let title = title.collect::<Vec<_>>().join(" / ");
        let blocks = file.blocks.iter().map(|block| block.name.as_str());
        let block = blocks.clone().find(|name| METHODS.contains(name) || *name == "http");
        let Some(block) = block.map(str::to_owned) else {
            let kind = blocks.clone().find(|name| matches!(*name, "grpc" | "ws" | "app"));
            self.notes.push(match kind {
                Some(kind) => format!("{title}: a request of the type `{kind}`"),
                None => format!("the file `{}`: it has no request", short(path)),
            });
            return;
        };
        self.found.push(BruRequest {
            title,
            level: level.clone(),
            file,
            block,
        });
    }
}

/// The place of a request in its folder.
fn seq(file: &BruFile) -> Option<u64> {
    file.value("meta", "seq")?.parse().ok()
}

struct BruReader<'r> {
    draft: SuiteDraft,
    variables: Variables,
    read: ReadFile<'r>,
    edges: Vec<(usize, usize)>,
}

impl BruReader<'_> {
    fn request(&mut self, index: usize, one: &BruRequest) -> ImportedStep {
        let mut notes = Vec::new();
        self.variables.needs.clear();
        if one.file.text("script:pre-request").is_some() {
            notes.push("the pre-request script".to_owned());
        }
        let examples = one.file.blocks.iter().filter(|block| block.name == "example").count();
        notes.extend((0..examples).map(|_| "an example".to_owned()));
        let mut tool = ToolRequest {
            method: one.method(),
            style: UrlStyle::bruno(),
            ..ToolRequest::default()
        };
        for pair in one.level.headers.iter().chain(one.file.enabled("headers")) {
            if !pair.name.is_empty() {
                let value = self.text(one, &pair.value, &mut notes);
                set_header(&mut tool.headers, &one.literal(&pair.name, &mut notes), value);
            }
        }
        let user = self.authenticate(one, &mut tool, &mut notes);
        self.url(one, &mut tool, &mut notes);
        content::set(self, one, &mut tool, &mut notes);
        let mut step = DraftStep::default();
        let skip = tool.fill(&mut step, user, None, &mut self.draft, &mut notes);
        let timeout = one
            .file
            .value("settings", "timeout")
            .and_then(|time| time.parse::<u64>().ok());
        step.timeout = timeout.filter(|time| *time > 0).map(|time| format!("{time}ms"));
        let needs = std::mem::take(&mut self.variables.needs);
        self.edges.extend(needs.into_iter().map(|other| (other, index)));
        let script = expect::read(&one.file);
        step.expect = script.expect;
        for (variable, source) in script.sets {
            let name = self.variables.capture(&variable, index, &mut self.draft);
            step.captures.push(DraftCapture {
                is_secret: is_credential(&name),
                name,
                source,
            });
        }
        step.notes = notes;
        let tags = one.file.pairs("meta").find(|pair| pair.name == "tags");
        ImportedStep {
            name: one.title.clone(),
            description: one.file.text("docs").map(str::to_owned),
            tags: tags.map(|pair| pair.items.clone()).unwrap_or_default(),
            skip,
            step,
        }
    }

    /// A text of a request with the variables of the suite.
    fn text(&mut self, one: &BruRequest, text: &str, notes: &mut Vec<String>) -> String {
        let text = one.local(text);
        self.variables.text(&text, &mut self.draft, notes)
    }

    /// Adds the credentials; those of Basic authentication are returned.
    fn authenticate(
        &mut self,
        one: &BruRequest,
        tool: &mut ToolRequest,
        notes: &mut Vec<String>,
    ) -> Option<(String, String)> {
        let own = one.value("auth");
        let (mode, values) = match own {
            "" | "none" => return None,
            "inherit" => one.level.auth.clone()?,
            own => (own.to_owned(), auth_of(&one.file, own)),
        };
        let mut value = |key: &str| {
            let pair = values.iter().find(|pair| pair.name == key);
            let value = pair.map(|pair| pair.value.clone()).unwrap_or_default();
            self.text(one, &value, notes)
        };
        match mode.as_str() {
            "basic" => {
                let user = (value("username"), value("password"));
                tool.headers
                    .retain(|(name, _)| !name.eq_ignore_ascii_case("authorization"));
                return Some(user);
            }
            "bearer" => {
                let token = value("token");
                set_header(&mut tool.headers, "Authorization", format!("Bearer {token}"));
            }
            "apikey" => {
                let (name, key, placement) = (value("key"), value("value"), value("placement"));
                let is_query = placement == "queryparams";
                let kind = if is_query { "query parameter" } else { "header field" };
                let location = format!("the {kind} `{name}`");
                let key = Secrets::new(&mut self.draft).secret(&name_of(&name), &key, &location);
                if is_query {
                    tool.url = format!("{name}={key}");
                } else {
                    set_header(&mut tool.headers, &name, key);
                }
            }
            other => {
                let help = match other {
                    "awsv4" => "sign the requests with `[targets.NAME.sigv4]`",
                    "oauth2" => "use `oauth2` as the source of a secret of the target",
                    _ => "define the token of the target as a secret, and send it in a header field",
                };
                notes.push(format!("the authentication `{}`: {help}", short(other)));
            }
        }
        None
    }

    /// The URL with its path parameters. `tool.url` is a parameter to add to the query.
    fn url(&mut self, one: &BruRequest, tool: &mut ToolRequest, notes: &mut Vec<String>) {
        let parameter = std::mem::take(&mut tool.url);
        let mut url = one.local(&one.url());
        if let Some((base, rest)) = self.variables.base(&url) {
            tool.base = Some(base);
            url = rest;
        } else if !url.contains("://") && !url.starts_with("{{") {
            url.insert_str(0, "http://");
        }
        let url = url.split('#').next().unwrap_or_default();
        let (path, query) = url
            .split_once('?')
            .map_or((url, None), |(path, query)| (path, Some(query)));
        let parameters: Vec<&BruPair> = one.file.enabled("params:path").collect();
        let start = path.find("://").map_or(0, |at| at + 3);
        let segments = path[start..].split('/').map(|segment| {
            let of = |name: &str| {
                let mut named = parameters.iter().filter(|pair| pair.name == name);
                named
                    .next()
                    .map(|pair| pair.value.clone())
                    .filter(|value| !value.trim().is_empty())
            };
            match segment.strip_prefix(':').and_then(of) {
                Some(value) => value,
                None => segment.to_owned(),
            }
        });
        let mut segments: Vec<String> = segments.collect();
        if !parameters.is_empty() {
            // With parameters, empty segments are left out.
            let last = segments.len().saturating_sub(1);
            let mut number = 0;
            segments.retain(|segment| {
                number += 1;
                !segment.is_empty() || number == 1 || number > last
            });
        }
        let mut text = format!("{}{}", &path[..start], segments.join("/"));
        if let Some(query) = query {
            text = format!("{text}?{query}");
        }
        let mut text = self.text(one, &text, notes);
        if one.file.value("settings", "encodeUrl") == Some("true") {
            text = content::encoded_url(&text, tool.base.is_some());
        }
        if !parameter.is_empty() {
            text.push(if text.contains('?') { '&' } else { '?' });
            text.push_str(&parameter);
        }
        tool.url = text;
    }
}

/// Sets a header field; an earlier one of this name is replaced.
fn set_header(headers: &mut Vec<(String, String)>, name: &str, value: String) {
    match headers.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
        Some((_, known)) => *known = value,
        None => headers.push((name.to_owned(), value)),
    }
}
