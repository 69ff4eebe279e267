//! The ways in which the machine stops.

use core::fmt;

use phalanx_handoff::{Exit, Verdict};
use spin::Once;

use crate::console::{self, println};
use crate::machine;
use crate::start::StartError;
use crate::target::crash::{self, Hooks};
use crate::target::stop;

/// What the command line says about the end of the run.
static EXIT: Once<Exit> = Once::new();

/// Notes how the run is to end, and prepares the crash card.
pub(crate) fn set_exit(exit: Exit) {
    EXIT.call_once(|| exit);
    crash::register(Hooks {
        write: |text| console::print_emergency(format_args!("{text}")),
        domain_name,
        stop: || stop_with(Verdict::Refused),
    });
}

/// All domains have ended.
pub(crate) fn fine() -> ! {
    println!("phalanx: all domains have ended");
    stop_with(Verdict::Fine)
}

/// The machine cannot run what it was given.
pub(crate) fn refuse(error: &StartError) -> ! {
    println!("phalanx: error: {error}");
    println!("phalanx: help: {}", error.help());
    stop_with(Verdict::Refused)
}

fn stop_with(verdict: Verdict) -> ! {
    console::drain();
    stop(EXIT.get().copied().unwrap_or_default(), verdict)
}

fn domain_name(domain: u32, out: &mut dyn fmt::Write) -> fmt::Result {
    match machine::domain_name(domain) {
        Some(name) => out.write_str(name),
        None => write!(out, "number {domain}"),
    }
}
