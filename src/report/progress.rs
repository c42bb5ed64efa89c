//! The progress bar of a run: finished and running cases, and the estimated remaining time.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Reporter, RunTerminal, limits::terminal::RUNNING_COUNT as NAMED, visible};
use crate::{
    mask::Masked,
    model::{Event, Verdict},
};

/// The terminal output of a run with a bar below it. The bar is hidden while lines are written.
pub struct Progress<W> {
    terminal: RunTerminal<W>,
    bar: ProgressBar,
    running: BTreeMap<usize, String>,
    passed: usize,
    failed: usize,
    /// Whether the bar shows an estimate of the time that is left.
    estimates: bool,
}

/// The style of the bar; `estimate` follows the numbers.
fn style(estimate: &str) -> ProgressStyle {
    let template = format!("{{elapsed_precise}} [{{bar:30}}] {{pos}}/{{len}}{estimate}\n{{wide_msg}}");
    // If the template is invalid, indicatif's own is used.
    let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.progress_chars("=> ")
}

impl<W: Write> Progress<W> {
    /// A bar on standard error below the output of `terminal`.
    pub fn new(terminal: RunTerminal<W>) -> Self {
        Self {
            terminal,
            bar: ProgressBar::hidden(),
            running: BTreeMap::new(),
            passed: 0,
            failed: 0,
            estimates: false,
        }
    }

    fn message(&self) -> String {
        let mut text = format!("{} passed, {} failed", self.passed, self.failed);
        if !self.running.is_empty() {
            let named: Vec<_> = self.running.values().take(NAMED).map(String::as_str).collect();
            let more = if self.running.len() > NAMED { ", …" } else { "" };
            text = format!("{text}, {} running: {}{more}", self.running.len(), named.join(", "));
        }
        text
    }
}

impl<W: Write> Reporter for Progress<W> {
    fn event(&mut self, event: &Masked<Event>) -> io::Result<()> {
        match &**event {
            Event::RunStarted(started) => {
                self.bar.set_length(started.cases as u64);
                // There is no estimate before a case has finished.
                self.bar.set_style(style(""));
                self.bar.set_draw_target(ProgressDrawTarget::stderr());
                self.bar.enable_steady_tick(Duration::from_millis(100));
            }
            Event::CaseStarted(started) => {
                self.running.insert(started.index, visible(&started.id).into_owned());
            }
            Event::CaseFinished(finished) => {
                self.running.remove(&finished.index);
                match finished.verdict {
                    Verdict::Passed => self.passed += 1,
                    Verdict::Failed | Verdict::Errored | Verdict::Flaky => self.failed += 1,
                    Verdict::Skipped | Verdict::NotRun => {}
                }
                self.bar.inc(1);
                if !self.estimates
                    && matches!(
                        finished.verdict,
                        Verdict::Passed | Verdict::Failed | Verdict::Errored | Verdict::Flaky
                    )
                {
                    self.estimates = true;
                    self.bar.set_style(style(", about {eta} left"));
                }
            }
            Event::RunFinished(_) => self.bar.finish_and_clear(),
            Event::TargetAwaited(_)
            | Event::CaseSlow(_)
            | Event::CaseRetried(_)
            | Event::StepFinished(_)
            | Event::SnapshotUnused { .. } => {}
        }
        self.bar.set_message(self.message());
        if matches!(**event, Event::CaseStarted(_)) {
            return Ok(());
        }
        let terminal = &mut self.terminal;
        self.bar
            .suspend(|| terminal.event(event).and_then(|()| terminal.flush()))
    }

    fn finish(&mut self) -> io::Result<()> {
        self.bar.finish_and_clear();
        self.terminal.finish()
    }

    fn reads_passed_exchanges(&self) -> bool {
        self.terminal.reads_passed_exchanges()
    }

    fn shows_starts(&self) -> bool {
        true
    }
}
