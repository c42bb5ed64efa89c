//! Measures whole commands: `conforme run` beside a bare loop that sends the same requests at the same concurrency and
//! makes the same checks, against the reference API in a process of its own, in one run.
//!
//! ```text
//! cargo run --release --manifest-path benches/whole/Cargo.toml [SIZE]...
//! ```

mod bare;
mod measure;
mod suite;

use std::{
    env,
    io::{self, BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, Stdio},
};

use measure::{Took, measure};

/// What is measured where nothing else is said.
const SIZES: [usize; 4] = [5, 1_000, 10_000, 100_000];
/// Requests at once, for everyone.
const JOBS: usize = 8;

type Anything = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<ExitCode, Anything> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        Some(("measure", command)) => Ok(measure::between(command)?),
        Some(("bare", [client, base, folder])) => {
            let passes = bare::run(client, base, Path::new(folder), JOBS)?;
            Ok(if passes { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Some(("write", [form, count, folder])) => {
            write(form, count.parse()?, Path::new(folder))?;
            Ok(ExitCode::SUCCESS)
        }
        _ => {
            let sizes: Vec<usize> = arguments.iter().map(|size| size.parse()).collect::<Result<_, _>>()?;
            compare(if sizes.is_empty() { &SIZES } else { &sizes })?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn write(form: &str, count: usize, folder: &Path) -> io::Result<()> {
    match form {
        "rows" => suite::write_rows(folder, count),
        "files" => suite::write_files(folder, count),
        _ => suite::write_lines(folder, count),
    }
}

/// The reference API in a process of its own; it ends with this value.
struct Server {
    child: Child,
    base: String,
}

impl Server {
    fn start(conforme: &Path) -> Result<Self, Anything> {
        let mut child = Command::new(conforme)
            .args(["serve", "--port", "0"])
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut line)?;
        let base = line.split_whitespace().find(|word| word.starts_with("http://"));
        let base = base.ok_or("the reference API does not say where it is")?.to_owned();
        Ok(Self { child, base })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Something that is measured.
struct Runner {
    name: &'static str,
    command: Vec<String>,
    folder: PathBuf,
}

fn compare(sizes: &[usize]) -> Result<(), Anything> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let built = Command::new("cargo")
        .args(["build", "--release"])
        .current_dir(&root)
        .status()?;
    if !built.success() {
        return Err("conforme does not build".into());
    }
    let conforme = root.join("target/release/conforme").canonicalize()?;
    println!("| cases | | wall s | CPU s | MiB | wall × loop | CPU × loop |\n|---:|---|---:|---:|---:|---:|---:|");
    for &size in sizes {
        let server = Server::start(&conforme)?;
        let temporary = tempfile::tempdir()?;
        let runners = runners(size, &conforme, &server.base, temporary.path())?;
        let took = medians(&runners, size)?;
        let limit = took[0];
        for (runner, took) in runners.iter().zip(&took) {
            println!(
                "| {size} | {} | {:.3} | {:.3} | {:.0} | {:.2} | {:.2} |",
                runner.name,
                took.wall,
                took.cpu,
                took.memory,
                took.wall / limit.wall,
                took.cpu / limit.cpu,
            );
        }
    }
    Ok(())
}

/// The bare loop first: the others are compared with it.
fn runners(size: usize, conforme: &Path, base: &str, folder: &Path) -> Result<Vec<Runner>, Anything> {
    let (lines, rows, files) = (folder.join("lines"), folder.join("rows"), folder.join("files"));
    suite::write_lines(&lines, size)?;
    suite::write_rows(&rows, size)?;
    suite::write_files(&files, size)?;
    let this = env::current_exe()?.display().to_string();
    let loop_of = |client: &str| {
        vec![
            this.clone(),
            "bare".into(),
            client.into(),
            base.into(),
            lines.display().to_string(),
        ]
    };
    let run = |more: &[&str]| {
        let mut command = vec![
            conforme.display().to_string(),
            "run".into(),
            "--target".into(),
            base.into(),
        ];
        command.extend(["--jobs".into(), JOBS.to_string(), "--quiet".into()]);
        command.extend(more.iter().map(|&argument| argument.to_owned()));
        command
    };
    let mut runners = vec![
        Runner {
            name: "bare loop, reqwest",
            command: loop_of("reqwest"),
            folder: lines.clone(),
        },
        Runner {
            name: "bare loop, hyper",
            command: loop_of("hyper"),
            folder: lines.clone(),
        },
        Runner {
            name: "conforme, rows",
            command: run(&[]),
            folder: rows.clone(),
        },
        Runner {
            name: "conforme, a file a case",
            command: run(&[]),
            folder: files,
        },
    ];
    if size >= 1_000 {
        let reports = [
            "--report",
            "junit=junit.xml",
            "--report",
            "json=events.ndjson",
            "--report",
            "html=report.html",
        ];
        let command = run(&[&reports[..], &["--record", "run.ndjson"]].concat());
        runners.push(Runner {
            name: "conforme, rows, three reports and a recording",
            command,
            folder: rows,
        });
    }
    Ok(runners)
}

/// Everyone in turn, and then in the opposite order, so that what else the machine does hits all alike; the first round
/// only warms up.
fn medians(runners: &[Runner], size: usize) -> Result<Vec<Took>, Anything> {
    let rounds = match size {
        0..=100 => 15,
        101..=20_000 => 5,
        _ => 3,
    };
    let mut all: Vec<Vec<Took>> = vec![Vec::new(); runners.len()];
    for round in 0..=rounds {
        let mut order: Vec<usize> = (0..runners.len()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for at in order {
            let runner = &runners[at];
            let took = measure(
                &runner.command,
                &runner.folder,
                &[("CONFORME_SECRET_TOKEN", suite::TOKEN)],
            )?;
            if round > 0 {
                all[at].push(took);
            }
        }
    }
    let median = |took: &[Took], of: fn(&Took) -> f64| {
        let mut values: Vec<f64> = took.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let median_of_each = |took: &Vec<Took>| Took {
        wall: median(took, |took| took.wall),
        cpu: median(took, |took| took.cpu),
        memory: median(took, |took| took.memory),
    };
    Ok(all.iter().map(median_of_each).collect())
}
