//! The host's CPUID as the guest's table is built from it.
#![forbid(unsafe_code)]

use crate::cpuid::{HostCpuid, Leaf};
use crate::host::instr;

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
