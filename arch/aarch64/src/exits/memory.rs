//! Stage-2 faults: registers of the interrupt controller, devices that the core has, and addresses behind which nothing is.
//!
//! The processor describes a load or store of one general register in the syndrome (ISV = 1; Arm ARM, D24.2.40 "ISS
//! encoding for an exception from a Data Abort"). What it does not describe (pairs, write-back, SIMD, exclusives) is no
//! way to talk to a device: the guest gets an external abort, as from a bus that cannot do it.

use phalanx_abi::exit::ExitCounter;
use phalanx_arch_api::{Access, Direction, DomainEnv, Event, Gpa, TraceEvent, VcpuIndex};

use super::inject;
use crate::domain::Domain;
use crate::esr::{DataAbort, InstructionAbort, instruction_bytes};
use crate::gic::Gic;
use crate::register::mrs;
use crate::vcpu::{Question, Vcpu};

/// HPFAR_EL2.FIPA begins at bit 4 and holds the address from bit 12 up.
const FIPA: u64 = 0x0000_0fff_ffff_fff0;
const FIPA_SHIFT: u32 = 8;
const PAGE_OFFSET: u64 = 0xfff;

/// The intermediate physical address of the fault.
#[inline(always)]
fn faulting_address() -> Gpa {
    Gpa::new((mrs!("HPFAR_EL2") & FIPA) << FIPA_SHIFT | mrs!("FAR_EL2") & PAGE_OFFSET)
}

/// A load or store that stage 2 does not translate.
#[inline(always)]
pub(super) fn on_data_abort<G: Gic, E: DomainEnv>(
    domain: &Domain,
    vcpu: &mut Vcpu,
    env: &E,
    abort: DataAbort,
) -> Option<Event> {
    let Some(load) = abort.device_access() else { return on_rare_abort(vcpu, env, abort) };
    let write = abort.is_write();
    let direction =
        if write { Direction::Write(vcpu.register(load.register) & load.size.all_ones()) } else { Direction::Read };
    let access = Access { gpa: faulting_address(), size: load.size, direction };
    if let Some(answer) = domain.vgic.access::<G>(VcpuIndex(vcpu.index), access) {
        vcpu.count(ExitCounter::IoApicAccess);
        if !write {
            vcpu.finish_load(load, answer.value);
        }
        step_over_access(vcpu);
        if answer.wake != 0 {
            domain.wake_all(env, answer.wake);
        }
        return None;
    }
    vcpu.question = if write { Question::Write } else { Question::Read(load) };
    Some(Event::Access(access))
}

/// AArch32 programs at EL0 have instructions of two bytes.
#[inline(always)]
fn step_over_access(vcpu: &Vcpu) {
    vcpu.step_over_bytes(instruction_bytes(mrs!("ESR_EL2")));
}

/// An access that no device can answer: the guest's own tables outside its RAM, an instruction without syndrome, an
/// access to memory that hardware took away.
#[cold]
#[inline(never)]
fn on_rare_abort<E: DomainEnv>(vcpu: &mut Vcpu, env: &E, abort: DataAbort) -> Option<Event> {
    if abort.is_maintenance() && !abort.is_table_walk() {
        // There is nothing behind the address, so there is nothing to clean.
        vcpu.count(ExitCounter::UnbackedAccess);
        step_over_access(vcpu);
        return None;
    }
    note(vcpu, env, abort.is_write());
    if abort.is_table_walk() {
        inject::walk_abort(vcpu, false, abort.fault());
    } else {
        inject::data_abort(vcpu, abort.is_write());
    }
    None
}

/// An instruction fetch from where nothing is.
#[cold]
#[inline(never)]
pub(super) fn on_instruction_abort<E: DomainEnv>(vcpu: &mut Vcpu, env: &E, abort: InstructionAbort) -> Option<Event> {
    note(vcpu, env, false);
    if abort.is_table_walk() {
        inject::walk_abort(vcpu, true, abort.fault());
    } else {
        inject::instruction_abort(vcpu);
    }
    None
}

fn note<E: DomainEnv>(vcpu: &mut Vcpu, env: &E, write: bool) {
    vcpu.count(ExitCounter::SecondLevelFault);
    vcpu.count(ExitCounter::Refused);
    env.trace(TraceEvent::UnbackedAddress { gpa: faulting_address(), write });
}

/// The core has answered an access.
pub(crate) fn complete(vcpu: &mut Vcpu, value: u64) {
    match core::mem::replace(&mut vcpu.question, Question::None) {
        Question::Read(load) => vcpu.finish_load(load, value),
        Question::Write => {}
        Question::None => return,
    }
    step_over_access(vcpu);
}
