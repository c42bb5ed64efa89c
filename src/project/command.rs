//! Runs a program that prints a secret, within bounds of time and output.

use std::{
    io::{self, Read},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// Maximum number of bytes that are kept of the standard error.
const MAX_STDERR: usize = 16 << 10;
/// How long output is awaited after the program has ended, if another process keeps the pipe open.
const GRACE: Duration = Duration::from_millis(500);
/// Polling interval.
const POLL: Duration = Duration::from_millis(5);

/// Why a program returned no secret, and its output. Both outputs may contain secrets.
#[derive(Debug)]
pub(super) struct CommandError {
    pub(super) reason: CommandFailure,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
}

/// The error.
#[derive(Debug)]
pub(super) enum CommandFailure {
    /// It cannot be started or watched.
    Run(io::Error),
    /// It ended with an error.
    Failed(ExitStatus),
    /// It did not end in time.
    Late,
    /// Its standard output is longer than allowed.
    TooLong,
}

/// The standard output and standard error of a program.
#[derive(Debug)]
pub(super) struct Printed {
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
}

/// Runs a program and returns its output. A program that is too slow or prints more than `max` bytes is killed
/// together with its children. Children that it leaves running after it ended on its own are left alone.
pub(super) fn output(
    program: &str,
    arguments: &[String],
    limit: Duration,
    max: usize,
) -> Result<Printed, CommandError> {
    let deadline = Instant::now() + limit;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    // Its own process group, so that its children end with it.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.spawn().map_err(|error| CommandError {
        reason: CommandFailure::Run(error),
        stdout: Vec::new(),
        stderr: Vec::new(),
    })?;
    let stdout = Pipe::read(child.stdout.take(), max + 1);
    let stderr = Pipe::read(child.stderr.take(), MAX_STDERR);
    let ended = wait(&mut child, deadline, || stdout.length() > max);
    if ended.is_ok() {
        for pipe in [&stdout, &stderr] {
            pipe.drain();
        }
    }
    let printed = Printed {
        stdout: stdout.take(),
        stderr: stderr.take(),
    };
    let reason = match ended {
        _ if printed.stdout.len() > max => CommandFailure::TooLong,
        Ok(status) if status.success() => return Ok(printed),
        Ok(status) => CommandFailure::Failed(status),
        Err(reason) => reason,
    };
    Err(CommandError {
        reason,
        stdout: printed.stdout,
        stderr: printed.stderr,
    })
}

/// Waits for the program to end. It is killed if it takes too long or has printed too much.
fn wait(child: &mut Child, deadline: Instant, is_too_long: impl Fn() -> bool) -> Result<ExitStatus, CommandFailure> {
    loop {
        let reason = match child.try_wait() {
            Ok(Some(status)) => return Ok(status),
            Ok(None) if is_too_long() => CommandFailure::TooLong,
            Ok(None) if Instant::now() >= deadline => CommandFailure::Late,
            Ok(None) => {
                std::thread::sleep(POLL);
                continue;
            }
            Err(error) => CommandFailure::Run(error),
        };
        kill(child);
        return Err(reason);
    }
}

fn kill(child: &mut Child) {
    #[cfg(unix)]
    if let Ok(id) = i32::try_from(child.id())
        && let Some(id) = rustix::process::Pid::from_raw(id)
    {
        let _ = rustix::process::kill_process_group(id, rustix::process::Signal::KILL);
    }
    drop(child.kill());
    drop(child.wait());
}

/// One output of a program, read by a thread of its own so that the program never waits for a reader.
struct Pipe {
    kept: Arc<Mutex<Vec<u8>>>,
    is_over: Arc<AtomicBool>,
}

impl Pipe {
    /// Reads everything, and keeps the first `max` bytes.
    fn read(pipe: Option<impl Read + Send + 'static>, max: usize) -> Self {
        let this = Self {
            kept: Arc::default(),
            is_over: Arc::new(AtomicBool::new(pipe.is_none())),
        };
        if let Some(mut pipe) = pipe {
            let (kept, is_over) = (Arc::clone(&this.kept), Arc::clone(&this.is_over));
            std::thread::spawn(move || {
                let mut chunk = [0; 4096];
                loop {
                    match pipe.read(&mut chunk) {
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        Ok(0) | Err(_) => break,
                        Ok(read) => {
                            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                            let room = max.saturating_sub(kept.len()).min(read);
                            kept.extend_from_slice(&chunk[..room]);
                        }
                    }
                }
                is_over.store(true, Ordering::Release);
            });
        }
        this
    }

    fn length(&self) -> usize {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Waits for the end of the output, or until nothing more arrives: a child in the background may hold the pipe open.
    fn drain(&self) {
        let mut last = (self.length(), Instant::now());
        let end = last.1 + 4 * GRACE;
        while !self.is_over.load(Ordering::Acquire) && last.1.elapsed() < GRACE && Instant::now() < end {
            std::thread::sleep(POLL);
            if self.length() != last.0 {
                last = (self.length(), Instant::now());
            }
        }
    }

    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    fn shell(script: &str, limit: Duration) -> Result<Printed, CommandError> {
        output("sh", &["-c".to_owned(), script.to_owned()], limit, 1 << 20)
    }

    const SHORT: Duration = Duration::from_millis(300);
    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn output_and_standard_error_are_kept_apart() {
        let printed = shell("echo debug >&2; printf secret", LONG).unwrap();
        assert_eq!(
            (printed.stdout.as_slice(), printed.stderr.as_slice()),
            (&b"secret"[..], &b"debug\n"[..])
        );
        let failed = shell("echo out; echo why >&2; exit 3", LONG).unwrap_err();
        assert!(matches!(failed.reason, CommandFailure::Failed(status) if status.code() == Some(3)));
        assert_eq!(
            (failed.stdout.as_slice(), failed.stderr.as_slice()),
            (&b"out\n"[..], &b"why\n"[..])
        );
    }

    #[test]
    fn a_child_in_the_background_does_not_delay_the_secret() {
        let begin = Instant::now();
        for script in ["printf secret; sleep 15 &", "sleep 15 & printf secret; exit 0"] {
            assert_eq!(shell(script, LONG).unwrap().stdout, b"secret", "{script}");
        }
        assert!(begin.elapsed() < Duration::from_secs(12));
    }

    #[test]
    fn a_program_that_does_not_end_is_killed_with_its_children() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("alive");
        let child = format!("(sleep 1; touch {}) & wait", file.display());
        for late in [
            "exec sleep 60",
            "exec sleep 60 >&- 2>&-",
            &child,
            "while :; do echo x >&2; done",
        ] {
            let failed = shell(late, SHORT).unwrap_err();
            assert!(
                matches!(failed.reason, CommandFailure::Late),
                "{late}: {:?}",
                failed.reason
            );
            assert!(failed.stderr.len() <= MAX_STDERR);
        }
        std::thread::sleep(Duration::from_millis(1200));
        assert!(!file.exists());
    }

    #[test]
    fn endless_output_is_an_error_and_bounded() {
        let failed = shell("exec cat /dev/zero", LONG).unwrap_err();
        assert!(matches!(failed.reason, CommandFailure::TooLong));
        assert_eq!(failed.stdout.len(), (1 << 20) + 1);
    }
}
