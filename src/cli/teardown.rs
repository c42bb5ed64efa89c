//! `conforme teardown`.

use std::path::PathBuf;

use super::{Printer, args::TeardownArgs, terminal::terminal};
use crate::{
    model::Exit,
    project::TargetOptions,
    session::{self, SessionError, TeardownRequest},
};

pub(super) fn teardown(
    args: TeardownArgs,
    project: Option<PathBuf>,
    printer: &mut Printer,
) -> Result<Exit, SessionError> {
    let terminal = terminal(&[], args.output.options(), printer);
    let request = TeardownRequest {
        project,
        recording: args.recording,
        repeated: args.repeated,
        target: TargetOptions {
            target: args.target,
            ..args.values.target_options(TargetOptions::default(), printer)?
        },
    };
    session::teardown(&request, terminal, printer)
}
