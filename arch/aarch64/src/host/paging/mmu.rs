//! The processor's own switches for the host's address space, set the same on every CPU.
//!
//! With VHE (HCR_EL2.E2H) the translation regime is called EL2&0 and TCR_EL2 has the layout of TCR_EL1; the tables are
//! the same (Arm ARM, D8.2.12 "Virtualization Host Extensions", D24.2.174 "TCR_EL2").

use core::arch::asm;

use aarch64_cpu::registers::{ID_AA64MMFR0_EL1, ID_AA64MMFR1_EL1, Readable};
use phalanx_arch_api::Hpa;

use crate::stage2;

/// HCR_EL2 while no vCPU is loaded: EL1 is AArch64, all interrupts come here.
const HCR: u64 = 1 << 31 | 7 << 3;
/// HCR_EL2.E2H.
const E2H: u64 = 1 << 34;

/// SCTLR_EL2: the bits that are RES1 in Armv8.0, MMU (M), caches (C, I), stack alignment (SA), and no execution of what
/// is writable (WXN).
const SCTLR: u64 = 0x30c5_0830 | 1 << 0 | 1 << 2 | 1 << 3 | 1 << 12 | 1 << 19;

/// 48-bit addresses, 4 KiB granule; table walks are write-back, inner shareable: T0SZ, IRGN0, ORGN0, SH0, TG0.
const TCR: u64 = 16 | 1 << 8 | 1 << 10 | 3 << 12;
/// RES1 bits without VHE.
const TCR_RES1: u64 = 1 << 31 | 1 << 23;
/// With VHE: no upper half (EPD1); its size and granule are valid all the same (T1SZ, TG1).
const TCR_VHE: u64 = 1 << 23 | 16 << 16 | 2 << 30;

/// The largest size of physical addresses that 4 KiB tables without LPA2 can hold: 48 bits.
const LARGEST_PA_RANGE: u64 = 5;

/// The registers that make a CPU use the host's address space; `secondary.rs` reads them at these offsets.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(in super::super) struct Switches {
    /// HCR_EL2.
    pub(in super::super) hcr: u64,
    /// TCR_EL2.
    pub(in super::super) tcr: u64,
    /// MAIR_EL2.
    pub(in super::super) mair: u64,
    /// TTBR0_EL2.
    pub(in super::super) ttbr0: u64,
    /// SCTLR_EL2.
    pub(in super::super) sctlr: u64,
}

/// The processor cannot use tables of 4 KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct NoSmallGranule;

/// Whether this processor has the Virtualization Host Extensions.
pub(in super::super) fn has_vhe() -> bool {
    ID_AA64MMFR1_EL1.read(ID_AA64MMFR1_EL1::VH) != 0
}

/// Whether stage 2 can force guests' RAM to be write-back (FEAT_S2FWB, ID_AA64MMFR2_EL1.FWB).
pub(in super::super) fn has_forced_write_back() -> bool {
    crate::register::mrs!("S3_0_C0_C7_2") >> 40 & 0xf != 0
}

/// How wide a physical address is, as the processor encodes it.
pub(in super::super) fn pa_range() -> u64 {
    ID_AA64MMFR0_EL1.read(ID_AA64MMFR0_EL1::PARange)
}

/// Whether this processor can use 4 KiB tables.
pub(in super::super) fn check_granule() -> Result<(), NoSmallGranule> {
    const NOT_SUPPORTED: u64 = 0xf;
    match ID_AA64MMFR0_EL1.read(ID_AA64MMFR0_EL1::TGran4) {
        NOT_SUPPORTED => Err(NoSmallGranule),
        _ => Ok(()),
    }
}

impl Switches {
    /// For the tables at `root`.
    pub(in super::super) fn new(root: Hpa, vhe: bool) -> Self {
        let size = pa_range().min(LARGEST_PA_RANGE);
        Self {
            hcr: HCR | if vhe { E2H } else { 0 },
            tcr: TCR | if vhe { TCR_VHE | size << 32 } else { TCR_RES1 | size << 16 },
            mair: stage2::HOST_MAIR,
            ttbr0: root.as_u64(),
            sctlr: SCTLR,
        }
    }

    /// Moves this CPU to the address space, by way of no translation at all: so HCR_EL2.E2H may change.
    ///
    /// # Safety
    /// This runs at EL2 in an identity mapping; so do the tables map this code, the stack and all that is referred to.
    pub(in super::super) unsafe fn apply(self) {
        // SAFETY: the caller's promise: with the MMU off, addresses stay what they are, and no data is accessed before
        // it is on again. What is in the caches stays there.
        unsafe {
            asm!(
                "mrs {scratch}, sctlr_el2",
                "bic {scratch}, {scratch}, #1",
                "dsb sy",
                "msr sctlr_el2, {scratch}",
                "isb",
                "msr hcr_el2, {hcr}",
                "isb",
                "tlbi alle2",
                "dsb nsh",
                "msr mair_el2, {mair}",
                "msr tcr_el2, {tcr}",
                "msr ttbr0_el2, {ttbr0}",
                "isb",
                "msr sctlr_el2, {sctlr}",
                "isb",
                scratch = out(reg) _,
                hcr = in(reg) self.hcr,
                tcr = in(reg) self.tcr,
                mair = in(reg) self.mair,
                ttbr0 = in(reg) self.ttbr0,
                sctlr = in(reg) self.sctlr,
                options(nostack, preserves_flags)
            );
        }
    }
}
