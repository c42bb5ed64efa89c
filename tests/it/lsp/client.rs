//! A client of `conforme lsp` over pipes.

#![expect(clippy::needless_pass_by_value, reason = "a message is made where it is sent")]

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::{Child, ChildStdin, Stdio},
    sync::mpsc::{Receiver, channel},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::support::{Project, conforme};

/// Maximum time until the server sends what a test waits for.
const WAIT: Duration = Duration::from_mins(1);

/// A client with one server.
pub(crate) struct Client {
    server: Child,
    input: Option<ChildStdin>,
    messages: Receiver<Value>,
    next_id: u64,
    /// What the server sent while the test waited for something else.
    kept: Vec<Value>,
}

impl Client {
    /// Starts a server without `initialize`.
    pub(crate) fn start(project: &Project) -> Self {
        Self::start_with(project, &[])
    }

    /// The same with environment variables.
    pub(crate) fn start_with(project: &Project, variables: &[(&str, &str)]) -> Self {
        let mut command = conforme();
        command
            .arg("lsp")
            .current_dir(project.path())
            .envs(variables.iter().copied());
        let mut server = (command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit()))
        .spawn()
        .expect("a server");
        let mut output = BufReader::new(server.stdout.take().expect("an output"));
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            loop {
                let (mut line, mut length) = (String::new(), 0);
                while output.read_line(&mut line).is_ok_and(|read| read > 2) {
                    length = line
                        .trim()
                        .strip_prefix("Content-Length: ")
                        .map_or(length, |text| text.parse().unwrap());
                    line.clear();
                }
                let mut body = vec![0; length];
                if length == 0 || output.read_exact(&mut body).is_err() {
                    break;
                }
                drop(sender.send(serde_json::from_slice(&body).expect("JSON")));
            }
        });
        Self {
            input: server.stdin.take(),
            server,
            messages,
            next_id: 1,
            kept: Vec::new(),
        }
    }

    /// Starts a server and initializes it.
    pub(crate) fn of(project: &Project, params: Value) -> Self {
        Self::of_with(project, params, &[])
    }

    /// The same with environment variables.
    pub(crate) fn of_with(project: &Project, params: Value, variables: &[(&str, &str)]) -> Self {
        let mut client = Self::start_with(project, variables);
        let response = client.request("initialize", params);
        assert!(response["result"]["capabilities"].is_object(), "{response}");
        client.notify("initialized", json!({}));
        client
    }

    pub(crate) fn send(&mut self, mut message: Value) {
        message["jsonrpc"] = "2.0".into();
        let text = message.to_string();
        let input = self.input.as_mut().expect("an open pipe");
        write!(input, "Content-Length: {}\r\n\r\n{text}", text.len()).expect("a server that reads");
        input.flush().unwrap();
    }

    pub(crate) fn notify(&mut self, method: &str, params: Value) {
        self.send(json!({ "method": method, "params": params }));
    }

    /// Sends a request and returns its response.
    pub(crate) fn request(&mut self, method: &str, params: Value) -> Value {
        let id = self.next_id;
        self.next_id += 1;
        self.send(json!({ "id": id, "method": method, "params": params }));
        self.wait_for(|message| message["id"] == id && message["method"].is_null())
    }

    /// The next message that is wanted; others are kept.
    pub(crate) fn wait_for(&mut self, is_wanted: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.kept.iter().position(&is_wanted) {
            return self.kept.remove(at);
        }
        let end = Instant::now() + WAIT;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let message = self
                .messages
                .recv_timeout(left)
                .unwrap_or_else(|_| panic!("nothing: {:?}", self.kept));
            if is_wanted(&message) {
                return message;
            }
            self.kept.push(message);
        }
    }

    /// Everything that arrives until nothing has arrived for this long.
    pub(crate) fn rest(&mut self, quiet: Duration) -> Vec<Value> {
        let mut all = std::mem::take(&mut self.kept);
        while let Ok(message) = self.messages.recv_timeout(quiet) {
            all.push(message);
        }
        all
    }

    pub(crate) fn open(&mut self, project: &Project, file: &str, text: &str) {
        let document = json!({ "uri": uri(project, file), "languageId": "yaml", "version": 1, "text": text });
        self.notify("textDocument/didOpen", json!({ "textDocument": document }));
    }

    pub(crate) fn change(&mut self, project: &Project, file: &str, text: &str) {
        let document = json!({ "uri": uri(project, file), "version": 2 });
        let params = json!({ "textDocument": document, "contentChanges": [{ "text": text }] });
        self.notify("textDocument/didChange", params);
    }

    /// The next diagnostics of a file.
    pub(crate) fn diagnostics(&mut self, project: &Project, file: &str) -> Vec<Value> {
        let uri = uri(project, file);
        let is_wanted = |message: &Value| {
            message["method"] == "textDocument/publishDiagnostics" && message["params"]["uri"] == uri.as_str()
        };
        let message = self.wait_for(is_wanted);
        message["params"]["diagnostics"].as_array().expect("a list").clone()
    }

    /// Waits until a file has a diagnostic with this text.
    pub(crate) fn shows(&mut self, project: &Project, file: &str, text: &str) -> Value {
        loop {
            let all = self.diagnostics(project, file).into_iter();
            let mut found = all.filter(|one| one["message"].as_str().unwrap().contains(text));
            if let Some(one) = found.next() {
                return one;
            }
        }
    }

    /// Waits until a file has no diagnostics.
    pub(crate) fn shows_nothing(&mut self, project: &Project, file: &str) {
        while !self.diagnostics(project, file).is_empty() {}
    }

    /// Sends a request about a position, the `^` in a text that the file gets.
    pub(crate) fn at(&mut self, method: &str, project: &Project, file: &str, text: &str) -> Value {
        let (before, _) = text.split_once('^').expect("a position");
        let line = before.matches('\n').count();
        let character = before.rsplit('\n').next().unwrap().encode_utf16().count();
        self.change(project, file, &text.replacen('^', "", 1));
        let params = json!({
            "textDocument": { "uri": uri(project, file) }, "position": { "line": line, "character": character },
        });
        self.request(method, params)["result"].clone()
    }

    /// The labels of the completions at `^`.
    pub(crate) fn labels(&mut self, project: &Project, file: &str, text: &str) -> Vec<String> {
        let result = self.at("textDocument/completion", project, file, text);
        let items = result["items"].as_array().cloned().unwrap_or_default();
        items
            .iter()
            .map(|item| item["label"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Closes the pipe to the server.
    pub(crate) fn close(&mut self) {
        self.input = None;
    }

    /// The exit code of the server.
    pub(crate) fn code(&mut self) -> Option<i32> {
        let end = Instant::now() + WAIT;
        while Instant::now() < end {
            if let Some(status) = self.server.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the server does not end");
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

/// The URI of a file of a project.
pub(crate) fn uri(project: &Project, file: &str) -> String {
    let path = project.path().canonicalize().unwrap().join(file);
    url::Url::from_file_path(path).unwrap().to_string()
}
