//! A run, reported case by case to a writer.

use std::io::{self, Write as _};

use super::{
    ReportOutput, Reporter,
    from::run::RunSource,
    model::{Start, Writer},
};
use crate::{mask::Masked, model::Event};

/// Passes the events of a run to a writer. Memory does not grow with the number of cases.
pub(super) struct RunStream {
    writer: Box<dyn Writer>,
    sink: ReportOutput,
    run: RunSource,
    start: Start,
    reads_passed_exchanges: bool,
}

impl RunStream {
    pub(super) fn new(writer: Box<dyn Writer>, sink: ReportOutput, reads_passed_exchanges: bool) -> Self {
        Self {
            writer,
            sink,
            run: RunSource::default(),
            start: Start::default(),
            reads_passed_exchanges,
        }
    }
}

impl Reporter for RunStream {
    fn event(&mut self, event: &Masked<Event>) -> io::Result<()> {
        match &**event {
            Event::RunStarted(started) => {
                self.start = self.run.start(started);
                self.writer.begin(&self.start, &mut self.sink)?;
            }
            Event::CaseFinished(finished) => {
                self.run.add(finished);
                self.writer
                    .item(&self.start, &self.run.item(finished), &mut self.sink)?;
            }
            Event::SnapshotUnused { path } => self.run.add_unused(path),
            Event::RunFinished(finished) => self.run.finish(finished),
            Event::TargetAwaited(_)
            | Event::CaseStarted(_)
            | Event::CaseSlow(_)
            | Event::CaseRetried(_)
            | Event::StepFinished(_)
            | Event::RunStopping(_) => {
                return Ok(());
            }
        }
        // A reader of the stream sees each case when it is finished.
        self.sink.flush()
    }

    fn finish(&mut self) -> io::Result<()> {
        let end = self.run.end();
        self.writer.end(&self.start, &end, &mut self.sink)?;
        self.sink.close()
    }

    fn reads_passed_exchanges(&self) -> bool {
        self.reads_passed_exchanges
    }
}
