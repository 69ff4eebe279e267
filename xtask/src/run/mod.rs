//! `cargo xtask run`: a system on an emulated machine, with its console on this terminal or on stdout.

mod keyboard;
mod line_ends;
mod session;
mod terminal;

use std::io::IsTerminal;
use std::path::Path;
use std::time::Duration;

use regex::Regex;

use crate::cli::RunOptions;
use crate::emulator::machine::{Board, Machine};
use crate::error::{Result, trouble};
use crate::machine::EmulatorName;
use crate::on_bochs::{Prepared, Start};
use crate::places::Places;
use crate::prepare::bochs::Missing;
use crate::prepare::{install, tools};
use crate::system::{self, Builder};

/// A headless run without `--timeout` ends after this long.
const HEADLESS_LIMIT: Duration = Duration::from_secs(120);

/// What to watch a console for.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// Success when a line matches.
    pub(crate) until: Option<Regex>,
    /// Failure when a line matches.
    pub(crate) fail_on: Option<Regex>,
    /// Lines to type.
    pub(crate) input: Vec<String>,
    /// When to type them: after a line that matches.
    pub(crate) input_after: Option<Regex>,
    /// How long it may take.
    pub(crate) timeout: Option<Duration>,
}

/// Builds the system, boots it and returns the command's exit code.
pub(crate) fn run(places: &Places, options: &RunOptions) -> Result<u8> {
    let manifest = system::find_manifest(places, options.system.as_deref())?;
    let watch = watch(options)?;
    let board = options.machine.board(system::wanted_by(&manifest))?;
    let machine = Machine { extra: options.emulator_args.clone(), ..machine(places, options, board, &manifest)? };
    if options.print_command {
        machine.write_files()?;
        println!("{}", machine.typed());
        return Ok(0);
    }
    let attached = !options.headless && std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let timeout = watch.timeout.or((!attached).then_some(HEADLESS_LIMIT));
    session::run(&machine, &Watch { timeout, ..watch }, attached)
}

/// The machine, with everything prepared that it needs.
fn machine(places: &Places, options: &RunOptions, board: Board, manifest: &Path) -> Result<Machine> {
    let build = || Builder::new(places, board.arch())?.system(manifest);
    match options.machine.emulator(board)? {
        EmulatorName::Qemu => {
            install::ensure(places, tools::emulator(board.arch()))?;
            options.machine.describe(places, board, build()?)
        }
        EmulatorName::Bochs => {
            options.machine.check_bochs()?;
            let prepared = Prepared::ensure(places).map_err(Missing::report)?;
            let machine = prepared.boot(places, "run", &build()?, &Start::default())?;
            Ok(options.machine.adjust_bochs(machine))
        }
    }
}

fn watch(options: &RunOptions) -> Result<Watch> {
    Ok(Watch {
        until: options.until.as_deref().map(|text| pattern("--until", text)).transpose()?,
        fail_on: options.fail_on.as_deref().map(|text| pattern("--fail-on", text)).transpose()?,
        input: options.input.clone(),
        input_after: Some(pattern("--input-after", &options.input_after)?),
        timeout: options.timeout.map(Duration::from_secs),
    })
}

fn pattern(option: &str, text: &str) -> Result<Regex> {
    Regex::new(text).map_err(|error| {
        trouble(format!("{option}: {error}"), "write it as the crate regex documents, in single quotes")
    })
}

/// One line about the machine, for the start of a run.
fn describe(machine: &Machine) -> String {
    let cpus = if machine.cpus == 1 { "1 CPU".to_owned() } else { format!("{} CPUs", machine.cpus) };
    let bochs = if machine.on_bochs.is_some() { " (Bochs)" } else { "" };
    format!("Phalanx on {}{bochs} with {cpus} and {} of memory", machine.board.title(), machine.memory)
}
