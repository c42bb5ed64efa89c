//! The API under test, in a thread of this process.

use std::{
    any::Any,
    net::SocketAddr,
    sync::mpsc,
    thread::{self, JoinHandle},
};

use tokio::sync::oneshot;

use crate::project::Secret;

/// An API that has been started: its URL, and the values that are known since then.
#[derive(Default)]
#[must_use = "it is returned to `ContractTests::run`"]
pub struct RunningApi {
    base_url: String,
    vars: Vec<(String, String)>,
    secrets: Vec<(String, String)>,
    kept: Vec<Box<dyn Any>>,
}

impl RunningApi {
    /// An API at a URL: `http://127.0.0.1:8080/api`.
    pub fn at(base_url: impl Into<String>) -> Self {
        Self {
            base_url: base_url.into(),
            ..Self::default()
        }
    }

    /// The value of an input, such as the id of a user that was just created.
    pub fn var(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.vars.push((name.into(), value.into()));
        self
    }

    /// The value of a secret input, such as a token. It is masked in all output.
    pub fn secret(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.secrets.push((name.into(), value.into()));
        self
    }

    /// Keeps a value until the last test has ended, such as a temporary folder or a process that ends when it is dropped.
    pub fn keep(mut self, value: impl Any) -> Self {
        self.kept.push(Box::new(value));
        self
    }
}

impl From<String> for RunningApi {
    fn from(base_url: String) -> Self {
        Self::at(base_url)
    }
}

impl From<&str> for RunningApi {
    fn from(base_url: &str) -> Self {
        Self::at(base_url)
    }
}

impl From<SocketAddr> for RunningApi {
    /// The API is at `http://ADDRESS`.
    fn from(address: SocketAddr) -> Self {
        Self::at(format!("http://{address}"))
    }
}

/// What a run needs of a [`RunningApi`], and the thread that it runs in.
pub(super) struct ServedApi {
    pub(super) base_url: String,
    pub(super) vars: Vec<(String, String)>,
    pub(super) secrets: Vec<(String, Secret)>,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl ServedApi {
    /// Ends the runtime of the API.
    pub(super) fn stop(self) {
        drop(self.stop);
        // What it kept has been dropped; a panic while dropping it was printed.
        drop(self.thread.join());
    }
}

/// Starts an API in a runtime of its own. The error is a sentence.
pub(super) fn serve<A: Into<RunningApi>>(start: impl AsyncFnOnce() -> A + Send + 'static) -> Result<ServedApi, String> {
    let (ready, started) = mpsc::channel();
    let (stop, stopped) = oneshot::channel::<()>();
    let serve = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = match runtime {
            Ok(runtime) => runtime,
            Err(error) => return drop(ready.send(Err(error.to_string()))),
        };
        runtime.block_on(async {
            let RunningApi {
                base_url,
                vars,
                secrets,
                kept,
            } = start().await.into();
            drop(ready.send(Ok((base_url, vars, secrets))));
            drop(stopped.await);
            drop(kept);
        });
        // A task of the API can block its thread.
        runtime.shutdown_background();
    };
    let thread = thread::Builder::new().name("api".to_owned()).spawn(serve);
    let thread = thread.map_err(|error| format!("the API did not start: {error}"))?;
    let (base_url, vars, secrets) = match started.recv() {
        Ok(Ok(started)) => started,
        Ok(Err(error)) => return Err(format!("the API did not start: {error}")),
        Err(_) => return Err(format!("the API did not start: {}", panic_text(thread))),
    };
    let secret = |(name, value): (String, String)| match Secret::new(value) {
        Ok(secret) => Ok((name, secret)),
        Err(error) => Err(format!("the secret `{name}`: {error}")),
    };
    let secrets: Result<_, String> = secrets.into_iter().map(secret).collect();
    Ok(ServedApi {
        base_url,
        vars,
        secrets: secrets?,
        stop,
        thread,
    })
}

/// The message of the panic that ended a thread.
fn panic_text(thread: JoinHandle<()>) -> String {
    let Err(panic) = thread.join() else {
        return "its thread ended".to_owned();
    };
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("it panicked").to_owned()
}
