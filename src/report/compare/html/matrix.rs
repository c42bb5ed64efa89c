//! The cases by target, as a table; those that pass everywhere can be put away.

use std::fmt::Write as _;

use super::{TEXT, text};
use crate::{
    compare::{Matrix, MatrixRow},
    model::Verdict,
    report::{
        compare::release::{NAME, cases},
        outcome::figure,
    },
};

/// Most rows. Those that pass everywhere go first.
const ROWS: usize = 5000;

fn is_calm(row: &MatrixRow) -> bool {
    row.verdicts.iter().all(|verdict| *verdict == Some(Verdict::Passed))
}

/// The table and its filter.
pub(super) fn table(matrix: &Matrix) -> String {
    let calm = matrix.rows.iter().filter(|row| is_calm(row)).count();
    let other = matrix.rows.len() - calm;
    let mut out = format!(
        "<fieldset class=\"filters\"><legend>Show cases</legend><div>\n\
         <label class=\"count\"><input type=\"radio\" name=\"rows\" id=\"only-other\" checked><b>{}</b> not passed everywhere</label>\n\
         <label class=\"count\"><input type=\"radio\" name=\"rows\" id=\"rows-all\"><b>{}</b> all</label>\n</div></fieldset>\n",
        figure(other),
        figure(matrix.rows.len()),
    );
    out.push_str(
        "<section class=\"part\" aria-label=\"Cases by target\"><div class=\"scroll\" tabindex=\"0\" role=\"region\" \
         aria-label=\"Cases by target\"><table class=\"plainly matrix\">\n<thead><tr><th scope=\"col\">case</th>",
    );
    for side in &matrix.targets {
        let _ = write!(out, "<th scope=\"col\">{}</th>", text(&side.name, NAME));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    let (mut other_left, mut calm_left) = (ROWS, ROWS.saturating_sub(other));
    let mut left_out = 0;
    for row in &matrix.rows {
        let is_calm = is_calm(row);
        let left = if is_calm { &mut calm_left } else { &mut other_left };
        if *left == 0 {
            left_out += 1;
            continue;
        }
        *left -= 1;
        let class = if is_calm { " class=\"calm\"" } else { "" };
        let _ = write!(
            out,
            "<tr{class}><th scope=\"row\"><code>{}</code></th>",
            text(&row.case, NAME)
        );
        for at in 0..matrix.targets.len() {
            let (class, word) = match row.verdicts.get(at).copied().flatten() {
                Some(verdict) => (verdict.name(), verdict.name().replace('-', " ")),
                None => ("not-run", "–".to_owned()),
            };
            let _ = write!(out, "<td><span class=\"badge {class}\">{word}</span>");
            if let Some(Some(reason)) = row.reasons.get(at) {
                let _ = write!(out, "<span class=\"fine\">{}</span>", text(reason, TEXT));
            }
            out.push_str("</td>");
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table></div>\n");
    if left_out > 0 {
        let _ = writeln!(
            out,
            "<p class=\"faint\">… and {}, for which there is no room here.</p>",
            cases(left_out)
        );
    }
    if calm == matrix.rows.len() && calm > 0 {
        out.push_str("<p class=\"faint\">Each case passes on every target.</p>\n");
    }
    out.push_str("</section>\n");
    out
}
