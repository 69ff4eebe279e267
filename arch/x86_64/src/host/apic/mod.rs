//! The processor's own local APIC (Intel SDM vol. 3A, chapter 12).
//!
//! Its registers are memory (xAPIC) unless firmware switched to model-specific registers (x2APIC), or an APIC id needs
//! more than 8 bits. All CPUs use the same mode. Each CPU drives its own: nothing here is shared.

mod ipi;
mod registers;
mod timer;

use phalanx_arch_api::Hpa;

use super::instr::{self, Msr};
use super::interrupts::SPURIOUS;
use registers::{Register, read, write};

pub(super) use ipi::{send, send_init, send_nmi_to_others, send_startup};
pub(super) use registers::set_mode;
pub use registers::{Mode, mode};
pub(super) use timer::{
    TimerMode, current_count, enable_timer, set_initial_count, start_masked_count, timer_is_pending,
};

/// Bits of the APIC base register.
const BASE_X2APIC: u64 = 1 << 10;
const BASE_ENABLE: u64 = 1 << 11;
const BASE_ADDRESS: u64 = 0x000f_ffff_ffff_f000;

/// Software switch, in the spurious-vector register.
const ENABLE: u32 = 1 << 8;
/// A local vector that delivers nothing.
const MASKED: u32 = 1 << 16;
/// The highest id that 8 bits can address; 255 means all.
const HIGHEST_XAPIC_ID: u32 = 254;

/// The mode that all CPUs use, given the mode this one is in and the highest APIC id of the machine.
const fn choose_mode(is_x2apic_now: bool, has_x2apic: bool, highest_id: u32) -> Mode {
    if is_x2apic_now || (has_x2apic && highest_id > HIGHEST_XAPIC_ID) { Mode::X2Apic } else { Mode::XApic }
}

/// The mode for this machine, and the physical address of the registers.
pub(super) fn detect(highest_id: u32) -> (Mode, Hpa) {
    let base = instr::rdmsr(Msr::APIC_BASE);
    let has_x2apic = instr::cpuid(1, 0).ecx & 1 << 21 != 0;
    let mode = choose_mode(base & BASE_X2APIC != 0, has_x2apic, highest_id);
    (mode, Hpa::new(base & BASE_ADDRESS))
}

/// Switches this CPU's APIC on: only inter-processor interrupts and what LINT1 carries (NMI) are let through.
pub(super) fn enable() {
    let x2apic = if mode() == Mode::X2Apic { BASE_X2APIC } else { 0 };
    let base = instr::rdmsr(Msr::APIC_BASE) | BASE_ENABLE;
    // SAFETY: the address stays, and the mode is the one that `read` and `write` use. Enabled comes before x2APIC, as
    // the step from disabled to x2APIC is not allowed (12.12.5).
    unsafe {
        instr::wrmsr(Msr::APIC_BASE, base);
        instr::wrmsr(Msr::APIC_BASE, base | x2apic);
    }
    write(Register::SpuriousVector, ENABLE | u32::from(SPURIOUS));
    write(Register::TaskPriority, 0);
    for register in [Register::LvtTimer, Register::LvtLint0, Register::LvtError] {
        write(register, MASKED);
    }
    let highest_local_vector = read(Register::Version) >> 16 & 0xff;
    for (number, register) in [(4, Register::LvtCounters), (5, Register::LvtThermal)] {
        if highest_local_vector >= number {
            write(register, MASKED);
        }
    }
}

/// The id of this CPU's APIC.
#[must_use]
pub fn id() -> u32 {
    match mode() {
        Mode::XApic => read(Register::Id) >> 24,
        Mode::X2Apic => read(Register::Id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_preferred_where_ids_allow() {
        assert_eq!(choose_mode(false, true, 254), Mode::XApic);
        assert_eq!(choose_mode(false, true, 255), Mode::X2Apic);
        assert_eq!(choose_mode(false, false, 300), Mode::XApic);
        assert_eq!(choose_mode(true, true, 3), Mode::X2Apic);
    }
}
