//! RDMSR and WRMSR: the registers of the virtual processor that are not the hardware's own.
//!
//! Passed through, and so never seen here: FS/GS bases, the system-call registers, TSC_AUX, reads of the TSC. What is in
//! no table is #GP(0), as on a processor without the register.
#![forbid(unsafe_code)]

use phalanx_abi::exit::ExitCounter;
use phalanx_arch_api::{DomainEnv, Event, TraceEvent};

use crate::cpuid::Vendor;
use crate::domain::Domain;
use crate::exits::clock;
use crate::exits::fetch::Opcode;
use crate::exits::interrupt;
use crate::host::instr::rdtsc;
use crate::platform::mtrr::{self, Mtrrs, pat_is_valid};
use crate::registers::{CR0_PG, EFER_LMA, EFER_LME};
use crate::vcpu::{Control, Injection, Vcpu, attention, reg};
use crate::vlapic::{GeneralProtection, MSR_APIC_BASE, MSR_TSC_DEADLINE, MSR_X2APIC_FIRST, MSR_X2APIC_LAST};

const TSC: u32 = 0x10;
const TSC_ADJUST: u32 = 0x3b;
/// Microcode patch level; a write is a microcode update, which does nothing here.
const PATCH_LEVEL: u32 = 0x8b;
const PATCH_LEVEL_VALUE: u64 = 0x0100_0065;
const MCG_CAP: u32 = 0x179;
const MCG_STATUS: u32 = 0x17a;
/// RIPV, EIPV, MCIP.
const MCG_STATUS_BITS: u64 = 7;
/// Intel: miscellaneous features. Fast strings are on; branch tracing and precise events are not there.
const MISC_ENABLE: u32 = 0x1a0;
const MISC_ENABLE_VALUE: u64 = 1 | 1 << 11 | 1 << 12;
const DEBUG_CONTROL: u32 = 0x1d9;
/// LBR, BTF and the pin-control bits, kept without effect.
const DEBUG_CONTROL_BITS: u64 = 0x3f;
const EFER: u32 = 0xc000_0080;
/// AMD's system configuration: no memory above the hole that is not RAM, no memory encryption.
const SYSCFG: u32 = 0xc001_0010;
/// AMD's hardware configuration: what guests write to it concerns hardware they do not have.
const HWCR: u32 = 0xc001_0015;
/// C1E and the messages of old northbridges: never active.
const INTERRUPT_PENDING: u32 = 0xc001_0055;
/// AMD's decode configuration: LFENCE is serialising, and stays so.
const DECODE_CONFIG: u32 = 0xc001_1029;
const LFENCE_SERIALISES: u64 = 1 << 1;

/// The values of registers without hardware behind them.
#[derive(Clone, Debug)]
pub struct MsrState {
    pub(crate) tsc_adjust: u64,
    pub(crate) clock: clock::ClockMsrs,
    mcg_status: u64,
    debug_control: u64,
    hwcr: u64,
    mtrrs: Mtrrs,
}

impl MsrState {
    /// After RESET, for physical addresses of `physical_bits` bits.
    #[must_use]
    pub const fn new(physical_bits: u8) -> Self {
        Self {
            tsc_adjust: 0,
            clock: clock::ClockMsrs::new(),
            mcg_status: 0,
            debug_control: 0,
            hwcr: 0,
            mtrrs: Mtrrs::new(physical_bits),
        }
    }
}

/// Answers RDMSR and WRMSR.
#[inline(always)]
pub fn on_exit<C: Control, E: DomainEnv>(vcpu: &mut Vcpu<C>, domain: &Domain, env: &E) -> Option<Event> {
    if vcpu.control.writes_msr() {
        on_write(vcpu, domain, env);
    } else {
        on_read(vcpu, domain, env);
    }
    None
}

/// RDMSR (Intel SDM vol. 2B).
#[inline(always)]
fn on_read<C: Control, E: DomainEnv>(vcpu: &mut Vcpu<C>, domain: &Domain, env: &E) {
    vcpu.count(ExitCounter::MsrRead);
    match read(vcpu, domain, vcpu.gpr32(reg::RCX)) {
        Ok(value) => {
            vcpu.set_edx_eax(value);
            vcpu.step_over(env.memory(), Opcode::RDMSR);
        }
        Err(GeneralProtection) => {
            let register = vcpu.gpr32(reg::RCX);
            refuse(vcpu, env, TraceEvent::RegisterReadRefused { register });
        }
    }
}

/// WRMSR (Intel SDM vol. 2D).
#[inline(always)]
fn on_write<C: Control, E: DomainEnv>(vcpu: &mut Vcpu<C>, domain: &Domain, env: &E) {
    vcpu.count(ExitCounter::MsrWrite);
    match write(vcpu, domain, env, vcpu.gpr32(reg::RCX), vcpu.edx_eax()) {
        Ok(()) => vcpu.step_over(env.memory(), Opcode::WRMSR),
        Err(GeneralProtection) => {
            let (register, value) = (vcpu.gpr32(reg::RCX), vcpu.edx_eax());
            refuse(vcpu, env, TraceEvent::RegisterWriteRefused { register, value });
        }
    }
}

#[cold]
fn refuse<C: Control, E: DomainEnv>(vcpu: &mut Vcpu<C>, env: &E, event: TraceEvent) {
    vcpu.count(ExitCounter::Refused);
    env.trace(event);
    vcpu.raise(Injection::general_protection());
}

