//! The `conforme` command: see [`conforme::cli`].

use std::process::ExitCode;

/// Loading and judging are mostly small allocations, freed by another thread than made them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    conforme::cli::main(std::env::args_os())
}
