//! Exceptions that a guest gets from the hypervisor instead of what it tried.
//!
//! Arm ARM, D1.3.1 "Exception entry": the state that the processor would have entered EL1 with.

use crate::esr::Fault;
use crate::register::{mrs, msr};
use crate::switched;
use crate::vcpu::Vcpu;

/// ESR_ELx.IL: a 32-bit instruction.
const IL: u64 = 1 << 25;
/// Exception classes (Arm ARM, D24.2.40).
mod class {
    pub(super) const UNKNOWN: u64 = 0;
    pub(super) const INSTRUCTION_ABORT_LOWER: u64 = 0x20;
    pub(super) const DATA_ABORT_LOWER: u64 = 0x24;
}
/// One more than the class of an abort from EL0: the class of the same abort from EL1.
const FROM_EL1: u64 = 1;
/// Fault status: synchronous external abort, not on a table walk.
const EXTERNAL: u64 = 0x10;
/// Fault status: synchronous external abort on a table walk, level 0; the level is added.
const EXTERNAL_ON_WALK: u64 = 0x14;
/// ISS.WnR of a data abort.
const WRITE: u64 = 1 << 6;

/// PSTATE in SPSR_EL2.
mod pstate {
    pub(super) const MODE: u64 = 0x1f;
    pub(super) const AARCH32: u64 = 1 << 4;
    pub(super) const EL0T: u64 = 0;
    pub(super) const EL1T: u64 = 4;
    pub(super) const EL1H: u64 = 5;
    pub(super) const DAIF: u64 = 0xf << 6;
    pub(super) const SSBS: u64 = 1 << 12;
    pub(super) const PAN: u64 = 1 << 22;
    pub(super) const DIT: u64 = 1 << 24;
    pub(super) const FLAGS: u64 = 0xf << 28;
}
/// SCTLR_EL1: PAN stays as it is at an exception.
const SPAN: u64 = 1 << 23;
/// SCTLR_EL1: the value of SSBS after an exception.
const DSSBS: u64 = 1 << 44;

/// The instruction is UNDEFINED.
pub(super) fn undefined(vcpu: &Vcpu) {
    take(vcpu, class::UNKNOWN << 26 | IL, None);
}

/// Nothing answered at the address of a data access.
pub(super) fn data_abort(vcpu: &Vcpu, write: bool) {
    let status = EXTERNAL | if write { WRITE } else { 0 };
    take(vcpu, abort_class(class::DATA_ABORT_LOWER) << 26 | IL | status, Some(mrs!("FAR_EL2")));
}

/// Nothing answered at the address of an instruction.
pub(super) fn instruction_abort(vcpu: &Vcpu) {
    take(vcpu, abort_class(class::INSTRUCTION_ABORT_LOWER) << 26 | IL | EXTERNAL, Some(mrs!("FAR_EL2")));
}

/// Nothing answered at the address of a descriptor of the guest's own tables.
pub(super) fn walk_abort(vcpu: &Vcpu, instruction: bool, fault: Fault) {
    let level = fault.level().map_or(0, |level| u64::from(level.unsigned_abs()));
    let lower = if instruction { class::INSTRUCTION_ABORT_LOWER } else { class::DATA_ABORT_LOWER };
    take(vcpu, abort_class(lower) << 26 | IL | EXTERNAL_ON_WALK | level & 3, Some(mrs!("FAR_EL2")));
}

/// The class of an abort by where the guest was.
fn abort_class(from_el0: u64) -> u64 {
    let mode = mrs!("SPSR_EL2") & pstate::MODE;
    if is_el0(mode) { from_el0 } else { from_el0 + FROM_EL1 }
}

/// Enters the guest's EL1 at its vector.
fn take(vcpu: &Vcpu, syndrome: u64, address: Option<u64>) {
    let vhe = vcpu.vhe;
    let (status, sctlr) = (mrs!("SPSR_EL2"), switched::sctlr(vhe));
    switched::set_elr(vhe, mrs!("ELR_EL2"));
    switched::set_spsr(vhe, status);
    switched::set_esr(vhe, syndrome);
    if let Some(address) = address {
        switched::set_far(vhe, address);
    }
    msr!("ELR_EL2", switched::vbar(vhe).wrapping_add(vector_offset(status)));
    msr!("SPSR_EL2", entry_state(status, sctlr));
}

/// Offset of the vector for a synchronous exception that is taken to EL1.
fn vector_offset(status: u64) -> u64 {
    match status & pstate::MODE {
        pstate::EL1T => 0,
        pstate::EL0T => 0x400,
        mode if mode & pstate::AARCH32 != 0 => 0x600,
        _ => 0x200,
    }
}

/// PSTATE at that vector.
fn entry_state(status: u64, sctlr: u64) -> u64 {
    let kept = status & (pstate::FLAGS | pstate::PAN | pstate::DIT);
    let pan = if sctlr & SPAN == 0 && has_pan() { pstate::PAN } else { 0 };
    let ssbs = if sctlr & DSSBS != 0 { pstate::SSBS } else { 0 };
    kept | pan | ssbs | pstate::DAIF | pstate::EL1H
}

/// ID_AA64MMFR1_EL1.PAN.
fn has_pan() -> bool {
    mrs!("ID_AA64MMFR1_EL1") >> 20 & 0xf != 0
}

const fn is_el0(mode: u64) -> bool {
    mode == pstate::EL0T || mode & pstate::AARCH32 != 0
}
