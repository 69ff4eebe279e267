//! The one machine, for all CPUs to find.

use phalanx_core::Machine;
use spin::Once;

use crate::target::Backend;

/// Tells the crash card a domain's name, once there are domains.
static NAMES: Once<fn(u32) -> Option<&'static str>> = Once::new();

/// Lets the other CPUs go.
pub(crate) fn publish<B: Backend>(machine: Machine<B>) -> &'static Machine<B> {
    let machine = B::machine().call_once(|| machine);
    NAMES.call_once(|| |domain| B::machine().get()?.domain_name(domain as usize));
    machine
}

/// Waits for [`publish`].
pub(crate) fn wait<B: Backend>() -> &'static Machine<B> {
    loop {
        if let Some(machine) = B::machine().get() {
            return machine;
        }
        B::relax();
    }
}

/// The name of a domain. Takes no lock.
pub(crate) fn domain_name(domain: u32) -> Option<&'static str> {
    NAMES.get()?(domain)
}
