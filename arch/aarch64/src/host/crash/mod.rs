//! The crash card: what is known when the kernel itself faults or panics, and a defined end.
//!
//! One CPU prints; the others are stopped by an SGI when they leave their guest. Nothing here takes a lock or allocates.
//! A fault while the card is printed ends the machine at once instead of printing again.

mod backtrace;
mod card;
mod known;
#[cfg(target_arch = "aarch64")]
mod report;

#[cfg(target_arch = "aarch64")]
pub(super) use known::{set_known_memory, set_stacks};
#[cfg(target_arch = "aarch64")]
pub(super) use report::{exception, stop_this_cpu};
#[cfg(target_arch = "aarch64")]
pub use report::{panic, register};

use core::fmt;
use core::sync::atomic::{AtomicU32, Ordering};

/// What the kernel lends to the crash card.
#[derive(Clone, Copy)]
pub struct Hooks {
    /// Writes to the console at once, without waiting for a lock.
    pub write: fn(&str),
    /// Writes a domain's name, given its number. Must not wait for a lock.
    pub domain_name: fn(u32, &mut dyn fmt::Write) -> fmt::Result,
    /// Ends the machine.
    pub stop: fn() -> !,
}

/// What a CPU that comes here has to do.
#[derive(Debug, PartialEq, Eq)]
enum Role {
    /// Stop the others, print, end.
    Print,
    /// It crashed while printing: end.
    GiveUp,
    /// It even crashed while ending, or another CPU prints: halt.
    Halt,
}

/// Decides who prints. `printer` and `depth` start at 0.
fn role(printer: &AtomicU32, depth: &AtomicU32, cpu: u32) -> Role {
    match printer.compare_exchange(0, cpu + 1, Ordering::AcqRel, Ordering::Acquire) {
        Err(other) if other != cpu + 1 => Role::Halt,
        _ => match depth.fetch_add(1, Ordering::Relaxed) {
            0 => Role::Print,
            1 => Role::GiveUp,
            _ => Role::Halt,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_cpu_prints_and_a_second_fault_ends_it() {
        let (printer, depth) = (AtomicU32::new(0), AtomicU32::new(0));
        assert_eq!(role(&printer, &depth, 3), Role::Print);
        assert_eq!(role(&printer, &depth, 0), Role::Halt);
        assert_eq!(role(&printer, &depth, 3), Role::GiveUp);
        assert_eq!(role(&printer, &depth, 3), Role::Halt);
    }
}
