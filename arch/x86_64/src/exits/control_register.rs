//! Writes to CR0, CR4 and CR8 that concern the hypervisor: what CPUID hides cannot be switched on.
//!
//! CR3, CR2, reads, and writes of CR0.TS and CR0.MP (on VT-x of WP and AM too) do not exit. CR8 does on SVM, while an interrupt
//! waits for it to fall.
#![forbid(unsafe_code)]

use phalanx_abi::exit::ExitCounter;
use phalanx_arch_api::DomainEnv;

use super::pointers;
use crate::decode::{MachineStatus, Mode, Operation, Reg, Registers, System};
use crate::exits::translate::{Intent, translate};
use crate::registers::{CR4_OSXSAVE, CR4_PAE, CR4_PCIDE, CR4_PGE, CR4_PSE, CR4_SMEP, EFER_LMA, EFER_LME};
use crate::vcpu::{Control, Injection, SegmentName, Vcpu};

mod cr0 {
    pub(super) const PE: u64 = 1 << 0;
    pub(super) const TS: u64 = 1 << 3;
    pub(super) const ET: u64 = 1 << 4;
    pub(super) const NW: u64 = 1 << 29;
    pub(super) const CD: u64 = 1 << 30;
    pub(super) const PG: u64 = 1 << 31;
    /// PE, MP, EM, TS, ET, NE, WP, AM, NW, CD, PG.
    pub(super) const DEFINED: u64 = 0xe005_003f;
}

const CS_LONG: u16 = 1 << 9;
/// PCID in CR3.
const CR3_PCID: u64 = 0xfff;
/// What LMSW writes: PE, MP, EM, TS.
const MACHINE_STATUS: u64 = 0xf;

/// Carries out a write to CR0, CR4 or CR8, or raises what the processor would.
#[cold]
pub fn on_write<C: Control, E: DomainEnv>(vcpu: &mut Vcpu<C>, env: &E, number: u8, source: Option<u8>) {
    vcpu.count(ExitCounter::ControlRegister);
    match value_and_length(vcpu, env, source) {
        Ok((value, length)) => {
            let written = match number {
                0 => write_cr0(vcpu, env, value),
                4 => write_cr4(vcpu, env, value),
                _ => write_cr8(vcpu, value),
            };
            match written {
                Ok(()) => vcpu.skip(length),
                Err(exception) => vcpu.raise(exception),
            }
        }
        Err(exception) => vcpu.raise(exception),
    }
}

/// The value to be written and the length of the instruction. All forms need privilege level 0, which the processor
/// has checked before the intercept (AMD APM vol. 2, section 15.7).
fn value_and_length<C: Control, E: DomainEnv>(
    vcpu: &mut Vcpu<C>,
    env: &E,
    source: Option<u8>,
) -> Result<(u64, u8), Injection> {
    if let (Some(register), Some(next)) = (source, vcpu.control.next_rip()) {
        let length = (next.wrapping_sub(vcpu.control.rip()) & 0xf) as u8;
        return Ok((register_value(vcpu, Reg::from_number(register)), length));
    }
    let instruction = vcpu.fetch_instruction(env.memory())?;
    let value = match instruction.operation {
        Operation::System(System::WriteControl { from, .. }) => register_value(vcpu, from),
        Operation::System(System::Clts) => vcpu.control.cr0() & !cr0::TS,
        Operation::System(System::Lmsw(operand)) => machine_status(vcpu, env, operand)?,
        _ => return Err(Injection::undefined_opcode()),
    };
    Ok((value, instruction.length))
}

/// What a MOV moves: 32 bits outside 64-bit mode.
fn register_value<C: Control>(vcpu: &Vcpu<C>, from: Reg) -> u64 {
    let value = vcpu.gpr(from);
    if vcpu.mode() == Mode::Bits64 { value } else { value & 0xffff_ffff }
}

