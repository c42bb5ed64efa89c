//! Starting, serving several requests, and stopping in time.

use std::io::ErrorKind;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use chrono::TimeDelta;

use super::wire::{RawConnection, authority, send};
use super::{LOOPBACK, PAGE_TIMESTAMP, bearer, clock_at, path_of, server};
use crate::reference::{ACTIVATIONS_KEPT, ACTIVATIONS_PATH, STOP_GRACE, Seed, Server, system_clock};

/// Tolerance for a loaded machine.
const SLACK: Duration = Duration::from_secs(15);

#[test]
fn the_base_names_the_bound_port() {
    let server = server();
    let port = server
        .base_url()
        .strip_prefix("http://127.0.0.1:")
        .unwrap()
        .strip_suffix("/api")
        .unwrap();
    assert_ne!(port.parse::<u16>().unwrap(), 0);
    assert!(TcpStream::connect(authority(&server)).is_ok());
}

#[test]
fn a_server_on_every_address_is_named_by_the_loopback_one() {
    let every = "0.0.0.0:0".parse().unwrap();
    let server = Server::start(&Seed::embedded(), every, system_clock()).unwrap();
    assert!(
        server.base_url().starts_with("http://127.0.0.1:"),
        "{}",
        server.base_url()
    );
}

#[test]
fn a_port_in_use_is_an_error_of_the_start() {
    let server = server();
    let taken = authority(&server).parse().unwrap();
    let error = Server::start(&Seed::embedded(), taken, system_clock()).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
}

#[test]
fn a_connection_serves_many_requests_and_many_at_once() {
    let server = server();
    let path = path_of("customer_tenant_id", "user_id");
    let fields = bearer("token");
    let mut connection = RawConnection::open(&server);
    for _ in 0..20 {
        assert_eq!(connection.send("POST", &path, &fields, "").status(), 204);
        assert_eq!(connection.send("POST", &path, "", "").status(), 401);
        assert_eq!(connection.send("GET", "/", "", "").body.len(), 95);
    }
    connection.write(&format!("POST {path} HTTP/1.1\r\nHost: h\r\n{fields}\r\n").repeat(50));
    for _ in 0..50 {
        assert_eq!(connection.read("POST").status(), 204);
    }
    assert_eq!(server.activation_count(), 70);
}

