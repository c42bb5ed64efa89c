//! The limit: the same requests over kept connections, and the same checks, with nothing around them.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::{
    Method,
    header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap},
};

use crate::suite::{self, Case};

type Anything = Box<dyn std::error::Error + Send + Sync>;

struct Work {
    base: String,
    cases: Vec<Case>,
    next: AtomicUsize,
    passed: AtomicUsize,
    schema: jsonschema::Validator,
    stamp: regex::Regex,
}

impl Work {
    fn next(&self) -> Option<&Case> {
        self.cases.get(self.next.fetch_add(1, Relaxed))
    }

    fn judge(&self, case: &Case, status: u16, headers: &HeaderMap, body: &[u8]) {
        let kind = headers.get(CONTENT_TYPE).map(|value| value.as_bytes());
        let passes = match &case.body {
            None => status == case.status && kind.is_none() && body.is_empty(),
            Some(expected) => {
                let body: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
                let stamp = body["timestamp"].as_str().unwrap_or_default();
                status == case.status
                    && kind == Some(suite::CONTENT_TYPE.as_bytes())
                    && expected.iter().all(|(name, value)| body.get(name) == Some(value))
                    && (body.get("errorCode").is_none() || expected.contains_key("errorCode"))
                    && self.stamp.is_match(stamp)
                    && self.schema.is_valid(&body)
            }
        };
        if passes {
            self.passed.fetch_add(1, Relaxed);
        }
    }
}

/// Runs the lines of `folder` against `base`; whether all of them pass.
pub fn run(client: &str, base: &str, folder: &Path, jobs: usize) -> Result<bool, Anything> {
    let schema: serde_json::Value = serde_json::from_slice(&fs::read(folder.join("schema.json"))?)?;
    let text = fs::read_to_string(folder.join("cases.jsonl"))?;
    let work = Arc::new(Work {
        base: base.to_owned(),
        cases: text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?,
        next: AtomicUsize::new(0),
        passed: AtomicUsize::new(0),
        schema: jsonschema::validator_for(&schema)?,
        stamp: regex::Regex::new(suite::STAMP)?,
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let shared = reqwest::Client::builder()
            .no_proxy()
            .pool_max_idle_per_host(jobs)
            .build()?;
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..jobs.min(work.cases.len()) {
            let work = Arc::clone(&work);
            if client == "hyper" {
                tasks.spawn(with_hyper(work));
            } else {
                tasks.spawn(with_reqwest(work, shared.clone()));
            }
        }
        while let Some(done) = tasks.join_next().await {
            done??;
        }
        Ok(work.passed.load(Relaxed) == work.cases.len())
    })
}

fn authorization() -> String {
    format!("Bearer {}", suite::TOKEN)
}

async fn with_reqwest(work: Arc<Work>, client: reqwest::Client) -> Result<(), Anything> {
    while let Some(case) = work.next() {
        let mut request = client.post(format!("{}{}", work.base, case.path));
        if case.has_token {
            request = request.header(AUTHORIZATION, authorization());
        }
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        work.judge(case, status, &headers, &response.bytes().await?);
    }
    Ok(())
}

async fn with_hyper(work: Arc<Work>) -> Result<(), Anything> {
    let host_and_path = work.base.strip_prefix("http://").unwrap_or(&work.base);
    let (host, prefix) = host_and_path.split_once('/').unwrap_or((host_and_path, ""));
    let stream = tokio::net::TcpStream::connect(host).await?;
    stream.set_nodelay(true)?;
    let stream = hyper_util::rt::TokioIo::new(stream);
    let (mut sender, connection) = hyper::client::conn::http1::handshake::<_, Empty<Bytes>>(stream).await?;
    tokio::spawn(connection);
    while let Some(case) = work.next() {
        let mut request = hyper::Request::builder()
            .method(Method::POST)
            .uri(format!("/{prefix}{}", case.path))
            .header(HOST, host);
        if case.has_token {
            request = request.header(AUTHORIZATION, authorization());
        }
        sender.ready().await?;
        let (head, body) = sender.send_request(request.body(Empty::new())?).await?.into_parts();
        work.judge(
            case,
            head.status.as_u16(),
            &head.headers,
            &body.collect().await?.to_bytes(),
        );
    }
    Ok(())
}
