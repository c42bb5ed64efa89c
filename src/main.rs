//! The `conforme` command: see [`conforme::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    conforme::cli::main(std::env::args_os())
}
