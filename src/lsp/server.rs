//! The loop of the server: messages in, messages out, projects read between them.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, SendError, Sender, after, never, select, unbounded};
use lsp_server::{Connection, ErrorCode, Message, Notification, Request, RequestId, Response};
use serde_json::{Value, json};

use super::{
    actions,
    completion::completions,
    diagnostics::ShownDiagnostic,
    hover::hover,
    jobs::{self, EndedRun},
    position::LineIndex,
    project::{DiagnosticsByFile, JobResult, OpenProject, ReadProject},
    protocol::{
        ActionParams, ChangeParams, ClientFacts, CommandParams, DocumentParams, OpenParams, PositionParams, TextChange,
        failure, notification, params,
    },
    role::{FileRole, project_of},
    uri::{path_of, uri_of},
    view::DocumentView,
};
use crate::{
    model::Exit,
    source::{FileKind, Overlay, Span, read_text},
};

/// The client has closed the connection.
struct ConnectionClosed;

impl<T> From<SendError<T>> for ConnectionClosed {
    fn from(_: SendError<T>) -> Self {
        Self
    }
}

/// Serves one client on standard input and output until it asks for the end or closes the connection.
pub(crate) fn serve() -> Exit {
    let (connection, threads) = Connection::stdio();
    let (exit, is_input_ended) = LanguageServer::new(connection.sender.clone()).run(&connection.receiver);
    drop(connection);
    // What was sent is written. A reader that still waits for its client would not end.
    if is_input_ended {
        drop(threads.join());
    }
    exit
}

/// A document that is open in the client.
struct OpenDocument {
    uri: String,
    text: Arc<str>,
}

/// A server of one client.
struct LanguageServer {
    client: Sender<Message>,
    /// `None` until `initialize`.
    facts: Option<ClientFacts>,
    is_shut_down: bool,
    documents: BTreeMap<PathBuf, OpenDocument>,
    projects: BTreeMap<PathBuf, OpenProject>,
    done: (Sender<JobResult>, Receiver<JobResult>),
    /// Requests about projects that have not been read yet.
    waiting: Vec<Request>,
}

impl LanguageServer {
    fn new(client: Sender<Message>) -> Self {
        Self {
            client,
            facts: None,
            is_shut_down: false,
            documents: BTreeMap::new(),
            projects: BTreeMap::new(),
            done: unbounded(),
            waiting: Vec::new(),
        }
    }

    /// The exit code, and whether the client sends nothing more.
    fn run(mut self, messages: &Receiver<Message>) -> (Exit, bool) {
        let done = self.done.1.clone();
        let is_input_ended = loop {
            let next = self.projects.values().filter_map(OpenProject::due).min();
            let timer = next.map_or_else(never, |due| {
                after(
                    due.saturating_duration_since(Instant::now())
                        .max(Duration::from_millis(1)),
                )
            });
            let result = select! {
                recv(messages) -> message => match message {
                    Ok(Message::Notification(one)) if one.method == "exit" => break true,
                    Ok(message) => self.message(message),
                    Err(_) => break true,
                },
                recv(done) -> job => job.map_or(Ok(()), |job| self.finish(job)),
                recv(timer) -> _ => {
                    self.read_due();
                    Ok(())
                }
            };
            if result.is_err() {
                break false;
            }
        };
        // The protocol defines these two codes.
        let exit = if self.is_shut_down {
            Exit::Success
        } else {
            Exit::ContractViolated
        };
        (exit, is_input_ended)
    }

    fn message(&mut self, message: Message) -> Result<(), ConnectionClosed> {
        match message {
            Message::Request(request) => self.request(request),
            Message::Notification(one) if self.facts.is_some() && !self.is_shut_down => self.notification(one),
            // Before `initialize`, notifications are dropped. Responses are to registrations, which may fail.
            Message::Notification(_) | Message::Response(_) => Ok(()),
        }
    }

    fn request(&mut self, request: Request) -> Result<(), ConnectionClosed> {
        let id = request.id.clone();
        let response = match request.method.as_str() {
            _ if self.is_shut_down => failure(id, ErrorCode::InvalidRequest, "the server is shut down"),
            "initialize" if self.facts.is_none() => self.initialize(request),
            "initialize" => failure(id, ErrorCode::InvalidRequest, "the server is initialized already"),
            _ if self.facts.is_none() => failure(id, ErrorCode::ServerNotInitialized, "`initialize` comes first"),
            "shutdown" => {
                self.is_shut_down = true;
                Response::new_ok(id, Value::Null)
            }
            _ if self.has_to_wait(&request) => {
                self.waiting.push(request);
                return Ok(());
            }
            _ => self.answer(&request),
        };
        self.send(Message::Response(response))
    }

