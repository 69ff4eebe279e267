//! `cargo xtask test`: host tests, then system scenarios, one line for each.

mod clock;
mod corruption;
mod device_tree;
mod differential;
mod host;
mod jobs;
pub(crate) mod lanes;
mod matrix;
mod name;
mod play;
mod programs;
mod report;
mod scenario;
mod system;
pub(crate) mod units;
mod workshop;

use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use crate::arch::Arch;
use crate::cli::TestOptions;
use crate::error::{Result, trouble};
use crate::places::Places;
use crate::prepare::{install, tools};
use differential::Differential;
use host::HostTest;
use programs::Programs;
use report::{Report, Result as Outcome};
use system::{Bench, SystemTest};
use units::{UnitTest, Units};

/// Something with a line in the report.
enum Case {
    Host(HostTest),
    Unit(UnitTest),
    System(SystemTest),
    Differential(Differential),
    /// A lane without tests.
    Empty(&'static str),
}

impl Case {
    fn name(&self) -> String {
        match self {
            Self::Host(test) => test.name.clone(),
            Self::Unit(test) => test.name.clone(),
            Self::System(test) => test.name.clone(),
            Self::Differential(test) => test.name.clone(),
            Self::Empty(lane) => format!("{lane}/all"),
        }
    }

    /// How many processors it keeps busy; `usize::MAX` for all that there are.
    fn width(&self) -> usize {
        match self {
            Self::Host(_) => usize::MAX,
            Self::Unit(test) => test.width(),
            Self::System(test) => test.width(),
            Self::Differential(_) | Self::Empty(_) => 1,
        }
    }
}

/// Runs (or lists) the tests that the filters choose; the exit code is 1 when one failed.
pub(crate) fn run(places: &Places, options: &TestOptions) -> Result<u8> {
    let cases = find(places, &options.filters)?;
    if options.list {
        cases.iter().for_each(|case| println!("{}", case.name()));
        return Ok(0);
    }
    let programs = prepare(places, &cases)?;
    let units = Units::new(places, options.patience);
    let bench = Bench::new(places, options.patience);
    let all = || thread::available_parallelism().map_or(1, usize::from);
    let processors = options.jobs.map_or_else(all, usize::from);
    let report = Mutex::new(Report::new(cases.len()));
    let reported = || report.lock().unwrap_or_else(PoisonError::into_inner);
    jobs::run(&cases, processors, Case::width, |case| {
        let name = case.name();
        reported().running(&name);
        let start = Instant::now();
        let outcome = match case {
            Case::Host(test) => host::run(places, &programs, test),
            Case::Unit(test) => units.run(test),
            Case::System(test) => bench.run(test),
            Case::Differential(test) => test.run(&bench),
            Case::Empty(_) => Outcome::Skipped("there are no tests of this lane".into()),
        };
        reported().add(&name, &outcome, start.elapsed());
    });
    Ok(report.into_inner().unwrap_or_else(PoisonError::into_inner).end())
}

/// All chosen cases, lane by lane.
fn find(places: &Places, filters: &[String]) -> Result<Vec<Case>> {
    let host = host::find(places)?.into_iter().map(Case::Host);
    let system = system::find(places)?.into_iter().map(Case::System);
    let units = units::find(places)?.into_iter().map(Case::Unit);
    let differential = differential::find(places)?.into_iter().map(Case::Differential);
    let mut cases: Vec<Case> = host.chain(units).chain(system).chain(differential).collect();
    for lane in name::LANES {
        if !cases.iter().any(|case| lane_of(&case.name()) == lane) {
            cases.push(Case::Empty(lane));
        }
    }
    let names: Vec<String> = cases.iter().map(Case::name).collect();
    if let Some(filter) = name::without_match(&names, filters) {
        return Err(trouble(
            format!("no test is called {filter}"),
            "a filter is the beginning of a name or a word of it; cargo xtask test --list prints the names",
        ));
    }
    cases.retain(|case| name::chosen(&case.name(), filters));
    cases.sort_by_key(|case| name::LANES.iter().position(|lane| *lane == lane_of(&case.name())));
    Ok(cases)
}

fn lane_of(name: &str) -> &str {
    name.split('/').next().unwrap_or_default()
}

/// Installs what the cases start, and builds the host's programs.
fn prepare(places: &Places, cases: &[Case]) -> Result<Programs> {
    for arch in Arch::ALL {
        let on = |case: &Case| match case {
            Case::Unit(_) => arch == Arch::Arm,
            Case::System(test) => test.arch() == Some(arch) && !test.on_bochs(),
            Case::Differential(test) => arch == Arch::X86 && test.tests.iter().any(|test| !test.on_bochs()),
            Case::Host(_) | Case::Empty(_) => false,
        };
        if cases.iter().any(on) {
            install::ensure(places, tools::emulator(arch))?;
        }
    }
    if cases.iter().any(|case| matches!(case, Case::System(test) if test.needs_iso())) {
        install::ensure(places, &[&tools::image(), tools::FIRMWARE].concat())?;
    }
    let any_host = cases.iter().any(|case| matches!(case, Case::Host(_)));
    Ok(if any_host { Programs::build(places) } else { Programs::default() })
}