/// LMSW: the low four bits of CR0; PE can be set, not cleared (Intel SDM vol. 2A, LMSW).
fn machine_status<C: Control, E: DomainEnv>(
    vcpu: &mut Vcpu<C>,
    env: &E,
    operand: MachineStatus,
) -> Result<u64, Injection> {
    use phalanx_arch_api::GuestMemory;
    let word = match operand {
        MachineStatus::Register(register, _) => register.read(phalanx_arch_api::AccessSize::B2, vcpu),
        MachineStatus::Memory(operand) => {
            let linear = crate::decode::effective_address(&operand, vcpu);
            let gpa = translate(vcpu, env.memory(), linear, Intent::Read)?;
            let mut bytes = [0xff; 2];
            // Outside RAM an empty bus answers.
            let _ = env.memory().read(gpa, &mut bytes);
            u64::from(u16::from_le_bytes(bytes))
        }
    };
    let current = vcpu.control.cr0();
    Ok(current & !MACHINE_STATUS | word & MACHINE_STATUS | current & cr0::PE)
}

/// MOV to CR0 (AMD APM vol. 2, section 3.1.1, and the consistency rules of sections 14.6 and 5.3.1).
fn write_cr0<C: Control, E: DomainEnv>(vcpu: &mut Vcpu<C>, env: &E, value: u64) -> Result<(), Injection> {
    let old = vcpu.control.cr0();
    let value = if value >> 32 == 0 { value & cr0::DEFINED | cr0::ET } else { return Err(fault()) };
    let efer = vcpu.control.efer();
    let paging_on = value & !old & cr0::PG != 0;
    let paging_off = old & !value & cr0::PG != 0;
    let inconsistent = value & cr0::PG != 0 && value & cr0::PE == 0
        || value & cr0::NW != 0 && value & cr0::CD == 0
        || paging_off && vcpu.control.cr4() & CR4_PCIDE != 0
        || paging_off && efer & EFER_LMA != 0 && code_is_long(vcpu);
    if inconsistent {
        return Err(fault());
    }
    let long = efer & (if paging_on { EFER_LME } else { EFER_LMA }) != 0;
    let cr4 = vcpu.control.cr4();
    if (value ^ old) & (cr0::PG | cr0::CD | cr0::NW) != 0 && !long && pointers::are_used(value, cr4) {
        pointers::load(vcpu, env.memory())?;
    }
    if paging_on && efer & EFER_LME != 0 {
        if cr4 & CR4_PAE == 0 || code_is_long(vcpu) {
            return Err(fault());
        }
        vcpu.control.set_efer(efer | EFER_LMA);
    } else if paging_off {
        vcpu.control.set_efer(efer & !EFER_LMA);
    }
    vcpu.control.set_cr0(value);
    if paging_on || paging_off {
        vcpu.code_pages.clear();
        vcpu.control.flush_tlb();
    }
    Ok(())
}

/// MOV to CR4: only bits that CPUID offers.
fn write_cr4<C: Control, E: DomainEnv>(vcpu: &mut Vcpu<C>, env: &E, value: u64) -> Result<(), Injection> {
    let old = vcpu.control.cr4();
    let long = vcpu.control.efer() & EFER_LMA != 0;
    let pcid_on = value & !old & CR4_PCIDE != 0;
    let refused = value & !vcpu.cpuid.cr4_valid_bits() != 0
        || long && value & CR4_PAE == 0
        || pcid_on && (!long || vcpu.control.cr3() & CR3_PCID != 0);
    if refused {
        return Err(fault());
    }
    let reloads = (value ^ old) & (CR4_PAE | CR4_PGE | CR4_PSE | CR4_SMEP) != 0;
    if reloads && !long && pointers::are_used(vcpu.control.cr0(), value) {
        pointers::load(vcpu, env.memory())?;
    }
    vcpu.control.set_cr4(value);
    vcpu.code_pages.clear();
    vcpu.cpuid.set_osxsave(value & CR4_OSXSAVE != 0);
    // Whatever bit changed: a write to CR4 is rare, and most of them imply a flush.
    vcpu.control.flush_tlb();
    Ok(())
}

/// MOV to CR8: the task priority (AMD APM vol. 2, section 8.6.4).
fn write_cr8<C: Control>(vcpu: &mut Vcpu<C>, value: u64) -> Result<(), Injection> {
    let priority = u8::try_from(value).ok().filter(|priority| *priority < 16).ok_or(fault())?;
    vcpu.control.sync_apic(&mut vcpu.apic);
    vcpu.apic.set_cr8(priority);
    vcpu.control.set_task_priority(priority);
    Ok(())
}

fn code_is_long<C: Control>(vcpu: &Vcpu<C>) -> bool {
    vcpu.control.segment(SegmentName::Cs).attributes & CS_LONG != 0
}

const fn fault() -> Injection {
    Injection::general_protection()
}
