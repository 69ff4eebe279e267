//! The host's CPUID as the guest's table is built from it.

use crate::cpuid::{HostCpuid, Leaf};
use crate::host::instr::{self, Msr};

/// The processor itself.
pub struct Processor;

impl HostCpuid for Processor {
    fn leaf(&self, leaf: u32, subleaf: u32) -> Leaf {
        let answer = instr::cpuid(leaf, subleaf);
        Leaf { eax: answer.eax, ebx: answer.ebx, ecx: answer.ecx, edx: answer.edx }
    }
}

/// Whether the processor has TSC_AUX (RDTSCP: CPUID 8000_0001 EDX bit 27).
pub fn has_tsc_aux() -> bool {
    instr::cpuid(0x8000_0001, 0).edx & 1 << 27 != 0
}

/// PRED_CMD; bit 0 is the indirect branch prediction barrier (AMD APM vol. 2, section 3.2.9).
const PRED_CMD: Msr = Msr(0x49);

/// Whether the processor has the barrier (CPUID 8000_0008 EBX bit 12, or 7 EDX bit 26).
pub fn has_branch_barrier() -> bool {
    let amd = instr::cpuid(0x8000_0000, 0).eax >= 0x8000_0008 && instr::cpuid(0x8000_0008, 0).ebx & 1 << 12 != 0;
    amd || instr::cpuid(0, 0).eax >= 7 && instr::cpuid(7, 0).edx & 1 << 26 != 0
}

/// Keeps what one domain taught the branch predictor from steering the next one.
pub fn forget_branches(has_barrier: bool) {
    if has_barrier {
        // SAFETY: the processor has the register; the bit only empties the predictor.
        unsafe { instr::wrmsr(PRED_CMD, 1) };
    }
}
