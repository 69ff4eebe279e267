//! The machine's own firmware: its power interface (PSCI, DEN 0022).

use core::fmt;

use phalanx_handoff::board::Psci;
use spin::Once;

use super::instr::call_firmware;

/// Set at boot; a machine that starts its CPUs by spin-table has none.
static PSCI: Once<Psci> = Once::new();

/// What the firmware answers instead of doing it (DEN 0022, 5.2.2 "Return error codes").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal(pub i32);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            -1 => "not supported",
            -2 => "invalid parameters",
            -3 => "denied",
            -4 => "already on",
            -5 => "on pending",
            -6 => "internal failure",
            -7 => "not present",
            -8 => "disabled",
            -9 => "invalid address",
            code => return write!(f, "error {code}"),
        })
    }
}

/// Remembers the interface. The first call counts.
pub(super) fn set_up(psci: Option<Psci>) {
    if let Some(psci) = psci {
        PSCI.call_once(|| psci);
    }
}

/// Starts the CPU with these affinity fields at `entry`, MMU off, with `context` in X0.
///
/// # Errors
/// What the firmware says against it.
///
/// # Safety
/// The code at `entry` knows what to do on such a CPU.
pub(super) unsafe fn cpu_on(mpidr: u64, entry: u64, context: u64) -> Result<(), Refusal> {
    const NOT_SUPPORTED: Refusal = Refusal(-1);
    let psci = PSCI.get().ok_or(NOT_SUPPORTED)?;
    let function = psci.cpu_on.ok_or(NOT_SUPPORTED)?;
    // SAFETY: the call concerns another CPU, and the caller vouches for the code there.
    match unsafe { call_firmware(psci.conduit, function, [mpidr, entry, context]) } as i32 {
        0 => Ok(()),
        code => Err(Refusal(code)),
    }
}

/// Switches the machine off. Returns where the firmware cannot.
pub fn system_off() {
    call(|psci| psci.system_off);
}

/// Restarts the machine. Returns where the firmware cannot.
pub fn system_reset() {
    call(|psci| psci.system_reset);
}

fn call(function: impl FnOnce(&Psci) -> Option<u32>) {
    if let Some((psci, function)) = PSCI.get().and_then(|psci| Some((psci, function(psci)?))) {
        // SAFETY: nothing of what runs here is needed any more when the machine ends.
        unsafe { call_firmware(psci.conduit, function, [0; 3]) };
    }
}
