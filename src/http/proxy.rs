//! The proxy that the environment names for a target (`HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`).

use std::path::{Path, PathBuf};

use hyper_util::client::proxy::matcher::Matcher;

use crate::{
    model::{Access, shown},
    project::Target,
};

/// How a target is reached.
#[derive(Clone, Debug)]
pub(super) enum Route {
    /// Directly.
    Direct,
    /// Requests go to an HTTP proxy in absolute form.
    Forward {
        /// The proxy.
        proxy: http::Uri,
        /// `Proxy-Authorization`.
        auth: Option<http::HeaderValue>,
    },
    /// Through a tunnel of an HTTP proxy (`CONNECT`).
    Tunnel {
        /// The proxy.
        proxy: http::Uri,
        /// `Proxy-Authorization`.
        auth: Option<http::HeaderValue>,
    },
    /// Through a SOCKS5 proxy.
    Socks {
        /// The proxy.
        proxy: http::Uri,
        /// User and password.
        auth: Option<(String, String)>,
    },
}

/// The access data that a command needs to reach the target like a run; `root` is the project's folder.
pub fn access(target: &Target, root: &Path, use_proxy: bool) -> Access {
    let file = |path: &PathBuf| shown(root, path);
    let mut access = Access {
        ca_file: target.tls.ca.as_ref().map(file),
        client_cert: target.tls.client.as_ref().map(|(chain, _)| file(chain)),
        client_key: target.tls.client.as_ref().map(|(_, key)| file(key)),
        identities: (target.identities.iter())
            .map(|(name, files)| (name.clone(), (file(&files.cert), file(&files.key))))
            .collect(),
        ..Access::default()
    };
    let is_secure = target.base.is_secure();
    let of_scheme = if is_secure {
        ["HTTPS_PROXY", "https_proxy"]
    } else {
        ["HTTP_PROXY", "http_proxy"]
    };
    // In the order in which `Matcher::from_env` reads them.
    let mut names = of_scheme.into_iter().chain(["ALL_PROXY", "all_proxy"]);
    let Some(variable) = names.find(|name| std::env::var(name).is_ok_and(|value| !value.is_empty())) else {
        return access;
    };
    let is_direct = || {
        let uri: Option<http::Uri> = target.base.origin.parse().ok();
        uri.is_none_or(|uri| matches!(route(&uri), Ok(Route::Direct) | Err(_)))
    };
    if !use_proxy || is_direct() {
        access.no_proxy = true;
    } else {
        access.proxy = Some(variable.to_owned());
    }
    access
}

/// The route to a target according to the environment.
pub(super) fn route(target: &http::Uri) -> Result<Route, String> {
    // The matcher takes `*` for every name, and not for addresses.
    let except = ["NO_PROXY", "no_proxy"]
        .iter()
        .find_map(|name| std::env::var(name).ok());
    if except.is_some_and(|except| except.split(',').any(|one| one.trim() == "*")) {
        return Ok(Route::Direct);
    }
    let matcher = Matcher::from_env();
    let Some(intercept) = matcher.intercept(target) else {
        return Ok(Route::Direct);
    };
    let proxy = intercept.uri().clone();
    let auth = intercept.basic_auth().cloned();
    match proxy.scheme_str() {
        Some("http") if target.scheme_str() == Some("https") => Ok(Route::Tunnel { proxy, auth }),
        Some("http") => Ok(Route::Forward { proxy, auth }),
        Some("socks5" | "socks5h") => Ok(Route::Socks {
            proxy,
            auth: intercept
                .raw_auth()
                .map(|(user, password)| (user.to_owned(), password.to_owned())),
        }),
        other => Err(format!(
            "the proxy of the environment has the scheme `{}`: only `http` and `socks5` are supported",
            other.unwrap_or_default()
        )),
    }
}
