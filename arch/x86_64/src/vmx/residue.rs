//! Guest registers that neither an entry nor an exit switches: they stay in the processor while the vCPU is loaded.
//!
//! The hypervisor uses none of them: it has no user mode, no SYSCALL and no SWAPGS, and takes no page fault that it survives.

use core::arch::asm;

use crate::host::instr::{self, Msr};

/// STAR, LSTAR, CSTAR, FMASK, and the base that SWAPGS exchanges.
const MSRS: [Msr; 5] = [Msr(0xc000_0081), Msr(0xc000_0082), Msr(0xc000_0083), Msr(0xc000_0084), Msr::KERNEL_GS_BASE];

/// The registers while the vCPU is not loaded.
#[derive(Clone, Debug, Default)]
pub(super) struct Residue {
    msrs: [u64; MSRS.len()],
    cr2: u64,
    dr6: u64,
    loaded: bool,
}

impl Residue {
    /// Brings the registers onto this CPU.
    ///
    /// # Safety
    /// No other vCPU's are live on this CPU.
    pub(super) unsafe fn load(&mut self) {
        self.loaded = true;
        for (msr, value) in MSRS.into_iter().zip(self.msrs) {
            // SAFETY: the values are a guest's own, which the processor accepted; the host does not use the registers.
            unsafe { instr::wrmsr(msr, value) };
        }
        write_cr2(self.cr2);
        write_dr6(self.dr6);
    }

    /// Takes the registers from this CPU.
    pub(super) fn save(&mut self) {
        self.loaded = false;
        self.msrs = MSRS.map(instr::rdmsr);
        self.cr2 = read_cr2();
        self.dr6 = read_dr6();
    }

    /// RESET of the MSRs.
    pub(super) fn reset_msrs(&mut self) {
        self.msrs = [0; MSRS.len()];
        if self.loaded {
            for msr in MSRS {
                // SAFETY: as in `load`.
                unsafe { instr::wrmsr(msr, 0) };
            }
        }
    }

    pub(super) fn cr2(&self) -> u64 {
        if self.loaded { read_cr2() } else { self.cr2 }
    }

    pub(super) fn set_cr2(&mut self, value: u64) {
        self.cr2 = value;
        if self.loaded {
            write_cr2(value);
        }
    }

    pub(super) fn dr6(&self) -> u64 {
        if self.loaded { read_dr6() } else { self.dr6 }
    }

    pub(super) fn set_dr6(&mut self, value: u64) {
        self.dr6 = value;
        if self.loaded {
            write_dr6(value);
        }
    }
}

fn read_cr2() -> u64 {
    let value;
    // SAFETY: reading the register has no effect.
    unsafe { asm!("mov {}, cr2", out(reg) value, options(nomem, nostack, preserves_flags)) };
    value
}

fn write_cr2(value: u64) {
    // SAFETY: the register only tells a page-fault handler an address; the host's faults end in the crash card.
    unsafe { asm!("mov cr2, {}", in(reg) value, options(nomem, nostack, preserves_flags)) };
}

fn read_dr6() -> u64 {
    let value;
    // SAFETY: reading the register has no effect.
    unsafe { asm!("mov {}, dr6", out(reg) value, options(nomem, nostack, preserves_flags)) };
    value
}

fn write_dr6(value: u64) {
    // SAFETY: the register only reports; the upper half, which must be zero, is.
    unsafe { asm!("mov dr6, {}", in(reg) value & 0xffff_ffff, options(nomem, nostack, preserves_flags)) };
}
