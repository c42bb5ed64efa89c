//! What a person reads in a terminal or a log: the verdict first, then each change, and the verdict again at the end.

use std::{
    collections::HashMap,
    io::{self, Write},
};

use super::release::{
    NAME, Release, capital, cases, cautions, command, compared, drift_headline, fails, headline, level,
    matrix_headline, not_compared, not_named, origin, title, value, whose,
};
use crate::{
    compare::{Accepted, Change, Comparison, Level, Matrix, MatrixRow, Side},
    model::Verdict,
    report::{
        Colours,
        escape::LogCommandFilter,
        markdown::head_of,
        outcome::{figure, short},
        visible,
    },
};

/// Columns of a line; what must stay whole, such as a command, may be longer.
const WIDTH: usize = 80;
/// Columns before a line's text.
const INDENT: usize = 13;
/// Most bytes of a value.
const VALUE: usize = 400;
/// Most bytes of a command.
const COMMAND: usize = 4000;
/// Most changes that are told with all that belongs to them.
const TOLD: usize = 100;
/// The same with `--verbose`.
const TOLD_ALL: usize = 2000;
/// Above so many changes those that fail are listed first, a line each.
const LONG: usize = 3;
/// Most changes on that list.
const LISTED: usize = 10;
/// Most lines of a diff.
const DIFF: usize = 60;
/// Most cases, entries and places that `--verbose` names.
const NAMED: usize = 50;
/// Maximum number of further values of a change without `--verbose`.
const OTHERS: usize = 3;
/// Maximum number of further endpoints with the same change of a header field without `--verbose`.
const SAME: usize = 10;
/// Columns of a target in a matrix.
const CELL: usize = 9;
/// Most cases of a matrix.
const ROWS: usize = 200;

/// How much is told.
#[derive(Clone, Copy, Debug, Default)]
pub struct ComparisonOptions {
    /// Nothing where nothing fails, and else only what does.
    pub quiet: bool,
    /// All cases, how bodies differ, and each entry of what is accepted or noise.
    pub verbose: bool,
}

/// Tells a comparison to a person.
pub fn tell(comparison: &Comparison, out: impl Write, colours: Colours, options: ComparisonOptions) -> io::Result<()> {
    let mut lines = Lines::new(out, colours, options);
    if options.quiet && Release::of(comparison) == Release::May {
        return Ok(());
    }
    let verdict = lines.verdict(Release::of(comparison), &headline(comparison));
    writeln!(lines.out, "{verdict}")?;
    lines.side("candidate", &comparison.candidate)?;
    lines.side("baseline", &comparison.baseline)?;
    lines.labelled("", &compared(comparison))?;
    for caution in cautions(comparison) {
        lines.labelled("!", &caution)?;
    }
    lines.not_compared(comparison)?;
    lines.changes(comparison)?;
    if !options.quiet {
        lines.rest(comparison)?;
    }
    lines.end(Release::of(comparison), &headline(comparison), &compared(comparison))
}

/// Tells what several targets answer to a person.
pub fn tell_matrix(matrix: &Matrix, out: impl Write, colours: Colours, options: ComparisonOptions) -> io::Result<()> {
    let mut lines = Lines::new(out, colours, options);
    let release = Release::of_matrix(matrix);
    if options.quiet && release == Release::May {
        return Ok(());
    }
    let verdict = lines.verdict(release, &matrix_headline(matrix));
    writeln!(lines.out, "{verdict}")?;
    for (index, side) in matrix.targets.iter().enumerate() {
        lines.side(&format!("[{}]", index + 1), side)?;
    }
    lines.matrix(matrix)?;
    for drift in &matrix.drift {
        let heading = lines.verdict(Release::of(drift), &drift_headline(drift));
        writeln!(lines.out, "\n{heading}")?;
        for caution in cautions(drift) {
            lines.labelled("!", &caution)?;
        }
        lines.not_compared(drift)?;
        lines.changes(drift)?;
        if !options.quiet {
            lines.rest(drift)?;
        }
    }
    let compared = format!("{} on {} targets", cases(matrix.rows.len()), matrix.targets.len());
    lines.end(release, &matrix_headline(matrix), &compared)
}

