//! Why the guest left.

use super::{BLOCKED_BY_NMI, EFER_LMA, VmxControl};
use crate::vcpu::{Injection, InjectionKind};
use crate::vmx::decode::{Details, is_nmi, reason};
use crate::vmx::event;
use crate::vmx::field as f;

impl Details for VmxControl {
    #[inline(always)]
    fn qualification(&self) -> u64 {
        f::EXIT_QUALIFICATION.read()
    }

    fn interruption(&self) -> (u32, u32) {
        (f::EXIT_INTERRUPTION.read(), f::EXIT_ERROR_CODE.read())
    }

    #[inline(always)]
    fn gpa(&self) -> u64 {
        f::GUEST_PHYSICAL_ADDRESS.read()
    }

    /// Outside of 64-bit mode the instruction pointer has 32 bits: it wraps, and an entry refuses more.
    #[inline(always)]
    fn next_rip(&self) -> u64 {
        let length = f::INSTRUCTION_LENGTH.read();
        let next = self.rip.wrapping_add(u64::from(length));
        // No instruction is longer than 15 bytes.
        if next & 0xffff_fff0 == 0 { self.wrapped(next) } else { next }
    }
}

impl VmxControl {
    /// Whether a physical NMI waits for the host.
    pub(in crate::vmx) fn is_nmi_exit(&self) -> bool {
        self.reason == reason::EXCEPTION_OR_NMI && is_nmi(f::EXIT_INTERRUPTION.read())
    }

    /// The event that the exit interrupted. An NMI among them is blocked already, which an entry that injects it forbids.
    pub(super) fn take_interrupted(&mut self) -> Option<Injection> {
        let event = event::decode(f::IDT_VECTORING.read(), f::IDT_VECTORING_ERROR_CODE.read())?;
        if event.kind == InjectionKind::Nmi {
            f::GUEST_INTERRUPTIBILITY.write(f::GUEST_INTERRUPTIBILITY.read() & !BLOCKED_BY_NMI);
        }
        Some(event)
    }

    #[cold]
    fn wrapped(&self, next: u64) -> u64 {
        const LONG: u32 = 1 << 13;
        let long = self.efer & EFER_LMA != 0 && f::GUEST_CS_RIGHTS.read() & LONG != 0;
        if long { next } else { next & 0xffff_ffff }
    }
}
