//! Builds, runs, tests and measures Phalanx. `cargo xtask --help` is the manual.
#![forbid(unsafe_code)]

mod arch;
mod bare;
mod bench;
mod check;
mod clean;
mod cli;
mod doctor;
mod emulator;
mod error;
mod flat;
mod image;
mod initramfs;
mod machine;
mod on_bochs;
mod places;
mod prepare;
mod process;
mod progress;
mod run;
mod store;
mod system;
mod test;

use std::process::ExitCode;

use clap::Parser;

use cli::{BenchVerb, Cli, Verb};
use error::Result;
use places::Places;

fn main() -> ExitCode {
    // Lines are not wrapped: they hold commands to copy.
    let handler = |_: &_| Box::new(miette::MietteHandlerOpts::new().wrap_lines(false).build()) as _;
    let _ = miette::set_hook(Box::new(handler));
    match dispatch(&Cli::parse()) {
        Ok(code) => ExitCode::from(code),
        Err(report) => {
            eprintln!("{report:?}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(cli: &Cli) -> Result<u8> {
    let places = Places::find()?;
    match &cli.command {
        Verb::Run(options) => run::run(&places, options),
        Verb::Test(options) => test::run(&places, options),
        Verb::Image(options) => image::run(&places, options),
        Verb::Doctor(option) => doctor::run(&places, &option.all()),
        Verb::CleanCache => clean::run(&places),
        Verb::Bench(BenchVerb::Exits(options)) => bench::exits(&places, options),
        Verb::Check(option) => check::run(&places, &option.all()),
    }
}