    fn initialize(&mut self, request: Request) -> Response {
        let facts = ClientFacts::of(&request.params);
        let capabilities = json!({
            "positionEncoding": facts.unit.name(),
            "textDocumentSync": { "openClose": true, "change": 1, "save": true },
            "completionProvider": { "triggerCharacters": ["{", " ", "\"", "/", "#", "|", "$"] },
            "hoverProvider": true,
            "codeLensProvider": {},
            "codeActionProvider": { "codeActionKinds": ["quickfix"] },
            "executeCommandProvider": { "commands": [actions::RUN] },
        });
        self.facts = Some(facts);
        let server = json!({ "name": "conforme", "version": env!("CARGO_PKG_VERSION") });
        Response::new_ok(
            request.id,
            json!({ "capabilities": capabilities, "serverInfo": server }),
        )
    }

    /// Answers a request; an internal error is a response, and not the end of the server.
    fn answer(&mut self, request: &Request) -> Response {
        let answer = catch_unwind(AssertUnwindSafe(|| self.result(request)));
        answer.unwrap_or_else(|_| {
            failure(
                request.id.clone(),
                ErrorCode::InternalError,
                "internal error (please report)",
            )
        })
    }

    fn result(&mut self, request: &Request) -> Response {
        let id = request.id.clone();
        match request.method.as_str() {
            "textDocument/completion" | "textDocument/hover" => {
                let result = params(request).map(
                    |PositionParams {
                         text_document: document,
                         position,
                     }| {
                        self.view(&document.uri, |view| {
                            let offset = LineIndex::new(view.text, view.unit).offset(position);
                            match request.method.as_str() {
                                "textDocument/hover" => hover(view, offset),
                                _ => completions(view, offset),
                            }
                        })
                    },
                );
                result.map_or_else(
                    |failure| failure,
                    |result| Response::new_ok(id, result.unwrap_or_default()),
                )
            }
            "textDocument/codeLens" => {
                let result = params(request).map(
                    |DocumentParams {
                         text_document: document,
                     }| self.view(&document.uri, actions::lenses),
                );
                result.map_or_else(
                    |failure| failure,
                    |result| Response::new_ok(id, result.unwrap_or_default()),
                )
            }
            "textDocument/codeAction" => {
                let result = params(request).map(
                    |ActionParams {
                         text_document: document,
                         range,
                     }| {
                        self.view(&document.uri, |view| {
                            let project = self.projects.get(&view.inspected.workspace.project.root);
                            project.map(|project| actions::actions(view, &document.uri, &range, project))
                        })
                    },
                );
                let result = result.map(Option::flatten);
                result.map_or_else(
                    |failure| failure,
                    |result| Response::new_ok(id, result.unwrap_or_default()),
                )
            }
            "workspace/executeCommand" => {
                params(request).map_or_else(|failure| failure, |command| self.execute(id, &command))
            }
            method => failure(id, ErrorCode::MethodNotFound, format!("no method `{method}`")),
        }
    }

    /// Runs cases; the result is shown when they have ended.
    fn execute(&mut self, id: RequestId, command: &CommandParams) -> Response {
        let argument = |at: usize| command.arguments.get(at).and_then(Value::as_str).map(str::to_owned);
        let (Some(case), true) = (argument(0), command.command == actions::RUN) else {
            let message = format!("`{}` is not a command with the id of a case", command.command);
            return failure(id, ErrorCode::InvalidParams, message);
        };
        let known = self
            .projects
            .keys()
            .find(|root| argument(1).is_none_or(|wanted| root.as_path() == Path::new(&wanted)));
        let Some(root) = known.cloned() else {
            return failure(id, ErrorCode::InvalidParams, "no such project is open");
        };
        let target = self.facts.as_ref().and_then(|facts| facts.settings.target.clone());
        let done = self.done.0.clone();
        std::thread::spawn(move || drop(done.send(JobResult::Ran(jobs::run(&root, &case, target.as_deref())))));
        Response::new_ok(id, Value::Null)
    }

