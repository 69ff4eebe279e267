//! CPUID exits: a lookup in the vCPU's table.
#![forbid(unsafe_code)]

use phalanx_abi::exit::ExitCounter;
use phalanx_arch_api::{DomainEnv, Event};

use crate::cpuid::Leaf;
use crate::exits::fetch::Opcode;
use crate::vcpu::{Control, Gprs, Vcpu, reg};

/// Answers CPUID (Intel SDM vol. 2A, CPUID): the four registers, upper halves cleared. Never fails.
#[inline(always)]
pub fn on_exit<C: Control, E: DomainEnv>(vcpu: &mut Vcpu<C>, env: &E) -> Option<Event> {
    vcpu.count(ExitCounter::Cpuid);
    let (number, subleaf) = (vcpu.gpr32(reg::RAX), vcpu.gpr32(reg::RCX));
    // Two ways, so that the usual one goes from the table to the registers without a copy in between.
    match vcpu.cpuid.plain(number) {
        Some(leaf) => set_result(&mut vcpu.gprs, leaf),
        None => set_result(&mut vcpu.gprs, &vcpu.cpuid.lookup_rare(number, subleaf)),
    }
    vcpu.step_over(env.memory(), Opcode::CPUID);
    None
}

#[inline(always)]
fn set_result(gprs: &mut Gprs, leaf: &Leaf) {
    gprs.set(reg::RAX, u64::from(leaf.eax));
    gprs.set(reg::RBX, u64::from(leaf.ebx));
    gprs.set(reg::RCX, u64::from(leaf.ecx));
    gprs.set(reg::RDX, u64::from(leaf.edx));
}
