//! How long answers took: a picture of all cases, and a table that says the same of those that moved most.

use std::fmt::Write as _;

use super::text;
use crate::{
    compare::{CaseLatency, Comparison},
    report::{
        compare::{
            latency::{factor, most_moved, shown, typical},
            release::{NAME, cases},
        },
        html::escaped,
        outcome::figure,
    },
};

/// Most points of the picture.
const POINTS: usize = 2000;
/// Most rows of the table.
const ROWS: usize = 15;
/// What a median has to be longer or shorter by to be told in colour.
const CLEAR: f64 = 1.25;
/// The picture: its side, and where the area of its points begins and ends.
const SIDE: f64 = 440.0;
const FROM: f64 = 62.0;
const TO: f64 = 410.0;

/// Logarithmic positions between the least and the greatest time, both whole powers of ten.
struct Scale {
    least: f64,
    decades: f64,
}

impl Scale {
    fn of(latencies: &[CaseLatency]) -> Self {
        let times = || {
            latencies
                .iter()
                .flat_map(|case| [case.baseline.median_us, case.candidate.median_us])
        };
        let least = decade(times().min().unwrap_or(1)).floor();
        let most = decade(times().max().unwrap_or(1)).ceil();
        Self {
            least,
            decades: (most - least).max(1.0),
        }
    }

    /// From 0 to 1.
    fn at(&self, micros: u64) -> f64 {
        (decade(micros) - self.least) / self.decades
    }

    /// The powers of ten on it.
    fn ticks(&self) -> impl Iterator<Item = u64> {
        std::iter::successors(Some(1_u64), |tick| tick.checked_mul(10))
            .filter(|tick| (0.0..=1.0).contains(&self.at(*tick)))
            .collect::<Vec<_>>()
            .into_iter()
    }
}

#[expect(clippy::cast_precision_loss, reason = "a position in a picture")]
fn decade(micros: u64) -> f64 {
    (micros.max(1) as f64).log10()
}

fn x(part: f64) -> f64 {
    FROM + part * (TO - FROM)
}

fn y(part: f64) -> f64 {
    SIDE - 10.0 - x(part)
}

/// The picture and the table; nothing where no answer was timed on both sides.
pub(super) fn section(comparison: &Comparison, lead: &str) -> String {
    let latencies = &comparison.latencies;
    let Some((before, after)) = typical(latencies) else {
        return String::new();
    };
    let once = latencies
        .iter()
        .all(|case| case.baseline.answers < 2 || case.candidate.answers < 2);
    let doubt = if once {
        " Each case was asked once on a side: a shift of one case says little."
    } else {
        ""
    };
    format!(
        "<section class=\"part\">\n<h2>{}</h2>\n<p class=\"faint\">The median over {} was {} and is {}.{doubt}</p>\n\
         <div class=\"latency\">\n{}{}</div>\n</section>\n",
        escaped(&format!("{lead}Latency")),
        cases(latencies.len()),
        shown(before),
        shown(after),
        scatter(comparison),
        table(latencies)
    )
}

