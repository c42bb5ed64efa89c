//! For a terminal of 80 columns, and for logs.

use std::io::{self, Write};

use super::{changed, layer_name, percent, sentence, whose, without_advice};
use crate::{
    model::Exit,
    mutate::{Group, Measured, Tally},
    report::{
        Colours,
        escape::LogCommandFilter,
        outcome::{figure, short},
        visible,
    },
};

/// Most groups of survivors that are told.
pub const TOLD: usize = 10;
/// Columns of a name.
const NAME: usize = 34;

/// How much is told.
#[derive(Clone, Copy, Debug, Default)]
pub struct MeasureOptions {
    /// Nothing where the score is high enough.
    pub quiet: bool,
    /// Every group of survivors, every operator, what is accepted.
    pub verbose: bool,
}

/// Tells a measurement to a person.
pub fn tell(measured: &Measured, out: impl Write, colours: Colours, options: MeasureOptions) -> io::Result<()> {
    let is_good = measured.exit_code == Exit::Success.code();
    if options.quiet && is_good {
        return Ok(());
    }
    let mut out = LogCommandFilter::new(out);
    let verdict = &measured.headline;
    let verdict = if is_good {
        colours.good(verdict)
    } else {
        colours.bad(verdict)
    };
    writeln!(out, "{verdict}")?;
    writeln!(out, "             {}", sentence(measured))?;
    writeln!(
        out,
        "             score: killed / (killed + survived); accepted survivors do not count"
    )?;
    let most = if options.verbose { usize::MAX } else { TOLD };
    for group in measured.survivors.iter().take(most) {
        survivors(group, &mut out, colours)?;
    }
    let left = measured.survivors.len().saturating_sub(most);
    if left > 0 {
        writeln!(
            out,
            "\n             … and {left} more groups of survivors (`--verbose` tells them)"
        )?;
    }
    writeln!(
        out,
        "\n{}",
        colours.strong("    BY LAYER   first to notice   alone in noticing")
    )?;
    for one in measured.layers.iter().filter(|one| one.first + one.only > 0) {
        let name = layer_name(one.layer);
        writeln!(out, "{name:>20} {:>10} {:>19}", figure(one.first), figure(one.only))?;
    }
    for one in measured.by_snapshot.iter().filter(|_| options.verbose) {
        let what = format!("{} at {} ({})", one.operator, visible(&one.target), one.mutants);
        writeln!(out, "             only the snapshot: {what}")?;
    }
    let weak = |tally: &Tally| options.verbose || tally.survived + tally.accepted > 0;
    writeln!(
        out,
        "\n{}",
        colours.strong("    BY OPERATOR                          score  killed  survived  accepted")
    )?;
    for one in measured
        .operators
        .iter()
        .filter(|one| weak(&one.tally) && one.tally != Tally::default())
    {
        let [killed, survived, accepted] = counts(one.tally);
        writeln!(
            out,
            "    {:<NAME$} {:>7} {killed:>7} {survived:>9} {accepted:>9}",
            one.operator,
            percent(one.tally)
        )?;
    }
    if measured.suites.len() > 1 {
        writeln!(
            out,
            "\n{}",
            colours.strong("    BY SUITE                             score  killed  survived  accepted")
        )?;
        for one in &measured.suites {
            let [killed, survived, accepted] = counts(one.tally);
            let name = short(&visible(&one.suite), NAME);
            writeln!(
                out,
                "    {name:<NAME$} {:>7} {killed:>7} {survived:>9} {accepted:>9}",
                percent(one.tally)
            )?;
        }
    }
    for waived in measured.accepted.iter().filter(|_| options.verbose) {
        writeln!(
            out,
            "\n{} {} at {}: {}\n         --> {}",
            colours.faint("    ACCEPTED"),
            waived.group.operators.join(", "),
            visible(&waived.group.target),
            visible(&waived.reason),
            waived.waiver
        )?;
    }
    for stale in &measured.stale {
        writeln!(
            out,
            "\n{} {}: no such survivor any more\n         --> {}",
            colours.odd("       STALE"),
            visible(&stale.what),
            stale.waiver
        )?;
    }
    for one in measured
        .not_measured
        .iter()
        .take(if options.verbose { usize::MAX } else { 3 })
    {
        writeln!(
            out,
            "           {} {}: {}",
            colours.odd("!"),
            visible(&one.case),
            visible(&one.reason)
        )?;
    }
    let more = measured.not_measured.len().saturating_sub(3);
    if more > 0 && !options.verbose {
        writeln!(
            out,
            "           {} {more} more cases are not measured",
            colours.odd("!")
        )?;
    }
    writeln!(out, "────────────\n{verdict}")?;
    out.flush()
}

fn counts(tally: Tally) -> [String; 3] {
    [tally.killed, tally.survived, tally.accepted].map(figure)
}

fn survivors(group: &Group, out: &mut impl Write, colours: Colours) -> io::Result<()> {
    let count = figure(group.count);
    writeln!(
        out,
        "\n{} {count} at {}",
        colours.odd("    SURVIVED"),
        visible(&group.target)
    )?;
    for (number, operator) in group.operators.iter().enumerate() {
        let lead = if number == 0 { "by" } else { "" };
        writeln!(out, "{lead:>12} {operator}")?;
    }
    if let Some(changed) = changed(group) {
        writeln!(out, "     changed {}", short(&visible(&changed), 200))?;
    }
    writeln!(
        out,
        "       cases {}\n         --> {}",
        visible(&whose(group)),
        group.place
    )?;
    match &group.advice {
        None => writeln!(out, "        note {}", short(&visible(&without_advice(group)), 300)),
        Some(advice) => {
            for (number, line) in advice.lines().enumerate() {
                let lead = if number == 0 { "add" } else { "" };
                writeln!(out, "{lead:>12} {}", colours.good(&visible(line)))?;
            }
            Ok(())
        }
    }
}
