//! The outcomes of a run, for the tests that wait for them.

use std::{
    collections::HashMap,
    io::{self, Write},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

use libtest_mimic::{Completion, Failed};

use crate::{
    mask::{Masked, Reporter},
    model::{Event, Flaky, Verdict},
    report::{Colors, FinalStatusLevel, RunTerminal, StatusLevel, TerminalOptions},
};

/// The outcomes that are known so far.
#[derive(Default)]
pub(super) struct CaseOutcomes {
    known: Mutex<KnownOutcomes>,
    changed: Condvar,
}

#[derive(Default)]
struct KnownOutcomes {
    /// By the id of the case.
    cases: HashMap<String, Result<Completion, Failed>>,
    /// Why no more outcomes follow.
    end: Option<String>,
}

impl CaseOutcomes {
    fn lock(&self) -> MutexGuard<'_, KnownOutcomes> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, id: &str, outcome: Result<Completion, Failed>) {
        self.lock().cases.insert(id.to_owned(), outcome);
        self.changed.notify_all();
    }

    /// Ends the run: every case without an outcome fails for this reason. The first reason counts.
    pub(super) fn end(&self, reason: String) {
        self.lock().end.get_or_insert(reason);
        self.changed.notify_all();
    }

    /// Ends the run when the returned value is dropped.
    pub(super) fn end_on_drop(&self) -> EndOnDrop<'_> {
        EndOnDrop(self)
    }

    /// Waits for the outcome of a case.
    pub(super) fn wait(&self, id: &str) -> Result<Completion, Failed> {
        let mut known = self.lock();
        loop {
            if let Some(outcome) = known.cases.remove(id) {
                return outcome;
            }
            if let Some(reason) = &known.end {
                return Err(reason.into());
            }
            known = self.changed.wait(known).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Ends a run when it is dropped.
pub(super) struct EndOnDrop<'o>(&'o CaseOutcomes);

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.0
            .end("internal error: the run ended without a result of this case (please report)".to_owned());
    }
}

/// Takes the verdict of each case from the events of a run, with the text of the terminal.
pub(super) struct OutcomeReporter {
    outcomes: Arc<CaseOutcomes>,
    terminal: RunTerminal<TextBuffer>,
    text: TextBuffer,
    flaky: Flaky,
}

impl OutcomeReporter {
    /// Adds the outcomes of a run to `outcomes`.
    pub(super) fn new(outcomes: Arc<CaseOutcomes>, colors: Colors) -> Self {
        let text = TextBuffer::default();
        let options = TerminalOptions {
            status: StatusLevel::All,
            last: FinalStatusLevel::None,
            ..TerminalOptions::default()
        };
        Self {
            outcomes,
            terminal: RunTerminal::new(text.clone(), colors, options),
            text,
            flaky: Flaky::default(),
        }
    }
}

impl Reporter for OutcomeReporter {
    fn event(&mut self, event: &Masked<Event>) -> io::Result<()> {
        self.terminal.event(event)?;
        self.terminal.flush()?;
        let text = self.text.take();
        match &**event {
            Event::RunStarted(started) => self.flaky = started.flaky,
            Event::CaseFinished(case) => {
                let outcome = match case.verdict {
                    Verdict::Passed => Ok(Completion::Completed),
                    Verdict::Flaky if self.flaky == Flaky::Pass => Ok(Completion::Completed),
                    Verdict::Skipped => Ok(Completion::Ignored {
                        reason: case.last.reason.clone(),
                    }),
                    Verdict::Failed | Verdict::Errored | Verdict::Flaky | Verdict::NotRun => {
                        Err(text.trim_end().into())
                    }
                };
                self.outcomes.add(&case.id, outcome);
            }
            _ => {}
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.terminal.finish()
    }

    fn reads_passed_exchanges(&self) -> bool {
        false
    }
}

/// Text that is written by one owner and taken by another.
#[derive(Clone, Default)]
struct TextBuffer(Arc<Mutex<Vec<u8>>>);

impl TextBuffer {
    fn take(&self) -> String {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Write for TextBuffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
