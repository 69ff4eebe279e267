//! XSETBV: which extended state the guest's processor manages.

use phalanx_abi::exit::ExitCounter;
use phalanx_arch_api::DomainEnv;

use crate::exits::fetch::Opcode;
use crate::registers::CR4_OSXSAVE;
use crate::vcpu::{Control, Injection, Vcpu, reg};

/// Loads XCR0 if the guest's processor allows the value (Intel SDM vol. 2D, XSETBV); #GP else, #UD without OSXSAVE.
pub fn on_exit<C: Control, E: DomainEnv>(vcpu: &mut Vcpu<C>, env: &E) {
    vcpu.count(ExitCounter::Xsetbv);
    let value = vcpu.edx_eax();
    if vcpu.control.cr4() & CR4_OSXSAVE == 0 {
        vcpu.raise(Injection::undefined_opcode());
    } else if vcpu.control.cpl() != 0 || vcpu.gpr32(reg::RCX) != 0 || !vcpu.cpuid.xcr0_valid(value) {
        vcpu.raise(Injection::general_protection());
    } else {
        vcpu.switched.set_xcr0(value);
        vcpu.cpuid.set_xcr0(value);
        vcpu.step_over(env.memory(), Opcode::XSETBV);
    }
}