struct Lines<W> {
    out: LogCommandFilter<W>,
    colours: Colours,
    options: ComparisonOptions,
}

impl<W: Write> Lines<W> {
    fn new(out: W, colours: Colours, options: ComparisonOptions) -> Self {
        Self {
            out: LogCommandFilter::new(out),
            colours,
            options,
        }
    }

    fn verdict(&self, release: Release, text: &str) -> String {
        match release {
            Release::May => self.colours.good(text),
            Release::MustNot => self.colours.bad(text),
            Release::Unknown => self.colours.odd(text),
        }
    }

    /// A label that ends where all labels end, and text beside it, over as many lines as it needs.
    fn labelled(&mut self, label: &str, text: &str) -> io::Result<()> {
        let label = self.colours.faint(&format!("{label:>12}"));
        for (index, line) in wrapped(text, WIDTH - INDENT).iter().enumerate() {
            if index == 0 {
                writeln!(self.out, "{label} {line}")?;
            } else {
                writeln!(self.out, "{:INDENT$}{line}", "")?;
            }
        }
        Ok(())
    }

    fn side(&mut self, label: &str, side: &Side) -> io::Result<()> {
        let mut text = short(&side.name, NAME);
        if side.base_url != side.name {
            text = format!("{text} ({})", short(&side.base_url, NAME));
        }
        if let Some(commit) = &side.commit {
            text = format!("{text}, commit {}", visible(head_of(commit)));
        }
        if self.options.verbose {
            let at = side.started.format("%Y-%m-%d %H:%M:%S UTC");
            text = format!("{text}, {at}, {}", cases(side.cases));
            if side.repeats > 1 {
                text = format!("{text}, each asked up to {} times", side.repeats);
            }
        }
        self.labelled(label, &text)
    }

    /// Every case that was not compared, with the reason.
    fn not_compared(&mut self, comparison: &Comparison) -> io::Result<()> {
        for (case, reason) in not_compared(comparison) {
            self.labelled("not compared", &format!("{case}: {reason}"))?;
        }
        let more = not_named(comparison);
        if more > 0 {
            self.labelled("", &format!("… and {} more: `--report json` has them", cases(more)))?;
        }
        Ok(())
    }

    fn changes(&mut self, comparison: &Comparison) -> io::Result<()> {
        let is_told = |change: &&Change| !self.options.quiet || fails(comparison, change);
        let told: Vec<_> = comparison.changes.iter().filter(is_told).collect();
        if told.len() > LONG {
            let weighty: Vec<_> = told
                .iter()
                .filter(|change| change.level == Level::Breaking || fails(comparison, change))
                .collect();
            if !weighty.is_empty() {
                writeln!(self.out)?;
            }
            for change in weighty.iter().take(LISTED) {
                let line = format!("{}: {}", short(&change.suite, NAME), short(&change.message, VALUE));
                let line = fitting(&line, WIDTH - INDENT);
                writeln!(self.out, "{:>12} {line}", cases(change.cases.len()))?;
            }
            if weighty.len() > LISTED {
                let more = format!("… and {} more of these", figure(weighty.len() - LISTED));
                self.labelled("", &more)?;
            }
        }
        let most = if self.options.verbose { TOLD_ALL } else { TOLD };
        let groups = if self.options.verbose {
            told.iter().map(|change| (*change, Vec::new())).collect()
        } else {
            same_fields(&told)
        };
        for (change, same) in groups.iter().take(most) {
            self.change(comparison, change, same)?;
        }
        let left = groups.iter().skip(most).map(|(_, same)| 1 + same.len()).sum();
        if left > 0 {
            writeln!(self.out)?;
            let hint = "`--report html=changes.html` or `--report json=changes.json` tells them";
            self.labelled("", &format!("… and {} more changes: {hint}", figure(left)))?;
        }
        Ok(())
    }

