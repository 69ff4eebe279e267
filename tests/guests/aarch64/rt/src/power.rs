//! Ways to end: PSCI SYSTEM_OFF and SYSTEM_RESET.

use crate::{cpu, psci};

/// Power-off.
pub fn off() -> ! {
    cpu::disable_interrupts();
    psci::call(psci::SYSTEM_OFF, [0; 3]);
    cpu::stop()
}

/// Reset.
pub fn reset() {
    psci::call(psci::SYSTEM_RESET, [0; 3]);
}
