//! Handles Ctrl-C and requests to terminate.

use tokio::sync::watch;

use crate::model::Stop;

/// Counts received signals: the first ends the run gracefully, the second immediately.
#[derive(Debug)]
pub struct Interrupts(watch::Receiver<(u32, Option<Stop>)>);

impl Interrupts {
    /// Installs the handlers; from now on the signals do not end the process by default.
    pub fn listen() -> std::io::Result<Self> {
        let (sender, receiver) = watch::channel((0, None));
        #[cfg(unix)]
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        #[cfg(unix)]
        let mut interrupt = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())?;
        // A run under `nohup` outlives its terminal.
        #[cfg(unix)]
        let mut hang_up = if ignores_hang_up() {
            None
        } else {
            Some(tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup())?)
        };
        tokio::spawn(async move {
            loop {
                #[cfg(unix)]
                let kind = tokio::select! {
                    _ = interrupt.recv() => Stop::Interrupted,
                    _ = terminate.recv() => Stop::Terminated,
                    _ = async {
                        match &mut hang_up {
                            Some(hang_up) => hang_up.recv().await,
                            None => std::future::pending().await,
                        }
                    } => Stop::HungUp,
                };
                #[cfg(not(unix))]
                let kind = match tokio::signal::ctrl_c().await {
                    Ok(()) => Stop::Interrupted,
                    Err(_) => return,
                };
                sender.send_modify(|(count, first)| {
                    *count += 1;
                    first.get_or_insert(kind);
                });
            }
        });
        Ok(Self(receiver))
    }

    /// The first received signal.
    pub(crate) fn first(&self) -> Option<Stop> {
        self.0.borrow().1
    }

    /// Waits until `count` signals were received.
    pub(crate) async fn wait(&self, count: u32) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|(seen, _)| *seen >= count).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Whether SIGHUP was ignored when the program started.
#[cfg(unix)]
fn ignores_hang_up() -> bool {
    match std::fs::read_to_string("/proc/self/status") {
        Ok(status) => is_ignored(&status),
        // On other platforms: a child inherits ignored signals, so it survives its own signal.
        Err(_) => std::process::Command::new("sh")
            .args(["-c", "kill -HUP $$"])
            .stdin(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .status()
            .is_ok_and(|status| status.success()),
    }
}

/// The same, from a process status of Linux: a bit mask in hexadecimal, in which signal 1 is the lowest bit.
#[cfg(unix)]
fn is_ignored(status: &str) -> bool {
    status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & 1 == 1)
}

#[cfg(all(test, unix))]
mod tests {
    use super::is_ignored;

    #[test]
    fn hang_up_is_ignored_if_its_bit_is_set() {
        assert!(is_ignored("Name:\tx\nSigIgn:\t0000000000001001\n"));
        assert!(!is_ignored("Name:\tx\nSigIgn:\t0000000000001000\n"));
        assert!(!is_ignored("SigCgt:\t0000000000000001\n"));
    }
}