    /// A change, and the endpoints at which `same` changes of the same header field were found.
    fn change(&mut self, comparison: &Comparison, change: &Change, same: &[&Change]) -> io::Result<()> {
        let word = format!("{:>12}", level(change.level).to_uppercase());
        let word = match change.level {
            Level::Breaking => self.colours.bad(&word),
            Level::Warning => self.colours.odd(&word),
            Level::Info => self.colours.strong(&word),
        };
        let what = format!("{} ({})", title(change), cases(change.cases.len()));
        writeln!(self.out, "\n{word} {}", self.colours.faint(&what))?;
        for line in wrapped(&capital(&short(&change.message, VALUE)), WIDTH - INDENT) {
            writeln!(self.out, "{:INDENT$}{}", "", self.colours.strong(&line))?;
        }
        if change.before.is_some() || change.after.is_some() {
            self.labelled("before", &value(change.before.as_deref(), VALUE))?;
            self.labelled("after", &value(change.after.as_deref(), VALUE))?;
        }
        for other in change
            .others
            .iter()
            .take(if self.options.verbose { NAMED } else { OTHERS })
        {
            let (before, after) = (
                value(other.before.as_deref(), VALUE),
                value(other.after.as_deref(), VALUE),
            );
            self.labelled("also", &format!("{before} → {after} ({})", short(&other.case, NAME)))?;
        }
        if !self.options.verbose && change.others.len() > OTHERS {
            let more = figure(change.others.len() - OTHERS);
            self.labelled("", &format!("… and {more} more values (`--verbose` lists them)"))?;
        }
        self.labelled("reason", &short(&change.reason, VALUE))?;
        self.labelled("at", &origin(change))?;
        let shown = if self.options.verbose {
            let all: Vec<_> = change.cases.iter().take(NAMED).map(|id| short(id, NAME)).collect();
            let more = change.cases.len() - all.len();
            let more = if more > 0 {
                format!(", + {} more", figure(more))
            } else {
                String::new()
            };
            all.join(", ") + &more
        } else {
            whose(change)
        };
        self.labelled("cases", &shown)?;
        self.labelled("-->", &short(&change.evidence.place.to_string(), NAME))?;
        self.labelled("fingerprint", &short(&change.fingerprint, NAME))?;
        for other in same.iter().take(SAME) {
            let endpoint = other.endpoint.as_deref().unwrap_or("another endpoint");
            let (endpoint, suite) = (short(endpoint, NAME), short(&other.suite, NAME));
            let (shown, print) = (cases(other.cases.len()), short(&other.fingerprint, NAME));
            self.labelled("same at", &format!("{endpoint} in {suite} ({shown}), {print}"))?;
        }
        if same.len() > SAME {
            let more = figure(same.len() - SAME);
            self.labelled("", &format!("… and {more} more endpoints (`--verbose` lists them)"))?;
        }
        if self.options.verbose {
            self.bodies(comparison, change)?;
        }
        let evidence = &change.evidence;
        let sent = [
            (&evidence.candidate, &comparison.candidate),
            (&evidence.baseline, &comparison.baseline),
        ];
        let sent = sent.into_iter().find(|(exchange, _)| exchange.is_some());
        if let Some(command) = sent.and_then(|(exchange, side)| command(exchange.as_ref(), side, COMMAND)) {
            for (index, line) in command.lines().enumerate() {
                let label = self
                    .colours
                    .faint(&format!("{:>12}", if index == 0 { "reproduce" } else { "" }));
                writeln!(self.out, "{label} {line}")?;
            }
        }
        Ok(())
    }

    /// How the two answers of the first case differ.
    fn bodies(&mut self, comparison: &Comparison, change: &Change) -> io::Result<()> {
        let lines = super::answer::diff_of(comparison, change);
        for line in lines.iter().take(DIFF) {
            let line = format!("{:INDENT$}{}", "", self.colours.diff(&short(line, VALUE)));
            writeln!(self.out, "{}", line.trim_end())?;
        }
        if lines.len() > DIFF {
            self.labelled("", &format!("… {} more lines", figure(lines.len() - DIFF)))?;
        }
        Ok(())
    }