    /// Applies a function to an open document of a project that has been read.
    fn view<T>(&self, uri: &str, apply: impl FnOnce(&DocumentView<'_>) -> T) -> Option<T> {
        let path = path_of(uri)?;
        let text = &self.documents.get(&path)?.text;
        let overlay = self.overlay();
        let root = project_of(&path, &overlay)?;
        let inspected = self.projects.get(&root)?.inspected.as_ref()?;
        let role = FileRole::of(&path, inspected);
        let unit = self.facts.as_ref()?.unit;
        let (path, overlay) = (path.as_path(), &overlay);
        Some(apply(&DocumentView {
            path,
            text,
            role,
            unit,
            overlay,
            inspected,
        }))
    }

    fn notification(&mut self, one: Notification) -> Result<(), ConnectionClosed> {
        match one.method.as_str() {
            "initialized" => self.initialized()?,
            "textDocument/didOpen" => {
                if let Ok(OpenParams {
                    text_document: document,
                }) = serde_json::from_value(one.params)
                {
                    self.open(document.uri, &document.text);
                }
            }
            "textDocument/didChange" => {
                if let Ok(ChangeParams {
                    text_document: document,
                    content_changes: changes,
                }) = serde_json::from_value(one.params)
                {
                    self.edit(&document.uri, &changes);
                }
            }
            "textDocument/didClose" => {
                if let Ok(DocumentParams {
                    text_document: document,
                }) = serde_json::from_value(one.params)
                    && let Some(path) = path_of(&document.uri)
                {
                    self.documents.remove(&path);
                    self.changed(&path);
                }
            }
            "textDocument/didSave" => {
                let document = serde_json::from_value(one.params).ok();
                let document = document.map(
                    |DocumentParams {
                         text_document: document,
                     }| document.uri,
                );
                if let Some(path) = document.as_deref().and_then(path_of) {
                    self.changed(&path);
                    if let Some(root) = project_of(&path, &self.overlay()) {
                        self.measure(&root);
                    }
                }
            }
            // Files that are not open.
            "workspace/didChangeWatchedFiles" => self.projects.values_mut().for_each(OpenProject::change),
            _ => {}
        }
        Ok(())
    }

    /// Asks for news about files, and begins with the projects of the client's folders.
    fn initialized(&mut self) -> Result<(), ConnectionClosed> {
        let Some(facts) = &self.facts else { return Ok(()) };
        let folders: Vec<_> = facts.folders.iter().filter_map(|uri| path_of(uri)).collect();
        if facts.watches_files {
            let watchers = json!([{ "globPattern": "**/*.{yaml,yml,json,toml}" }]);
            let registration = json!([{
                "id": "files", "method": "workspace/didChangeWatchedFiles", "registerOptions": { "watchers": watchers },
            }]);
            let params = json!({ "registrations": registration });
            let request = Request::new(
                "files".to_owned().into(),
                "client/registerCapability".to_owned(),
                params,
            );
            self.send(Message::Request(request))?;
        }
        for folder in folders {
            let overlay = self.overlay();
            if let Some(root) = project_of(&folder.join("cases").join("any"), &overlay) {
                self.projects.entry(root).or_default().change();
            }
        }
        Ok(())
    }

    fn open(&mut self, uri: String, text: &str) {
        let Some(path) = path_of(&uri) else { return };
        let text = text.strip_prefix('\u{feff}').unwrap_or(text).into();
        self.documents.insert(path.clone(), OpenDocument { uri, text });
        self.changed(&path);
    }

    fn edit(&mut self, uri: &str, changes: &[TextChange]) {
        let unit = self.facts.as_ref().map(|facts| facts.unit).unwrap_or_default();
        let Some(path) = path_of(uri) else { return };
        let Some(document) = self.documents.get_mut(&path) else {
            return;
        };
        for change in changes {
            let Some(range) = change.range else {
                document.text = change.text.as_str().into();
                continue;
            };
            let lines = LineIndex::new(&document.text, unit);
            let (start, end) = (lines.offset(range.start), lines.offset(range.end));
            let mut text = document.text.to_string();
            text.replace_range(start..end.max(start), &change.text);
            document.text = text.into();
        }
        self.projects.values_mut().for_each(|project| project.forget(&path));
        self.changed(&path);
    }

    /// Notes that the text of a file has changed.
    fn changed(&mut self, path: &Path) {
        if let Some(root) = project_of(path, &self.overlay()) {
            self.projects.entry(root).or_default().change();
        }
    }

    /// Measures the suite of a project by the recording that the client names.
    fn measure(&mut self, root: &Path) {
        let recording = self
            .facts
            .as_ref()
            .and_then(|facts| facts.settings.recording.as_deref());
        if let (Some(recording), Some(project)) = (recording, self.projects.get_mut(root)) {
            project.measure(root, recording, self.done.0.clone());
        }
    }

    /// The text of the open documents.
    fn overlay(&self) -> Overlay {
        let texts = self.documents.iter();
        Overlay::new(
            texts
                .map(|(path, document)| (path.clone(), Arc::clone(&document.text)))
                .collect(),
        )
    }

    fn read_due(&mut self) {
        let (overlay, now) = (self.overlay(), Instant::now());
        let unit = self.facts.as_ref().map(|facts| facts.unit).unwrap_or_default();
        for (root, project) in &mut self.projects {
            if project.due().is_some_and(|due| due <= now) {
                project.read(root, overlay.clone(), unit, self.done.0.clone());
            }
        }
    }

    fn finish(&mut self, job: JobResult) -> Result<(), ConnectionClosed> {
        match job {
            JobResult::Read(read) => self.take(read),
            JobResult::Measured(root, advised) => {
                if let Some(project) = self.projects.get_mut(&root) {
                    project.advise(advised);
                }
                Ok(())
            }
            JobResult::Ran(run) => self.show_run(run),
        }
    }

    /// Takes over a project that was read: shows its diagnostics, and answers the requests that waited for it.
    fn take(&mut self, read: ReadProject) -> Result<(), ConnectionClosed> {
        let Some(project) = self.projects.get_mut(&read.root) else {
            return Ok(());
        };
        let is_first = project.inspected.is_none();
        project.take(read.read);
        self.publish_project(&read.root)?;
        for request in std::mem::take(&mut self.waiting) {
            self.request(request)?;
        }
        if is_first {
            self.measure(&read.root);
        }
        Ok(())
    }

    /// Shows how a run has ended: a message, and the failed checks at their lines.
    fn show_run(&mut self, run: EndedRun) -> Result<(), ConnectionClosed> {
        let unit = self.facts.as_ref().map(|facts| facts.unit).unwrap_or_default();
        let mut failures = DiagnosticsByFile::new();
        for failure in run.failures {
            let text = match self.documents.get(&failure.path) {
                Some(document) => document.text.to_string(),
                None => read_text(&failure.path, FileKind::Suite).unwrap_or_default(),
            };
            let (line, column) = (failure.line, failure.column);
            let span = Span {
                line,
                column,
                end_line: line,
                end_column: u32::MAX,
                ..Span::default()
            };
            let lines = LineIndex::new(&text, unit);
            let shown = ShownDiagnostic::of_run(lines.range(lines.bytes(span)), failure.message);
            failures.entry(failure.path).or_default().push(shown);
        }
        if let Some(project) = self.projects.get_mut(&run.root) {
            project.failures = failures;
        }
        self.publish_project(&run.root)?;
        let kind = if run.has_passed { 3 } else { 1 };
        self.send(notification(
            "window/showMessage",
            json!({ "type": kind, "message": run.message }),
        ))
    }

    /// Shows the diagnostics of all files of a project, and none where there were some before.
    fn publish_project(&mut self, root: &Path) -> Result<(), ConnectionClosed> {
        let Some(project) = self.projects.get_mut(root) else {
            return Ok(());
        };
        let mut shown: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for path in project.files() {
            let uri = match self.documents.get(&path) {
                Some(document) => Some(document.uri.clone()),
                None => uri_of(&path),
            };
            shown.extend(uri.map(|uri| (uri, project.diagnostics(&path))));
        }
        let before = std::mem::replace(&mut project.published, shown.keys().cloned().collect());
        for uri in before {
            shown.entry(uri).or_default();
        }
        for (uri, diagnostics) in shown {
            let params = json!({ "uri": uri, "diagnostics": diagnostics });
            self.send(notification("textDocument/publishDiagnostics", params))?;
        }
        Ok(())
    }

    /// Whether a request is about a project that is being read for the first time.
    fn has_to_wait(&self, request: &Request) -> bool {
        let uri = request.params.pointer("/textDocument/uri").and_then(Value::as_str);
        let root = uri
            .and_then(path_of)
            .and_then(|path| project_of(&path, &self.overlay()));
        root.and_then(|root| self.projects.get(&root))
            .is_some_and(OpenProject::is_awaited)
    }

    fn send(&self, message: Message) -> Result<(), ConnectionClosed> {
        Ok(self.client.send(message)?)
    }
}
