//! VMMCALL and VMCALL: the number in RAX, arguments in RDI, RSI, RDX, the result in RAX.
#![forbid(unsafe_code)]

use phalanx_abi::exit::ExitCounter;
use phalanx_arch_api::{DomainEnv, Event, HypercallRequest};

use crate::exits::fetch::Opcode;
use crate::vcpu::{Control, Vcpu, reg};

/// Steps over the instruction and hands the request to the core, which may know the answer at once.
#[inline(always)]
pub fn on_exit<C: Control, E: DomainEnv>(vcpu: &mut Vcpu<C>, env: &E) -> Option<Event> {
    vcpu.count(ExitCounter::Hypercall);
    vcpu.step_over(env.memory(), Opcode::VMMCALL);
    let number = vcpu.gprs.get(reg::RAX);
    let privileged = vcpu.control.cpl() == 0;
    match env.quick_hypercall(number, privileged) {
        Some(result) => vcpu.gprs.set(reg::RAX, result.cast_unsigned()),
        None => return Some(Event::Hypercall(request(vcpu, number, privileged))),
    }
    None
}

#[cold]
fn request<C: Control>(vcpu: &Vcpu<C>, number: u64, privileged: bool) -> HypercallRequest {
    let arguments = [reg::RDI, reg::RSI, reg::RDX].map(|register| vcpu.gprs.get(register));
    HypercallRequest { number, arguments, privileged }
}
