//! The progress bar of a run: finished and running cases, and the estimated remaining time.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Write},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Reporter, RunTerminal, limits::terminal::RUNNING_COUNT as NAMED, text::duration, visible};
use crate::{
    mask::Masked,
    model::{Event, Verdict, micros},
};

/// Cases that must have run before there is an estimate.
const ESTIMATED_FROM: usize = 5;
/// The time that they must have taken.
const ESTIMATED_AFTER: Duration = Duration::from_secs(2);

/// The terminal output of a run with a bar below it. The bar is hidden while lines are written.
pub struct Progress<W> {
    terminal: RunTerminal<W>,
    bar: ProgressBar,
    running: BTreeMap<usize, String>,
    passed: usize,
    failed: usize,
    /// Cases that take longer than the target's slow threshold, finished ones included.
    slow: BTreeSet<usize>,
    /// When the first case was started.
    began: Option<Instant>,
}

/// The style of the bar.
fn style() -> ProgressStyle {
    let template = "{elapsed_precise} [{bar:30}] {pos}/{len}\n{wide_msg}";
    // If the template is invalid, indicatif's own is used.
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.progress_chars("=> ")
}

/// The time that is left, if enough cases have run to know: skipped ones take no time.
fn estimate(elapsed: Duration, ran: usize, left: usize) -> Option<Duration> {
    let left = u32::try_from(left).ok().filter(|left| *left > 0)?;
    let ran = u32::try_from(ran).ok()?;
    let is_known = elapsed >= ESTIMATED_AFTER && ran as usize >= ESTIMATED_FROM;
    is_known.then(|| elapsed.saturating_mul(left) / ran)
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
            slow: BTreeSet::new(),
            began: None,
        }
    }

    fn message(&self) -> String {
        let mut text = format!("{} passed, {} failed", self.passed, self.failed);
        if !self.slow.is_empty() {
            text = format!("{text}, {} slow", self.slow.len());
        }
        let left = self.bar.length().unwrap_or(0).saturating_sub(self.bar.position());
        let left = usize::try_from(left).unwrap_or(usize::MAX);
        let elapsed = self.began.map(|began| began.elapsed()).unwrap_or_default();
        if let Some(left) = estimate(elapsed, self.passed + self.failed, left) {
            // Whole seconds: more is not known.
            let left = micros(Duration::from_secs(left.as_secs().max(1)));
            text = format!("{text}, about {} left", duration(left).replace(".00", ""));
        }
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
                self.bar.set_style(style());
                self.bar.set_draw_target(ProgressDrawTarget::stderr());
                self.bar.enable_steady_tick(Duration::from_millis(100));
            }
            Event::CaseStarted(started) => {
                self.began.get_or_insert_with(Instant::now);
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
            }
            Event::CaseSlow(slow) => {
                self.slow.insert(slow.index);
            }
            Event::RunFinished(_) => self.bar.finish_and_clear(),
            Event::TargetAwaited(_)
            | Event::CaseRetried(_)
            | Event::StepFinished(_)
            | Event::RunStopping(_)
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

    fn flush(&mut self) -> io::Result<()> {
        // The estimate changes with time.
        self.bar.set_message(self.message());
        let terminal = &mut self.terminal;
        self.bar.suspend(|| terminal.flush())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_an_estimate_only_after_enough_cases_and_time() {
        let seconds = Duration::from_secs;
        assert_eq!(estimate(Duration::ZERO, 0, 100), None);
        assert_eq!(estimate(seconds(60), 0, 100), None);
        assert_eq!(estimate(seconds(60), 4, 100), None);
        assert_eq!(estimate(seconds(1), 50, 100), None);
        assert_eq!(estimate(seconds(10), 50, 100), Some(seconds(20)));
        assert_eq!(estimate(seconds(10), 50, 0), None);
    }
}