#[test]
fn small_responses_are_not_delayed() {
    let server = server();
    let mut connection = RawConnection::open(&server);
    let begun = Instant::now();
    for _ in 0..100 {
        // The second response would wait for the acknowledgment of the first, which may take 40 ms.
        connection.write(&"GET / HTTP/1.1\r\nHost: h\r\n\r\n".repeat(2));
        connection.read("GET");
        connection.read("GET");
    }
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[test]
fn system_clock_dates_responses() {
    let server = Server::start(&Seed::embedded(), LOOPBACK, system_clock()).unwrap();
    let before = chrono::Utc::now();
    let body: serde_json::Value = serde_json::from_str(&send(&server, "GET", "/", "").body).unwrap();
    let at: chrono::DateTime<chrono::Utc> = body["timestamp"].as_str().unwrap().parse().unwrap();
    // The timestamp is cut to 100 ns.
    assert!(
        at >= before - TimeDelta::nanoseconds(100) && at <= chrono::Utc::now(),
        "{at}"
    );
}

/// Activates one user `hundreds` * 100 times.
fn activate(server: &Server, hundreds: usize) {
    let (path, fields) = (path_of("customer_tenant_id", "user_id"), bearer("token"));
    let request = format!("POST {path} HTTP/1.1\r\nHost: h\r\n{fields}\r\n");
    let mut connection = RawConnection::open(server);
    for _ in 0..hundreds {
        connection.write(&request.repeat(100));
        for _ in 0..100 {
            assert_eq!(connection.read("POST").status(), 204);
        }
    }
}

#[test]
fn only_the_newest_activations_are_kept_and_all_are_counted() {
    let begin = clock_at(PAGE_TIMESTAMP)();
    let asked = AtomicI64::new(0);
    let ticking = Arc::new(move || begin + TimeDelta::seconds(asked.fetch_add(1, Relaxed)));
    let server = Server::start(&Seed::embedded(), LOOPBACK, ticking).unwrap();
    activate(&server, ACTIVATIONS_KEPT / 100 + 2);
    let kept = server.activations();
    assert_eq!(kept.len(), ACTIVATIONS_KEPT);
    assert_eq!(kept[0].at.0, begin + TimeDelta::seconds(200));
    assert!(kept.is_sorted_by_key(|activation| activation.at));
    assert_eq!(server.activation_count(), ACTIVATIONS_KEPT as u64 + 200);
    let listed = send(&server, "GET", ACTIVATIONS_PATH, "");
    assert_eq!(listed.header("x-total-count"), Some("10200"));
    let listed: Vec<serde_json::Value> = serde_json::from_str(&listed.body).unwrap();
    assert_eq!(listed.len(), ACTIVATIONS_KEPT);
}

/// How long a server with idle connections takes to be dropped.
fn time_of_a_drop() -> Duration {
    let server = server();
    let address = authority(&server).to_owned();
    let mut used = RawConnection::open(&server);
    used.send("GET", "/", "", "");
    let unused = RawConnection::open(&server);
    let begun = Instant::now();
    drop(server);
    let time = begun.elapsed();
    assert_eq!(used.rest().unwrap(), "");
    // A connection that was not yet accepted is reset, any other is closed in order.
    match unused.rest() {
        Ok(rest) => assert_eq!(rest, ""),
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
    assert!(TcpStream::connect(address).is_err());
    time
}

#[test]
fn a_drop_closes_idle_connections_at_once_and_frees_the_port() {
    // More than once, because a loaded machine may take the grace's time for anything.
    assert!((0..5).any(|_| time_of_a_drop() < STOP_GRACE));
}

#[test]
fn drop_waits_up_to_grace_for_client_that_does_not_read() {
    let server = server();
    activate(&server, 10);
    let mut deaf = RawConnection::open(&server);
    // About 20 MB of responses, more than the socket buffers can contain.
    deaf.write(&format!("GET {ACTIVATIONS_PATH} HTTP/1.1\r\nHost: h\r\n\r\n").repeat(100));
    thread::sleep(Duration::from_millis(200));
    let begun = Instant::now();
    drop(server);
    assert!(begun.elapsed() >= STOP_GRACE, "the client was not in the way");
    assert!(begun.elapsed() < STOP_GRACE + SLACK, "{:?}", begun.elapsed());
}

#[test]
fn a_drop_does_not_wait_for_the_rest_of_a_request() {
    for (first, half) in [
        ("", "POST / HTTP/1.1\r\nHost: h"),
        ("", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nx"),
        ("GET / HTTP/1.1\r\nHost: h\r\n\r\n", "POST / HTTP/1.1\r\nHost: h"),
    ] {
        let server = server();
        let mut slow = RawConnection::open(&server);
        slow.write(&format!("{first}{half}"));
        thread::sleep(Duration::from_millis(50));
        let begun = Instant::now();
        drop(server);
        assert!(begun.elapsed() < STOP_GRACE + SLACK, "{:?}", begun.elapsed());
    }
}

#[test]
fn a_foreground_server_waits_until_it_is_stopped() {
    let server = server();
    let stop = server.stop_handle();
    let mut kept_alive = RawConnection::open(&server);
    kept_alive.send("GET", "/", "", "");
    let waiting = thread::spawn(move || server.wait());
    thread::sleep(Duration::from_millis(50));
    assert!(!waiting.is_finished());
    assert_eq!(kept_alive.send("GET", "/", "", "").status(), 404);
    stop.stop();
    stop.stop();
    assert!(waiting.join().unwrap().is_ok());
}

#[test]
fn a_server_starts_and_stops_inside_another_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let server = Server::start(&Seed::embedded(), LOOPBACK, clock_at(PAGE_TIMESTAMP)).unwrap();
        assert_eq!(send(&server, "GET", "/", "").status(), 404);
    });
}
