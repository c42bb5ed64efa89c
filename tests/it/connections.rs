//! Connections: TLS, HTTP/2, proxies, base URLs, and requests that arrive as the case declares them.

pub(crate) mod secure;

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use rcgen::{CertificateParams, date_time_ymd};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use secure::{Authority, Identity, Secure};

use crate::support::{Project, Ran, Raw, Server, Then, next_request, ran, response};

const BOTH: &[&str] = &["h2", "http/1.1"];

fn good() -> Vec<u8> {
    response("HTTP/1.1 200 OK\nContent-Type: text/plain", "good")
}

/// Runs a project against a URL, and reports as JSON.
fn run(project: &Project, url: &str, more: &[&str]) -> Ran {
    let mut command = project.command(&["run", "--report", "json", "--timeout", "3s", "--target", url]);
    ran(command.args(more))
}

/// A project of one case, with the authority in `ca.pem`.
fn trusting(authority: &Authority) -> Project {
    let project = Project::of_case("status: 200");
    project.write("ca.pem", &authority.pem());
    project
}

/// The case ended without a verdict, for this reason.
fn errored(ran: &Ran, part: &str) {
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    let case = ran.case("s/c");
    assert_eq!(case["verdict"], "errored");
    let reason = case["reason"].as_str().unwrap_or_default();
    assert!(reason.contains(part), "{part:?} is in {reason:?}");
}

/// A server that keeps what it is sent.
fn recording() -> (Server, Arc<Mutex<Vec<String>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let server = Server::start(move |request| {
        log.lock().unwrap().push(request.to_owned());
        (good(), Then::Keep)
    });
    (server, seen)
}

/// The only request that came.
fn only(seen: &Mutex<Vec<String>>) -> String {
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 1, "{seen:#?}");
    seen[0].clone()
}

/// The value of a field of a request.
fn field<'a>(request: &'a str, name: &str) -> Vec<&'a str> {
    let lines = request.lines().take_while(|line| !line.is_empty());
    let fields = lines.filter_map(|line| line.split_once(": "));
    fields
        .filter(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
        .collect()
}