fn scatter(comparison: &Comparison) -> String {
    let latencies = &comparison.latencies;
    let scale = Scale::of(latencies);
    let mut out = format!(
        "<svg class=\"scatter\" viewBox=\"0 0 {SIDE} {SIDE}\" role=\"img\" aria-label=\"Medians of {}: the baseline from left to \
         right, the candidate from bottom to top; points above the diagonal take longer than before. The table says the \
         same of those that moved most.\">\n",
        cases(latencies.len())
    );
    for tick in scale.ticks() {
        let (at_x, at_y) = (x(scale.at(tick)), y(scale.at(tick)));
        let label = shown(tick).replace(".0 ", " ").replace(".00 ", " ");
        let (low, high) = (y(0.0), y(1.0));
        let _ = writeln!(
            out,
            "<path class=\"grid\" d=\"M{at_x:.1} {low:.1}V{high:.1}M{FROM} {at_y:.1}H{TO}\" fill=\"none\"/>\
             <text x=\"{at_x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{label}</text>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>",
            low + 20.0,
            FROM - 8.0,
            at_y + 4.0,
        );
    }
    let (low, high) = (y(0.0), y(1.0));
    let twice = 2_f64.log10() / scale.decades;
    let _ = writeln!(
        out,
        "<path class=\"even\" d=\"M{FROM} {low:.1}L{TO} {high:.1}\" fill=\"none\"/>\
         <path class=\"twice\" d=\"M{FROM} {:.1}L{:.1} {high:.1}M{:.1} {low:.1}L{TO} {:.1}\" fill=\"none\"/>\
         <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">twice as long</text>\
         <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">baseline →</text>\
         <text transform=\"translate(14 {:.1}) rotate(-90)\" text-anchor=\"middle\">candidate →</text>",
        y(twice),
        x(1.0 - twice),
        x(twice),
        y(1.0 - twice),
        x(1.0 - twice) - 12.0,
        high + 16.0,
        f64::midpoint(FROM, TO),
        low + 42.0,
        f64::midpoint(low, high),
    );
    // The changes say which shifts are none of chance.
    let shifted: std::collections::HashSet<_> = comparison
        .changes
        .iter()
        .filter(|change| change.rule.starts_with("latency"))
        .flat_map(|change| change.cases.iter().map(String::as_str))
        .collect();
    // Those that moved most stand on top.
    for case in most_moved(latencies, POINTS).into_iter().rev() {
        let class = if shifted.contains(case.case.as_str()) {
            " shifted"
        } else {
            ""
        };
        let _ = writeln!(
            out,
            "<circle class=\"dot{class}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"5\"><title>{}: {} → {}</title></circle>",
            x(scale.at(case.baseline.median_us)),
            y(scale.at(case.candidate.median_us)),
            text(&case.case, NAME),
            shown(case.baseline.median_us),
            shown(case.candidate.median_us),
        );
    }
    out.push_str("</svg>\n");
    out
}

fn table(latencies: &[CaseLatency]) -> String {
    let scale = Scale::of(latencies);
    let rows = most_moved(latencies, ROWS);
    let caption = if latencies.len() > rows.len() {
        format!(
            "Median, fastest and slowest answer of the {} cases that moved most, of {}",
            rows.len(),
            figure(latencies.len())
        )
    } else {
        "Median, fastest and slowest answer of each case".to_owned()
    };
    let mut out = format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Latencies\"><table class=\"plainly\"><caption>{caption}</caption>\n\
         <thead><tr><th scope=\"col\">case</th><th scope=\"col\" class=\"number\">baseline</th>\
         <th scope=\"col\" class=\"number\">candidate</th><th scope=\"col\" class=\"number\">factor</th>\
         <th class=\"ranges\" aria-hidden=\"true\"></th></tr></thead>\n<tbody>\n"
    );
    for case in rows {
        let factor = factor(case);
        let class = match factor {
            _ if factor >= CLEAR => "longer",
            _ if factor <= 1.0 / CLEAR => "shorter",
            _ => "",
        };
        let range = |of: &crate::compare::Latency| {
            format!(
                "{}<br><span class=\"fine\">{} – {}</span>",
                shown(of.median_us),
                shown(of.least_us),
                shown(of.most_us)
            )
        };
        let at = |micros: u64| 8.0 + scale.at(micros) * 114.0;
        let (from, to) = (at(case.baseline.median_us), at(case.candidate.median_us));
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\"><code>{}</code></th><td class=\"number\">{}</td><td class=\"number\">{}</td>\
             <td class=\"number {class}\">× {factor:.2}</td><td class=\"ranges\" aria-hidden=\"true\">\
             <svg class=\"dumbbell {class}\" viewBox=\"0 0 130 18\"><line x1=\"{from:.1}\" x2=\"{to:.1}\" y1=\"9\" y2=\"9\"/>\
             <circle class=\"from\" cx=\"{from:.1}\" cy=\"9\" r=\"4\"/><circle class=\"to\" cx=\"{to:.1}\" cy=\"9\" r=\"5\"/></svg></td></tr>",
            text(&case.case, NAME),
            range(&case.baseline),
            range(&case.candidate),
        );
    }
    out.push_str("</tbody></table></div>\n");
    out
}
