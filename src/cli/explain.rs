//! `conforme explain`.

use clap::Args;

use super::Printer;
use crate::{
    explain::{Subject, explain as meaning, explanations},
    model::Exit,
    session::SessionError,
};

/// `conforme explain`
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
conforme explain http/date\n  \
conforme explain header/content-type\n  \
conforme explain body/property-removed\n  \
conforme explain                          lists every id")]
pub struct ExplainArgs {
    /// The id of a check, a built-in rule or a change, as reports show it; without it, all are listed
    #[arg(value_name = "ID")]
    pub id: Option<String>,
}

pub(super) fn explain(args: &ExplainArgs, printer: &Printer) -> Result<Exit, SessionError> {
    let Some(id) = &args.id else {
        list(printer);
        return Ok(Exit::Success);
    };
    let explanation = meaning(id).map_err(|unknown| SessionError::Advised {
        message: unknown.to_string(),
        help: match &unknown.nearest {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => "`conforme explain` lists every id".to_owned(),
        },
        exit: Exit::Usage,
    })?;
    printer.out(&explanation.to_string());
    Ok(Exit::Success)
}

/// Every id with its level and meaning, one a line.
fn list(printer: &Printer) {
    let all = explanations();
    let width = all.iter().map(|one| one.id.len()).max().unwrap_or_default();
    let parts = ["Checks", "Built-in rules", "Changes between two versions"];
    let part_of = |subject| match subject {
        Subject::Check => 0,
        Subject::Rule(_) => 1,
        Subject::Change(_) => 2,
    };
    for (number, title) in parts.into_iter().enumerate() {
        let gap = if number == 0 { "" } else { "\n" };
        printer.out(&format!("{gap}{title}"));
        for one in all.iter().filter(|one| part_of(one.subject) == number) {
            printer.out(&format!("  {:width$}  {}", one.id, one.meaning));
        }
    }
}
