//! Ctrl-C and the request to terminate.

use tokio::sync::watch;

use crate::event::Stop;

/// Counts the signals that have come: the first ends the run gracefully, the second at once.
#[derive(Debug)]
pub struct Interrupts(watch::Receiver<(u32, Option<Stop>)>);

impl Interrupts {
    /// Starts to listen; from now on the signals no longer end the process by themselves.
    pub fn listen() -> std::io::Result<Self> {
        let (sender, receiver) = watch::channel((0, None));
        #[cfg(unix)]
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        #[cfg(unix)]
        let mut interrupt = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())?;
        tokio::spawn(async move {
            loop {
                #[cfg(unix)]
                let kind = tokio::select! {
                    _ = interrupt.recv() => Stop::Interrupted,
                    _ = terminate.recv() => Stop::Terminated,
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

    /// The first signal, if one has come.
    pub(super) fn first(&self) -> Option<Stop> {
        self.0.borrow().1
    }

    /// Waits until `count` signals have come.
    pub(crate) async fn wait(&self, count: u32) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|(seen, _)| *seen >= count).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
