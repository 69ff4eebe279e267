//! CPUID exits: a lookup in the vCPU's table.
#![forbid(unsafe_code)]

use phalanx_abi::exit::ExitCounter;
use phalanx_arch_api::DomainEnv;

use crate::fetch::Opcode;
use crate::vcpu::{Control, Vcpu, reg};

/// Answers CPUID (Intel SDM vol. 2A, CPUID): the four registers, upper halves cleared. Never fails.
#[inline(always)]
pub fn on_exit<C: Control, E: DomainEnv>(vcpu: &mut Vcpu<C>, env: &E) {
    vcpu.count(ExitCounter::Cpuid);
    let leaf = vcpu.cpuid.lookup(vcpu.gpr32(reg::RAX), vcpu.gpr32(reg::RCX));
    vcpu.gprs.set(reg::RAX, u64::from(leaf.eax));
    vcpu.gprs.set(reg::RBX, u64::from(leaf.ebx));
    vcpu.gprs.set(reg::RCX, u64::from(leaf.ecx));
    vcpu.gprs.set(reg::RDX, u64::from(leaf.edx));
    vcpu.step_over(env.memory(), Opcode::CPUID);
}
