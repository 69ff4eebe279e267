//! The MSRs of the local APIC: IA32_APIC_BASE, IA32_TSC_DEADLINE and the x2APIC registers
//! ("Extended XAPIC (x2APIC)", "x2APIC Register Availability" and "MSR Access in x2APIC Mode").

use super::access::ICR_WRITABLE;
use super::registers::{EOI, ICR_LOW, SELF_IPI, x2apic_bits};
use super::{Effect, GeneralProtection, LocalApic, Mode};

/// IA32_APIC_BASE.
pub const MSR_APIC_BASE: u32 = 0x1b;
/// IA32_TSC_DEADLINE.
pub const MSR_TSC_DEADLINE: u32 = 0x6e0;
/// The first MSR of the x2APIC range.
pub const MSR_X2APIC_FIRST: u32 = 0x800;
/// The last MSR of the x2APIC range.
pub const MSR_X2APIC_LAST: u32 = 0x8ff;

const MSR_EOI: u32 = MSR_X2APIC_FIRST + EOI as u32;
const MSR_ICR: u32 = MSR_X2APIC_FIRST + ICR_LOW as u32;
const MSR_SELF_IPI: u32 = MSR_X2APIC_FIRST + SELF_IPI as u32;

/// Delivery status is no field of the x2APIC ICR: bit 12 is reserved there.
const X2APIC_ICR_BITS: u64 = 0xffff_ffff_0000_0000 | (ICR_WRITABLE & !(1 << 12)) as u64;

impl LocalApic {
    /// RDMSR of a local APIC MSR. #GP for x2APIC registers outside x2APIC mode, and for those that do not exist or
    /// cannot be read.
    pub fn read_msr(&self, index: u32, now: u64) -> Result<u64, GeneralProtection> {
        match index {
            MSR_APIC_BASE => Ok(self.apic_base()),
            MSR_TSC_DEADLINE => Ok(self.timer.tsc_deadline(now)),
            _ => self.read_x2apic(x2apic_register(index).ok_or(GeneralProtection)?, now),
        }
    }

    /// WRMSR of a local APIC MSR. #GP for reserved bits, read-only and missing registers, illegal mode transitions.
    ///
    /// What ends each interrupt, or sends one to itself, is short and does not ask for the time.
    #[inline(always)]
    pub fn write_msr(
        &mut self,
        index: u32,
        value: u64,
        now: impl FnOnce() -> u64,
    ) -> Result<Effect, GeneralProtection> {
        match (index, self.mode) {
            (MSR_EOI, Mode::X2Apic) if value == 0 => Ok(self.eoi()),
            (MSR_SELF_IPI, Mode::X2Apic) => {
                self.self_ipi(u8::try_from(value).map_err(|_| GeneralProtection)?);
                Ok(Effect::None)
            }
            _ => self.write_other_msr(index, value, now()),
        }
    }

    #[inline(never)]
    fn write_other_msr(&mut self, index: u32, value: u64, now: u64) -> Result<Effect, GeneralProtection> {
        match index {
            MSR_TSC_DEADLINE => Ok(self.change_timer(now, |timer| timer.set_tsc_deadline(value))),
            MSR_APIC_BASE => self.write_apic_base(value),
            _ if self.mode != Mode::X2Apic => Err(GeneralProtection),
            MSR_ICR => self.write_x2apic_icr(value),
            _ => self.write_x2apic(index, value, now),
        }
    }

    fn read_x2apic(&self, register: u8, now: u64) -> Result<u64, GeneralProtection> {
        if self.mode != Mode::X2Apic {
            return Err(GeneralProtection);
        }
        let low = self.read_register(register, now).ok_or(GeneralProtection)?;
        // Zero in all but the ICR.
        Ok(u64::from(self.page.high(register)) << 32 | u64::from(low))
    }

    fn write_x2apic(&mut self, index: u32, value: u64, now: u64) -> Result<Effect, GeneralProtection> {
        let register = x2apic_register(index).ok_or(GeneralProtection)?;
        if value & !u64::from(x2apic_bits(register)) != 0 {
            return Err(GeneralProtection);
        }
        self.write_register(register, low32(value), now).ok_or(GeneralProtection)
    }

    fn write_x2apic_icr(&mut self, value: u64) -> Result<Effect, GeneralProtection> {
        if value & !X2APIC_ICR_BITS != 0 {
            return Err(GeneralProtection);
        }
        let low = low32(value);
        self.page.set(ICR_LOW, low);
        self.page.set_high(ICR_LOW, low32(value >> 32));
        Ok(self.send_ipi(low))
    }
}

/// The register number of an x2APIC MSR.
#[inline]
fn x2apic_register(index: u32) -> Option<u8> {
    u8::try_from(index.wrapping_sub(MSR_X2APIC_FIRST)).ok()
}

const fn low32(value: u64) -> u32 {
    (value & 0xffff_ffff) as u32
}