#[test]
fn an_authority_is_trusted_by_flag_and_by_configuration() {
    let authority = Authority::new();
    let server = Secure::start(&authority.local(), BOTH, None);
    let project = trusting(&authority);
    assert_eq!(run(&project, &server.url(), &["--ca-file", "ca.pem"]).code, 0);
    let text = format!("[targets.t]\nbase_url = \"{}\"\nca_file = \"ca.pem\"\n", server.url());
    project.write("conforme.toml", &text);
    let ran = run(&project, "t", &[]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

#[test]
fn an_extra_authority_is_enough_where_the_platform_has_none() {
    let authority = Authority::new();
    let server = Secure::start(&authority.local(), BOTH, None);
    let project = trusting(&authority);
    let mut command = project.command(&["run", "--target", &server.url(), "--ca-file", "ca.pem"]);
    let ran = ran(command.env("SSL_CERT_FILE", "/nowhere").env("SSL_CERT_DIR", "/nowhere"));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

#[test]
fn the_roots_of_the_platform_are_trusted() {
    let authority = Authority::new();
    let server = Secure::start(&authority.local(), BOTH, None);
    let project = trusting(&authority);
    let mut command = project.command(&["run", "--target", &server.url()]);
    let ran = ran(command.env("SSL_CERT_FILE", project.path().join("ca.pem")));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

#[test]
fn a_certificate_of_an_unknown_authority_is_no_verdict() {
    let server = Secure::start(&Authority::new().local(), BOTH, None);
    let project = trusting(&Authority::new());
    errored(
        &run(&project, &server.url(), &["--ca-file", "ca.pem"]),
        "the certificate is not trusted",
    );
    assert!(server.seen().is_empty());
}

#[test]
fn expired_or_foreign_certificate_gives_no_verdict() {
    let authority = Authority::new();
    let expire = |params: &mut CertificateParams| {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
    };
    let expired = authority.issue(&["127.0.0.1"], expire);
    let other = authority.issue(&["api.example.com"], |_| {});
    let project = trusting(&authority);
    for (identity, part) in [
        (expired, "certificate expired"),
        (other, "not valid for `127.0.0.1`: it is for api.example.com"),
    ] {
        let server = Secure::start(&identity, BOTH, None);
        errored(&run(&project, &server.url(), &["--ca-file", "ca.pem"]), part);
    }
}

#[test]
fn a_handshake_that_stops_half_way_is_no_verdict() {
    let project = Project::of_case("status: 200");
    let closes = Raw::start(|mut stream| drop(stream.read(&mut [0; 1000])));
    let hangs = Raw::start(|mut stream| drop(stream.read_to_end(&mut Vec::new())));
    let plain = Raw::start(|mut stream| {
        drop(stream.read(&mut [0; 1000]));
        drop(stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n"));
    });
    for (server, part) in [
        (closes, "failed to open a secure connection"),
        (hangs, "TLS handshake"),
        (plain, "failed to open a secure connection"),
    ] {
        let url = server.url().replace("http:", "https:");
        let start = Instant::now();
        errored(&run(&project, &url, &[]), part);
        assert!(start.elapsed() < Duration::from_secs(4));
    }
}

#[test]
fn a_client_certificate_is_shown_to_a_server_that_demands_one() {
    let authority = Authority::new();
    let client = authority.issue(&["client"], |_| {});
    let project = trusting(&authority);
    project.write("client.pem", &client.certificate);
    project.write("client.key", &client.key);
    for protocols in [BOTH, &["http/1.1"]] {
        let server = Secure::start(&authority.local(), protocols, Some(&authority));
        let target = format!("base_url = \"{}\"\nca_file = \"ca.pem\"\n", server.url());
        let keys = "client_cert = \"client.pem\"\nclient_key = \"client.key\"\n";
        project.write(
            "conforme.toml",
            &format!("[targets.with]\n{target}{keys}[targets.without]\n{target}"),
        );
        let ran = run(&project, "with", &[]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        errored(&run(&project, "without", &[]), "requires a client certificate");
        assert_eq!(server.seen().len(), 1);
    }
}

#[test]
fn a_case_can_have_an_identity_and_expect_its_refusal() {
    let (authority, other) = (Authority::new(), Authority::new());
    let project = trusting(&authority);
    let issued = [("own", &authority), ("second", &authority), ("wrong", &other)].map(|(name, authority)| {
        let identity = authority.issue(&[name], |_| {});
        project.write(&format!("{name}.pem"), &identity.certificate);
        project.write(&format!("{name}.key"), &identity.key);
        CertificateDer::from_pem_slice(identity.certificate.as_bytes())
            .unwrap()
            .to_vec()
    });
    let cases = [
        ("suite", "request: { path: / }\nexpect: { status: 200 }\n"),
        ("c", "request: { path: /own }\n"),
        ("second", "{ identity: second, request: { path: /second } }\n"),
        ("wrong", "{ identity: wrong, expect: { tls: refused } }\n"),
        ("none", "{ identity: none, expect: { tls: refused } }\n"),
        (
            "steps",
            "\
identity: second
steps:
  - { id: a, request: { path: /a } }
  - { id: b, identity: null, request: { path: /b } }
  - { id: c, identity: wrong, expect: { tls: refused } }
  - { id: d, request: { path: /d } }
",
        ),
    ];
    for (name, text) in cases {
        project.write(&format!("cases/s/{name}.yaml"), text);
    }
    for protocols in [BOTH, &["http/1.1"]] {
        let server = Secure::start(&authority.local(), protocols, Some(&authority));
        let identity = |name| format!("{name} = {{ cert = \"{name}.pem\", key = \"{name}.key\" }}\n");
        project.write(
            "conforme.toml",
            &format!(
                "[targets.t]\nbase_url = \"{}\"\nca_file = \"ca.pem\"\nclient_cert = \"own.pem\"\nclient_key = \
                 \"own.key\"\n[targets.t.identities]\n{}{}",
                server.url(),
                identity("second"),
                identity("wrong")
            ),
        );
        let ran = run(&project, "t", &["--record", "r.ndjson", "-v"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        let mut peers = server.peers();
        peers.sort();
        let [own, second, _] = &issued;
        let of = |path: &str, peer: &Vec<u8>| (path.to_owned(), peer.clone());
        let expected = [
            of("/a", second),
            of("/b", own),
            of("/d", second),
            of("/own", own),
            of("/second", second),
        ];
        assert_eq!(peers, expected);
        for arguments in [&["recheck", "r.ndjson"][..], &["mutate", "r.ndjson"]] {
            let ran = project.run(arguments);
            assert_eq!(ran.code, 0, "{ran:?}");
            assert!(!ran.stdout.contains("TLS"), "{ran:?}");
        }
        std::fs::remove_file(project.path().join("r.ndjson")).unwrap();
        // A certificate that is accepted, and one that is rejected, where the opposite is expected.
        project.write("cases/s/c.yaml", "{ identity: second, expect: { tls: refused } }\n");
        project.write("cases/s/second.yaml", "{ identity: wrong, expect: { status: 401 } }\n");
        let ran = run(&project, "t", &["s/c", "s/second"]);
        assert_eq!(ran.code, 1, "{ran:?}");
        assert_eq!(ran.case("s/c")["steps"][0]["findings"][0]["check"], "tls/refused");
        assert_eq!(ran.case("s/second")["verdict"], "errored");
        assert!(ran.stderr.contains(" --cert second.pem --key second.key "), "{ran:?}");
        project.write("cases/s/c.yaml", cases[1].1);
        project.write("cases/s/second.yaml", cases[2].1);
    }
}

#[test]
fn misuse_of_identities_is_an_error_at_its_line() {
    let project = Project::new(&[
        ("cases/s/suite.yaml", "request: { path: / }\nexpect: { status: 200 }\n"),
        ("cases/s/a.yaml", "identity: partnr\n"),
        ("cases/s/b.yaml", "expect: { tls: refsued }\n"),
        ("cases/s/c.yaml", "expect: { tls: refused, status: 400 }\n"),
        ("cases/s/d.yaml", "identity: partner\n"),
        (
            "conforme.toml",
            "[targets.t]\nbase_url = \"http://127.0.0.1:1\"\n[targets.t.identities]\npartner = { cert = \"a\" }\n\
             none = { cert = \"a\", key = \"b\" }\nunused = { cert = \"a\", key = \"b\" }\n",
        ),
    ]);
    let ran = project.run(&["validate"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    for expected in [
        "no target has an identity `partnr`\n --> cases/s/a.yaml:1:11",
        "`refsued` cannot be expected of TLS\n --> cases/s/b.yaml:1:16",
        "`status` is never checked: with `tls: refused` there is no response\n --> cases/s/c.yaml:1:25",
        "an identity has a `cert` and a `key`\n --> conforme.toml:4:11",
        "`none` is reserved: `identity: none` sends no certificate\n --> conforme.toml:5:1",
        "the target does not use TLS, so it sees no certificate\n --> conforme.toml:6:1",
        "no case uses the identity `unused`\n --> conforme.toml:6:1",
    ] {
        assert!(ran.stderr.contains(expected), "{expected}\n{}", ran.stderr);
    }
}

#[test]
fn invalid_certificate_file_ends_run_before_requests() {
    let authority = Authority::new();
    let Identity { certificate, key } = authority.local();
    let server = Raw::start(drop);
    let url = server.url().replace("http:", "https:");
    let project = Project::of_case("status: 200");
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for text in ["", "no PEM", broken, &key] {
        project.write("ca.pem", text);
        let ran = run(&project, &url, &["--ca-file", "ca.pem"]);
        assert_eq!(ran.code, 2, "{text}: {}", ran.stderr);
        assert!(
            ran.stderr.contains("nothing was sent") && ran.stderr.contains("ca.pem"),
            "{}",
            ran.stderr
        );
    }
    assert_eq!(run(&project, &url, &["--ca-file", "missing.pem"]).code, 2);
    let other = authority.local().key;
    for (certificate, key) in [
        (&certificate, &"x".to_owned()),
        (&"x".to_owned(), &key),
        (&certificate, &other),
    ] {
        project.write("client.pem", certificate);
        project.write("client.key", key);
        let keys = "client_cert = \"client.pem\"\nclient_key = \"client.key\"\n";
        project.write("conforme.toml", &format!("[targets.t]\nbase_url = \"{url}\"\n{keys}"));
        let ran = run(&project, "t", &[]);
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        assert!(ran.stderr.contains("nothing was sent"), "{}", ran.stderr);
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn the_version_of_http_is_what_the_server_offers() {
    let authority = Authority::new();
    let project = trusting(&authority);
    for (protocols, version) in [(BOTH, "HTTP/2.0"), (&["http/1.1"], "HTTP/1.1"), (&[], "HTTP/1.1")] {
        let server = Secure::start(&authority.local(), protocols, None);
        let ran = run(&project, &server.url(), &["--ca-file", "ca.pem"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert_eq!(
            ran.case("s/c")["steps"][0]["exchange"]["outcome"]["response"]["version"],
            version
        );
        assert_eq!(server.seen(), [format!("{version} 127.0.0.1:{} /", server.port)]);
    }
}

#[test]
fn a_case_can_name_another_host_in_both_versions_of_http() {
    let authority = Authority::new();
    let project = trusting(&authority);
    project.write(
        "cases/s/c.yaml",
        "request: { path: /, headers: { host: other.example } }\nexpect: { status: 200 }\n",
    );
    for (protocols, version) in [(BOTH, "HTTP/2.0"), (&["http/1.1"], "HTTP/1.1")] {
        let server = Secure::start(&authority.local(), protocols, None);
        let ran = run(&project, &server.url(), &["--ca-file", "ca.pem"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert_eq!(server.seen(), [format!("{version} other.example /")]);
    }
}

#[test]
fn many_cases_share_one_connection_of_http2_and_few_of_http1() {
    let authority = Authority::new();
    let project = trusting(&authority);
    for number in 0..80 {
        let text = format!("request: {{ path: /{number} }}\nexpect: {{ status: 200 }}\n");
        project.write(&format!("cases/s/n{number}.yaml"), &text);
    }
    for (protocols, most) in [(BOTH, 1), (&["http/1.1"], 8 + 48)] {
        let server = Secure::start(&authority.local(), protocols, None);
        let ran = run(&project, &server.url(), &["--ca-file", "ca.pem", "-j", "8"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert_eq!(server.seen().len(), 81);
        assert!(server.connections() <= most, "{} connections", server.connections());
    }
}

#[test]
fn a_forward_proxy_gets_the_request_in_absolute_form() {
    let (proxy, seen) = recording();
    let project = Project::of_case("status: 200");
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
        seen.lock().unwrap().clear();
        let mut command = project.command(&["run", "--target", "http://api.example.com/v1"]);
        let ran = ran(command.env(name, proxy.url().replace("//", "//user:pass@")));
        assert_eq!(ran.code, 0, "{name}: {}", ran.stdout);
        let request = only(&seen);
        assert!(
            request.starts_with("GET http://api.example.com/v1/ HTTP/1.1\r\n"),
            "{request}"
        );
        assert_eq!(field(&request, "host"), ["api.example.com"]);
        assert_eq!(field(&request, "proxy-authorization"), ["Basic dXNlcjpwYXNz"]);
    }
}

#[test]
fn no_proxy_is_asked_where_the_environment_says_so() {
    let (proxy, seen) = recording();
    let (server, direct) = recording();
    let project = Project::of_case("status: 200");
    for except in ["127.0.0.1", "127.0.0.0/8", "*"] {
        direct.lock().unwrap().clear();
        let mut command = project.command(&["run", "--target", &server.url()]);
        let ran = ran(command.env("HTTP_PROXY", proxy.url()).env("NO_PROXY", except));
        assert_eq!(ran.code, 0, "{}", ran.stdout);
        assert!(only(&direct).starts_with("GET / HTTP/1.1\r\n"));
        assert!(seen.lock().unwrap().is_empty());
    }
}

#[test]
fn a_secure_target_is_reached_through_a_tunnel() {
    let authority = Authority::new();
    let server = Secure::start(&authority.local(), BOTH, None);
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (log, port) = (Arc::clone(&asked), server.port);
    let proxy = Raw::start(move |mut stream| {
        let Some(request) = next_request(&mut stream, &mut Vec::new()) else {
            return;
        };
        log.lock().unwrap().push(request);
        let Ok(mut target) = TcpStream::connect(("127.0.0.1", port)) else {
            return;
        };
        drop(stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n"));
        let (mut from, mut to) = (stream.try_clone().unwrap(), target.try_clone().unwrap());
        std::thread::spawn(move || drop(std::io::copy(&mut from, &mut to)));
        drop(std::io::copy(&mut target, &mut stream));
    });
    let project = trusting(&authority);
    let arguments = ["run", "--target", &server.url(), "--ca-file", "ca.pem"];
    let ran = ran(project.command(&arguments).env("HTTPS_PROXY", proxy.url()));
    assert_eq!(ran.code, 0, "{}", ran.stdout);
    assert!(only(&asked).starts_with(&format!("CONNECT 127.0.0.1:{port} HTTP/1.1\r\n")));
}

#[test]
fn a_proxy_that_refuses_a_tunnel_is_no_verdict() {
    let proxy = Server::always("HTTP/1.1 407 Proxy Authentication Required", "");
    let project = Project::of_case("status: 200");
    let mut command = project.command(&["run", "--report", "json", "--target", "https://api.example.com"]);
    errored(&ran(command.env("HTTPS_PROXY", proxy.url())), "proxy");
}

#[test]
fn a_base_url_has_a_prefix_or_a_slash_or_neither() {
    let (server, seen) = recording();
    let case = |path: &str| format!("request: {{ {path} }}\nexpect: {{ status: 200 }}\n");
    for (suffix, path, line) in [
        ("", "path: /a", "/a"),
        ("/", "path: /a", "/a"),
        ("/v1/api", "path: /a/", "/v1/api/a/"),
        ("/v1/", "path: /a", "/v1/a"),
        ("", "path: /, query: { q: x }", "/?q=x"),
        ("/v1", "path: /, query: { q: x }", "/v1/?q=x"),
    ] {
        seen.lock().unwrap().clear();
        let project = Project::new(&[("cases/s/c.yaml", &case(path))]);
        let ran = run(&project, &format!("{}{suffix}", server.url()), &[]);
        assert_eq!(ran.code, 0, "{suffix} {path}: {}{}", ran.stdout, ran.stderr);
        assert!(
            only(&seen).starts_with(&format!("GET {line} HTTP/1.1\r\n")),
            "{suffix} {path}"
        );
    }
}

#[test]
fn a_base_url_may_be_an_address_of_ipv6() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&log);
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        return;
    }
    let server = Raw::at("[::1]:0", move |mut stream| {
        let mut buffer: Vec<u8> = Vec::new();
        while let Some(request) = next_request(&mut stream, &mut buffer) {
            kept.lock().unwrap().push(request);
            drop(stream.write_all(&good()));
        }
    });
    let ran = run(&Project::of_case("status: 200"), &server.url(), &[]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(field(&only(&log), "host"), [format!("[::1]:{}", server.port())]);
}

#[test]
fn path_query_and_headers_arrive_as_they_are_declared() {
    let (server, seen) = recording();
    let project = Project::new(&[(
        "cases/s/c.yaml",
        "request:
  path: /users/{id}/x
  params: { id: \"a/b ?#%ü\" }
  query: { q: [\"1&2\", \"ä b\"], r: \"\" }
  headers: { x-many: [one, two], accept: text/plain }
expect: { status: 200 }
",
    )]);
    let headers = "headers = { x-key = \"{{ token }}\", x-plain = \"p\" }\nsecrets = { token = { env = \"T\" } }";
    project.write(
        "conforme.toml",
        &format!("[targets.t]\nbase_url = \"{}\"\n{headers}\n", server.url()),
    );
    let ran = ran(project.command(&["run", "--target", "t"]).env("T", "s3cr3t-token"));
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let request = only(&seen);
    let line = "GET /users/a%2Fb%20%3F%23%25%C3%BC/x?q=1%262&q=%C3%A4%20b&r= HTTP/1.1\r\n";
    assert!(request.starts_with(line), "{request}");
    assert_eq!(field(&request, "x-many"), ["one", "two"]);
    assert_eq!(field(&request, "accept"), ["text/plain"]);
    assert_eq!(field(&request, "x-key"), ["s3cr3t-token"]);
    assert_eq!(field(&request, "x-plain"), ["p"]);
    assert_eq!(field(&request, "host"), [server.url().replace("http://", "")]);
    assert!(field(&request, "content-length").is_empty() && field(&request, "content-type").is_empty());
}

#[test]
fn content_arrives_as_it_is_declared() {
    for (body, kind, bytes) in [
        (
            "json: { a: [1, \"ü\"] }",
            &["application/json"][..],
            "{\"a\":[1,\"ü\"]}",
        ),
        ("text: \"ünï\"", &["text/plain; charset=utf-8"], "ünï"),
        (
            "form: { a: [\"1&\", \"2\"], b: \"x y\" }",
            &["application/x-www-form-urlencoded"],
            "a=1%26&a=2&b=x%20y",
        ),
        ("file: data.bin", &[], "bytes\r\n\u{0}of a file"),
    ] {
        let (server, seen) = recording();
        let text = format!("request: {{ method: POST, path: /, body: {{ {body} }} }}\nexpect: {{ status: 200 }}\n");
        let project = Project::new(&[
            ("cases/s/c.yaml", &text),
            ("cases/s/data.bin", "bytes\r\n\u{0}of a file"),
        ]);
        let ran = run(&project, &server.url(), &[]);
        assert_eq!(ran.code, 0, "{body}: {}{}", ran.stdout, ran.stderr);
        let request = only(&seen);
        assert_eq!(
            request.split_once("\r\n\r\n").map(|(_, body)| body),
            Some(bytes),
            "{request}"
        );
        assert_eq!(field(&request, "content-type"), kind);
        assert_eq!(field(&request, "content-length"), [bytes.len().to_string()]);
    }
}
