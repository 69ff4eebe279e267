//! Time: the system counter, and the EL2 physical timer as an alarm for one deadline on each CPU.
//!
//! Arm ARM, D12.1 "About the Generic Timer". The EL2 names reach the same timer with and without VHE.

use core::sync::atomic::{AtomicU64, Ordering};

use aarch64_cpu::registers::{CNTFRQ_EL0, CNTHP_CTL_EL2, CNTPCT_EL0, CNTV_CTL_EL0, Readable, Writeable};
use phalanx_arch_api::Ticks;

use super::instr;
use super::registers::{CnthpCval, CntpCtl, CntpCtlEl02, CntvCtlEl02};

/// CNTHP_CTL_EL2: enabled, not masked.
const ENABLE: u64 = 1;

/// Ticks in a second; 0 before [`set_up`].
static FREQUENCY: AtomicU64 = AtomicU64::new(0);

/// The timer's frequency is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoFrequency;

/// The counter's value; never from before an earlier instruction.
#[inline(always)]
#[must_use]
pub fn now() -> Ticks {
    instr::isb();
    CNTPCT_EL0.get()
}

/// Ticks in a second, constant after [`super::init_boot_cpu`].
#[inline]
#[must_use]
pub fn frequency() -> u64 {
    FREQUENCY.load(Ordering::Relaxed)
}

/// Learns the frequency.
///
/// # Errors
/// [`NoFrequency`] where firmware did not set it.
pub(super) fn set_up() -> Result<(), NoFrequency> {
    let frequency = CNTFRQ_EL0.get() & 0xffff_ffff;
    FREQUENCY.store(frequency, Ordering::Relaxed);
    if frequency == 0 { Err(NoFrequency) } else { Ok(()) }
}

/// Silences this CPU's timers, which firmware may have used: the host's, and the two of EL1.
pub(super) fn silence(vhe: bool) {
    disarm();
    if vhe {
        CntpCtlEl02.write(0);
        CntvCtlEl02.write(0);
    } else {
        CntpCtl.write(0);
        CNTV_CTL_EL0.set(0);
    }
    instr::isb();
}

/// Makes the timer interrupt this CPU at `deadline`; it replaces what was armed. A deadline that has passed fires at
/// once.
#[inline(always)]
pub fn arm(deadline: Ticks) {
    CnthpCval.write(deadline);
    CNTHP_CTL_EL2.set(ENABLE);
}

/// Makes the timer silent.
#[inline(always)]
pub fn disarm() {
    CNTHP_CTL_EL2.set(0);
}

/// Waits for `condition`, at most this long; returns whether it holds.
pub(super) fn wait_until(microseconds: u64, condition: impl Fn() -> bool) -> bool {
    let start = now();
    let span = frequency() * microseconds / 1_000_000;
    loop {
        if condition() {
            return true;
        }
        if now().wrapping_sub(start) >= span {
            return condition();
        }
        instr::relax();
    }
}