#[inline(always)]
fn read<C: Control>(vcpu: &mut Vcpu<C>, domain: &Domain, index: u32) -> Result<u64, GeneralProtection> {
    match index {
        MSR_APIC_BASE | MSR_TSC_DEADLINE => vcpu.apic.read_msr(index, interrupt::guest_now(vcpu)),
        MSR_X2APIC_FIRST..=MSR_X2APIC_LAST => {
            vcpu.count(ExitCounter::ApicRead);
            vcpu.control.sync_apic(&mut vcpu.apic);
            vcpu.apic.read_msr(index, interrupt::guest_now(vcpu))
        }
        _ => read_rare(vcpu, domain, index),
    }
}

#[inline(never)]
fn read_rare<C: Control>(vcpu: &Vcpu<C>, domain: &Domain, index: u32) -> Result<u64, GeneralProtection> {
    let msrs = &vcpu.msrs;
    match index {
        TSC => Ok(interrupt::guest_now(vcpu)),
        TSC_ADJUST => Ok(msrs.tsc_adjust),
        PATCH_LEVEL => Ok(PATCH_LEVEL_VALUE),
        MCG_STATUS => Ok(msrs.mcg_status),
        DEBUG_CONTROL => Ok(msrs.debug_control),
        EFER => Ok(vcpu.control.efer()),
        MISC_ENABLE if is_intel(vcpu) => Ok(MISC_ENABLE_VALUE),
        mtrr::PAT => Ok(vcpu.control.pat()),
        HWCR => Ok(msrs.hwcr),
        DECODE_CONFIG => Ok(LFENCE_SERIALISES),
        // No banks, and nothing pending.
        MCG_CAP | SYSCFG | INTERRUPT_PENDING => Ok(0),
        _ => msrs.mtrrs.read(index).or_else(|| clock::read(vcpu, domain, index)).ok_or(GeneralProtection),
    }
}

fn is_intel<C>(vcpu: &Vcpu<C>) -> bool {
    vcpu.cpuid.vendor() == Vendor::Intel
}

#[inline(always)]
fn write<C: Control, E: DomainEnv>(
    vcpu: &mut Vcpu<C>,
    domain: &Domain,
    env: &E,
    index: u32,
    value: u64,
) -> Result<(), GeneralProtection> {
    match index {
        MSR_APIC_BASE | MSR_TSC_DEADLINE | MSR_X2APIC_FIRST..=MSR_X2APIC_LAST => {
            vcpu.control.sync_apic(&mut vcpu.apic);
            let offset = vcpu.tsc_offset;
            let effect = vcpu.apic.write_msr(index, value, || rdtsc().wrapping_add(offset))?;
            interrupt::apply(vcpu, domain, env, effect);
            Ok(())
        }
        _ => write_rare(vcpu, domain, env, index, value),
    }
}

#[inline(never)]
fn write_rare<C: Control, E: DomainEnv>(
    vcpu: &mut Vcpu<C>,
    domain: &Domain,
    env: &E,
    index: u32,
    value: u64,
) -> Result<(), GeneralProtection> {
    match index {
        TSC => adjust_tsc(vcpu, value.wrapping_sub(interrupt::guest_now(vcpu))),
        TSC_ADJUST => adjust_tsc(vcpu, value.wrapping_sub(vcpu.msrs.tsc_adjust)),
        EFER => return write_efer(vcpu, value),
        mtrr::PAT if pat_is_valid(value) => vcpu.control.set_pat(value),
        MCG_STATUS if value & !MCG_STATUS_BITS == 0 => vcpu.msrs.mcg_status = value,
        DEBUG_CONTROL if value & !DEBUG_CONTROL_BITS == 0 => vcpu.msrs.debug_control = value,
        HWCR => vcpu.msrs.hwcr = value,
        PATCH_LEVEL => {}
        // What is not there stays away, and fast strings are not the guest's to switch off.
        MISC_ENABLE if is_intel(vcpu) => {}
        DECODE_CONFIG if value == LFENCE_SERIALISES => {}
        _ => {
            if let Some(written) = vcpu.msrs.mtrrs.write(index, value) {
                return written.map_err(|_| GeneralProtection);
            }
            return clock::write(vcpu, domain, env, index, value);
        }
    }
    Ok(())
}

/// Moves the guest's TSC by `delta`; TSC_ADJUST follows (Intel SDM vol. 3B, section 18.17.3).
fn adjust_tsc<C: Control>(vcpu: &mut Vcpu<C>, delta: u64) {
    vcpu.msrs.tsc_adjust = vcpu.msrs.tsc_adjust.wrapping_add(delta);
    vcpu.move_tsc(delta);
    vcpu.attention |= attention::TIMER;
}

/// EFER: bits that CPUID offers; LME cannot change while paging is on (AMD APM vol. 2, section 3.1.7).
fn write_efer<C: Control>(vcpu: &mut Vcpu<C>, value: u64) -> Result<(), GeneralProtection> {
    let old = vcpu.control.efer();
    let lme_changes = (value ^ old) & EFER_LME != 0;
    if value & !vcpu.cpuid.efer_valid_bits() != 0 || lme_changes && vcpu.control.cr0() & CR0_PG != 0 {
        return Err(GeneralProtection);
    }
    vcpu.control.set_efer(value & !EFER_LMA | old & EFER_LMA);
    vcpu.control.flush_tlb();
    Ok(())
}
