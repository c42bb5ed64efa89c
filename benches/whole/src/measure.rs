//! One command, and what it took.

use std::{
    env, io,
    path::Path,
    process::{Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

use nix::sys::{
    resource::{UsageWho, getrusage},
    time::TimeValLike,
};

/// What a command took.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
pub struct Took {
    /// From start to end, in seconds.
    pub wall: f64,
    /// User and system time, in seconds.
    pub cpu: f64,
    /// Peak of the resident memory, in MiB.
    pub memory: f64,
}

/// Runs a command to its end, as the only child of a process of its own: what the system counts for that process's
/// children is this command's alone.
pub fn measure(command: &[String], folder: &Path, variables: &[(&str, &str)]) -> io::Result<Took> {
    let out = Command::new(env::current_exe()?)
        .arg("measure")
        .args(command)
        .current_dir(folder)
        .envs(variables.iter().copied())
        .stderr(Stdio::inherit())
        .output()?;
    if !out.status.success() {
        return Err(io::Error::other(format!(
            "`{}` failed: {}",
            command.join(" "),
            out.status
        )));
    }
    Ok(serde_json::from_slice(&out.stdout)?)
}

/// The process between: runs the command, and writes its cost to standard output.
pub fn between(command: &[String]) -> io::Result<ExitCode> {
    let Some((program, arguments)) = command.split_first() else {
        return Ok(ExitCode::from(2));
    };
    let begun = Instant::now();
    let status = Command::new(program).args(arguments).stdout(Stdio::null()).status()?;
    let wall = begun.elapsed();
    if !status.success() {
        return Ok(ExitCode::FAILURE);
    }
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    let took = Took {
        wall: wall.as_secs_f64(),
        cpu: Duration::from_micros(u64::try_from(micros).unwrap_or_default()).as_secs_f64(),
        // Linux counts in KiB.
        memory: f64::from(u32::try_from(usage.max_rss()).unwrap_or(u32::MAX)) / 1024.0,
    };
    println!("{}", serde_json::to_string(&took)?);
    Ok(ExitCode::SUCCESS)
}