    /// What is accepted, stale and noise, and how long answers take.
    fn rest(&mut self, comparison: &Comparison) -> io::Result<()> {
        let Comparison {
            accepted, stale, noise, ..
        } = comparison;
        if !(accepted.is_empty() && stale.is_empty() && noise.is_empty() && comparison.latencies.is_empty()) {
            writeln!(self.out)?;
        }
        let hint = if self.options.verbose {
            ""
        } else {
            " (`--verbose` lists them)"
        };
        if !accepted.is_empty() {
            let s = if accepted.len() == 1 { "" } else { "s" };
            let text = format!("{} known change{s}", figure(accepted.len()));
            self.labelled("accepted", &text)?;
            for one in accepted.iter().take(NAMED) {
                self.labelled("", &format!("- {}", accepted_line(one)))?;
            }
            if accepted.len() > NAMED {
                self.labelled(
                    "",
                    &format!(
                        "… and {} more: `--report json` has them",
                        figure(accepted.len() - NAMED)
                    ),
                )?;
            }
        }
        for one in stale.iter().take(if self.options.verbose { NAMED } else { 3 }) {
            let word = self.colours.odd(&format!("{:>12}", "STALE"));
            let (place, reason) = (short(&one.place.to_string(), NAME), short(&one.reason, VALUE));
            writeln!(self.out, "{word} {place}: {reason}")?;
        }
        if !self.options.verbose && stale.len() > 3 {
            self.labelled("", &format!("… and {} more stale entries", figure(stale.len() - 3)))?;
        }
        if !noise.is_empty() {
            let (s, verb) = if noise.len() == 1 {
                ("", "differs")
            } else {
                ("s", "differ")
            };
            let text = format!(
                "{} place{s} {verb} from answer to answer of one version and {} left out{}",
                figure(noise.len()),
                if noise.len() == 1 { "is" } else { "are" },
                hint
            );
            self.labelled("noise", &text)?;
            for one in noise.iter().take(if self.options.verbose { NAMED } else { 0 }) {
                let (suite, what) = (short(&one.suite, NAME), short(&one.what, NAME));
                let text = format!("- {suite}: {what}: {} ({})", short(&one.source, NAME), cases(one.cases));
                self.labelled("", &text)?;
            }
        }
        if let Some((before, after)) = super::latency::typical(&comparison.latencies) {
            let number = cases(comparison.latencies.len());
            let (before, after) = (super::latency::shown(before), super::latency::shown(after));
            self.labelled("latency", &format!("{before} → {after}, the median over {number}"))?;
        }
        Ok(())
    }

    /// The verdict once more: a reader of a long text is at its end.
    fn end(&mut self, release: Release, headline: &str, compared: &str) -> io::Result<()> {
        let rule = self.colours.faint("────────────");
        writeln!(self.out, "{rule}")?;
        let verdict = self.verdict(release, headline);
        writeln!(self.out, "{verdict}\n{compared}")?;
        self.out.flush()
    }
}

