//! The live region below the lines: how far the run is, what is under way, and how long it may still take.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Human, Reporter, limits::terminal::RUNNING_COUNT as NAMED, visible};
use crate::{
    model::{Event, Verdict},
    redact::Redacted,
};

/// Lines for people with a bar below them. Whenever lines are written the bar is taken away first, so that the two
/// never mix.
pub struct Progress<W> {
    human: Human<W>,
    bar: ProgressBar,
    running: BTreeMap<usize, String>,
    passed: usize,
    broken: usize,
    /// Whether the bar shows an estimate of the time that is left.
    estimates: bool,
}

/// The style of the bar with this text after the numbers.
fn style(estimate: &str) -> ProgressStyle {
    let template = format!("{{elapsed_precise}} [{{bar:30}}] {{pos}}/{{len}}{estimate}\n{{wide_msg}}");
    // A template that cannot be read leaves indicatif's own.
    let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.progress_chars("=> ")
}

impl<W: Write> Progress<W> {
    /// A bar on standard error below what `human` writes.
    pub fn new(human: Human<W>) -> Self {
        Self {
            human,
            bar: ProgressBar::hidden(),
            running: BTreeMap::new(),
            passed: 0,
            broken: 0,
            estimates: false,
        }
    }

    fn message(&self) -> String {
        let mut text = format!("{} passed, {} broken", self.passed, self.broken);
        if !self.running.is_empty() {
            let named: Vec<_> = self.running.values().take(NAMED).map(String::as_str).collect();
            let more = if self.running.len() > NAMED { ", …" } else { "" };
            text = format!("{text}, {} running: {}{more}", self.running.len(), named.join(", "));
        }
        text
    }
}

impl<W: Write> Reporter for Progress<W> {
    fn event(&mut self, event: &Redacted<Event>) -> io::Result<()> {
        match &**event {
            Event::RunStarted(started) => {
                self.bar.set_length(started.cases as u64);
                // How long a case takes is not known before one has ended.
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
                    Verdict::Failed | Verdict::Errored | Verdict::Flaky => self.broken += 1,
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
            Event::TargetAwaited(_) | Event::CaseSlow(_) | Event::CaseRetried(_) | Event::SnapshotUnused { .. } => {}
        }
        self.bar.set_message(self.message());
        if matches!(**event, Event::CaseStarted(_)) {
            return Ok(());
        }
        let human = &mut self.human;
        self.bar.suspend(|| human.event(event).and_then(|()| human.flush()))
    }

    fn finish(&mut self) -> io::Result<()> {
        self.bar.finish_and_clear();
        self.human.finish()
    }

    fn reads_passed_exchanges(&self) -> bool {
        self.human.reads_passed_exchanges()
    }
}
