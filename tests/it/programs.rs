//! Servers that are programs of their own.

use std::{
    net::{TcpListener, TcpStream},
    process::{Child, ChildStdout, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread::sleep,
    time::{Duration, Instant},
};

/// Maximum time until a server accepts connections.
const START: Duration = Duration::from_secs(30);

/// A server that ends with the test.
pub(crate) struct Running(Child);

impl Running {
    /// Starts a server and waits until it accepts connections on these ports.
    pub(crate) fn start(command: &mut Command, ports: &[u16]) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut server = Self(command.spawn().expect("the server starts"));
        let begun = Instant::now();
        while ports
            .iter()
            .any(|port| TcpStream::connect(("127.0.0.1", *port)).is_err())
        {
            let ended = server.0.try_wait().expect("the server runs");
            assert!(ended.is_none(), "the server ended: {ended:?}");
            assert!(begun.elapsed() < START, "the server does not accept connections");
            sleep(Duration::from_millis(20));
        }
        server
    }

    /// Starts a server whose output is read.
    pub(crate) fn with_output(command: &mut Command) -> (Self, ChildStdout) {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut server = Self(command.spawn().expect("the server starts"));
        let output = server.0.stdout.take().expect("an output");
        (server, output)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A port that a server can listen at later.
///
/// It is below the ports that systems give to connections and to listeners at port 0, so that no other test gets it
/// before the server listens.
pub(crate) fn free_port() -> u16 {
    const FIRST: u32 = 20_000;
    const COUNT: u32 = 12_000;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // The processes of tests that run at the same time begin at different ports.
    let start = std::process::id().wrapping_mul(31);
    for _ in 0..COUNT {
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = u16::try_from(FIRST + start.wrapping_add(next) % COUNT).expect("a port");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no free port");
}

/// Whether a program can be started with these arguments, and succeeds.
pub(crate) fn starts(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
