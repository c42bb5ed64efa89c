//! Common parts of all pages: the content security policy, the icon, the header, and the style sheet.

use base64::Engine as _;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::report::model::GateResult;

/// The style sheet of all pages.
const STYLE: &str = include_str!("page.css");

/// A page with its own style besides [`STYLE`], and a script if it has one.
pub(in crate::report) fn document(
    (title, outcome): (&str, GateResult),
    style: &str,
    script: Option<&str>,
    body: &Markup,
) -> Markup {
    let style = format!("{STYLE}{style}");
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy(script, &style));
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                meta name="robots" content="noindex";
                title { (title) }
                link rel="icon" href=(icon(outcome));
                style { (PreEscaped(&style)) }
            }
            body { (body) }
        }
    }
}

/// The class of the style sheet, the color, and the path of the icon in a square of 16.
fn look(outcome: GateResult) -> (&'static str, &'static str, &'static str) {
    match outcome {
        GateResult::Passed => ("good", "17803d", "M3.5 8.5l3 3 6-7"),
        GateResult::Failed => ("bad", "c62828", "M4 4l8 8M12 4l-8 8"),
        GateResult::NoVerdict => ("odd", "9a5b00", "M8 3.5v5.5M8 11.7v.8"),
    }
}

/// The header of a page, with the icon of its outcome, the heading, and what follows.
pub(in crate::report) fn header(outcome: GateResult, heading: &str, sentence: &str, more: &Markup) -> Markup {
    let (class, _, path) = look(outcome);
    html! {
        header class=(format!("top {class}")) {
            div.verdict {
                svg.mark viewBox="0 0 16 16" aria-hidden="true" { path d=(path) {} }
                div.words { h1 { (heading) } p { (sentence) } }
            }
            (more)
        }
    }
}

/// The icon, as an address that contains it.
fn icon(outcome: GateResult) -> String {
    let (_, color, path) = look(outcome);
    format!(
        "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Ccircle cx='8' cy='8' \
         r='8' fill='%23{color}'/%3E%3Cpath d='{path}' fill='none' stroke='white' stroke-width='2' \
         stroke-linecap='round'/%3E%3C/svg%3E"
    )
}

/// What a page may do: apply its style, run its script if it has one, show pictures that it contains. Nothing else.
fn policy(script: Option<&str>, style: &str) -> String {
    let digest = |text: &str| {
        let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
        base64::engine::general_purpose::STANDARD.encode(digest)
    };
    let script = script.map(|script| format!("script-src 'sha256-{}'; ", digest(script)));
    format!(
        "default-src 'none'; {}style-src 'sha256-{}'; img-src data:; base-uri 'none'; form-action 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'",
        script.unwrap_or_default(),
        digest(style),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn styles_and_script_fit_in_their_elements() {
        for text in [STYLE, super::super::html::STYLE, crate::report::run_page::SCRIPT] {
            // A browser reads `\r\n` as `\n` before it computes the digest.
            assert!(!text.contains("</") && !text.contains("<!--") && !text.contains('\r'));
        }
    }
}