impl<W: Write> Lines<W> {
    /// The cases on which the targets differ or that fail somewhere; `--verbose` shows all.
    fn matrix(&mut self, matrix: &Matrix) -> io::Result<()> {
        let is_calm = |row: &&MatrixRow| row.verdicts.iter().all(|verdict| *verdict == Some(Verdict::Passed));
        let told: Vec<_> = matrix
            .rows
            .iter()
            .filter(|row| (self.options.verbose || !is_calm(row)) && !(self.options.quiet && is_calm(row)))
            .collect();
        let cells = matrix.targets.len() * CELL;
        let room = WIDTH.saturating_sub(cells + 1).max(20);
        if !told.is_empty() {
            let heads: Vec<_> = (1..=matrix.targets.len())
                .map(|number| format!("{:>CELL$}", format!("[{number}]")))
                .collect();
            let heads = format!("{:room$}{}", "", heads.concat());
            writeln!(self.out, "\n{}", self.colours.faint(&heads))?;
        }
        for row in told.iter().take(ROWS) {
            let id = fitting(&short(&row.case, NAME), room);
            let mut line = format!("{id:room$}");
            for verdict in row.verdicts.iter().take(matrix.targets.len()) {
                let word = verdict.map_or("-", word);
                let cell = format!("{word:>CELL$}");
                line.push_str(&match verdict {
                    Some(Verdict::Passed) => self.colours.good(&cell),
                    Some(Verdict::Failed) => self.colours.bad(&cell),
                    Some(Verdict::Errored | Verdict::Flaky) => self.colours.odd(&cell),
                    Some(Verdict::Skipped | Verdict::NotRun) | None => self.colours.faint(&cell),
                });
            }
            writeln!(self.out, "{}", line.trim_end())?;
            for (index, reason) in row.reasons.iter().enumerate().take(matrix.targets.len()) {
                if let Some(reason) = reason {
                    let reason = fitting(&format!("  [{}] {}", index + 1, short(reason, VALUE)), WIDTH);
                    writeln!(self.out, "{}", self.colours.faint(&reason))?;
                }
            }
        }
        if told.len() > ROWS {
            writeln!(self.out, "… and {} more cases", figure(told.len() - ROWS))?;
        }
        let calm = matrix.rows.iter().filter(is_calm).count();
        if calm > 0 && !self.options.verbose {
            let verb = if calm == 1 { "passes" } else { "pass" };
            let line = format!("{} {verb} on every target", cases(calm));
            writeln!(self.out, "{}", self.colours.faint(&line))?;
        }
        Ok(())
    }
}

/// A verdict in a cell.
fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "pass",
        Verdict::Failed => "FAIL",
        Verdict::Errored => "ERROR",
        Verdict::Flaky => "FLAKY",
        Verdict::Skipped => "skip",
        Verdict::NotRun => "not run",
    }
}

fn accepted_line(accepted: &Accepted) -> String {
    let change = &accepted.change;
    let until = accepted
        .expires
        .as_ref()
        .map(|day| format!(", until {}", short(day, NAME)));
    format!(
        "{} {} of {} ({}): {}{} ({})",
        level(change.level),
        title(change),
        origin(change),
        whose(change),
        short(&accepted.accepted_because, NAME),
        until.unwrap_or_default(),
        short(&accepted.place.to_string(), NAME)
    )
}

/// Text over lines of so many columns, broken at blanks only: what is longer without one stays whole.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut columns = 0;
    for word in text.split(' ') {
        let length = word.chars().count();
        if columns > 0 && columns + 1 + length > width {
            lines.push(String::new());
            columns = 0;
        }
        if let Some(line) = lines.last_mut() {
            if columns > 0 {
                line.push(' ');
                columns += 1;
            }
            line.push_str(word);
            columns += length;
        }
    }
    lines
}

/// As much of a line as fits into so many columns.
fn fitting(line: &str, width: usize) -> String {
    if line.chars().count() <= width {
        return line.to_owned();
    }
    let head: String = line.chars().take(width.saturating_sub(1)).collect();
    head + "…"
}

/// Changes in order, each with the further ones that differ from it only in the endpoint, if they are of a header field.
fn same_fields<'c>(changes: &[&'c Change]) -> Vec<(&'c Change, Vec<&'c Change>)> {
    let mut groups: Vec<(&Change, Vec<&Change>)> = Vec::new();
    let mut first = HashMap::new();
    for change in changes {
        let key = change
            .header
            .as_ref()
            .filter(|_| change.others.is_empty())
            .map(|header| {
                let values = (&change.before, &change.after);
                (
                    change.level,
                    &change.rule,
                    header,
                    values,
                    &change.message,
                    &change.reason,
                )
            });
        let group = key.map(|key| *first.entry(key).or_insert(groups.len()));
        match group.and_then(|group| groups.get_mut(group)) {
            Some((_, same)) => same.push(change),
            None => groups.push((change, Vec::new())),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_blanks_and_nowhere_else() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("a longer-than-all b", 6), ["a", "longer-than-all", "b"]);
        assert_eq!(wrapped("", 6), [""]);
        assert_eq!(fitting("żółw żółw", 5), "żółw…");
    }
}
