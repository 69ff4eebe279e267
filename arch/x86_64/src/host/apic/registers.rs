//! The way to the local APIC's registers: as memory, or as model-specific registers.

use core::sync::atomic::{AtomicU64, Ordering};

use phalanx_arch_api::Hpa;

use super::super::instr::{self, Msr};
use super::super::paging::direct_map_address;

/// A register, by its offset in the xAPIC page (Intel SDM vol. 3A, table 12-1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Register {
    /// The APIC's id.
    Id = 0x20,
    /// Version, and the number of local vectors.
    Version = 0x30,
    /// Interrupts up to this priority wait.
    TaskPriority = 0x80,
    /// Any write ends the interrupt in service.
    EndOfInterrupt = 0xb0,
    /// Vector of spurious interrupts, and the software switch.
    SpuriousVector = 0xf0,
    /// Pending vectors 224 to 255, where all vectors of the host are.
    HighestRequests = 0x270,
    /// Interrupt command: what, and in x2APIC mode also to whom.
    Command = 0x300,
    /// Interrupt command: to whom (xAPIC).
    CommandHigh = 0x310,
    /// Local vector of the timer.
    LvtTimer = 0x320,
    /// Local vector of the thermal sensor.
    LvtThermal = 0x330,
    /// Local vector of the performance counters.
    LvtCounters = 0x340,
    /// Local vector of pin LINT0: the old interrupt controllers.
    LvtLint0 = 0x350,
    /// Local vector of errors.
    LvtError = 0x370,
    /// Starts the timer.
    InitialCount = 0x380,
    /// What the timer has left.
    CurrentCount = 0x390,
    /// What divides the timer's clock.
    Divide = 0x3e0,
}

/// How the registers are reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// As memory.
    XApic,
    /// As model-specific registers.
    X2Apic,
}

/// Where the registers are in the direct map; 0 in x2APIC mode.
static BASE: AtomicU64 = AtomicU64::new(0);

/// Sets the way to the registers, for all CPUs; returns the address of the end-of-interrupt register (xAPIC).
///
/// # Safety
/// In xAPIC mode, the page at `registers` is mapped uncached in the direct map from now on.
pub(in super::super) unsafe fn set_mode(mode: Mode, registers: Hpa) -> u64 {
    let base = match mode {
        Mode::XApic => direct_map_address(registers).as_u64(),
        Mode::X2Apic => 0,
    };
    BASE.store(base, Ordering::Release);
    base + Register::EndOfInterrupt as u64
}

/// The mode that `set_mode` chose.
#[inline]
#[must_use]
pub fn mode() -> Mode {
    if BASE.load(Ordering::Relaxed) == 0 { Mode::X2Apic } else { Mode::XApic }
}

#[inline]
fn in_memory(base: u64, register: Register) -> *mut u32 {
    core::ptr::with_exposed_provenance_mut((base + register as u64) as usize)
}

/// The model-specific register of a register (table 12-6).
#[inline]
pub(super) const fn msr(register: Register) -> Msr {
    Msr(Msr::X2APIC_FIRST.0 + register as u32 / 16)
}

/// Reads a register.
#[inline]
pub(super) fn read(register: Register) -> u32 {
    match BASE.load(Ordering::Relaxed) {
        0 => instr::rdmsr(msr(register)) as u32,
        // SAFETY: `set_mode`'s caller vouched for the mapping; reads of the APIC's registers touch no memory.
        base => unsafe { in_memory(base, register).read_volatile() },
    }
}

/// Writes a register.
#[inline]
pub(super) fn write(register: Register, value: u32) {
    match BASE.load(Ordering::Relaxed) {
        // SAFETY: the local APIC cannot reach memory; what it delivers has a handler.
        0 => unsafe { instr::wrmsr(msr(register), u64::from(value)) },
        // SAFETY: as for `read`, and as above.
        base => unsafe { in_memory(base, register).write_volatile(value) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x2apic_registers_are_numbered_by_their_offset() {
        assert_eq!(msr(Register::EndOfInterrupt), Msr(0x80b));
        assert_eq!(msr(Register::Command), Msr(0x830));
        assert_eq!(msr(Register::Divide), Msr(0x83e));
    }
}
