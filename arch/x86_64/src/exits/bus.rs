//! The guest-physical address space as an instruction sees it: registers of the two APICs, RAM, and nothing.

use phalanx_abi::exit::ExitCounter;
use phalanx_arch_api::{Access, AccessSize, Direction, DomainEnv, Gpa, GuestMemory};

use super::interrupt;
use crate::domain::Domain;
use crate::vcpu::{Control, Injection, Vcpu, attention};
use crate::vlapic::Mode;

/// The IO-APIC's page.
const IOAPIC_PAGE: u64 = 0xfec0_0000;
/// The local APIC's page.
const APIC_PAGE: u64 = 0xfee0_0000;

/// Why an emulation stopped.
pub(super) enum Stop {
    /// The guest takes an exception instead; nothing of the instruction is visible.
    Fault(Injection),
    /// The core has to answer first.
    Ask(Access),
}

/// The guest-physical address space as an instruction sees it.
pub(super) struct Bus<'a, E> {
    pub(super) domain: &'a Domain,
    pub(super) env: &'a E,
    /// What the core answered to the question of this instruction.
    pub(super) answer: Option<u64>,
}

impl<E: DomainEnv> Bus<'_, E> {
    /// Reads from a device, RAM, or whoever the core finds.
    pub(super) fn read<C: Control>(&mut self, vcpu: &mut Vcpu<C>, gpa: Gpa, size: AccessSize) -> Result<u64, Stop> {
        if let Some(answer) = self.answer.take() {
            return Ok(answer & size.all_ones());
        }
        match owner(vcpu, gpa) {
            Owner::LocalApic(offset) => {
                vcpu.count(ExitCounter::ApicAccess);
                vcpu.count(ExitCounter::ApicRead);
                vcpu.control.sync_apic(&mut vcpu.apic);
                let now = interrupt::guest_now(vcpu);
                let value = widen(size, offset, |offset| vcpu.apic.read(offset, now));
                // Reading what does not exist is an error, which may be an interrupt.
                interrupt::note(vcpu);
                Ok(value)
            }
            Owner::IoApic(offset) => {
                vcpu.count(ExitCounter::IoApicAccess);
                Ok(widen(size, offset, |offset| self.domain.ioapic_read(offset)))
            }
            Owner::Other => {
                let mut bytes = [0; 8];
                let target = bytes.get_mut(..size.bytes() as usize).unwrap_or_default();
                match self.env.memory().read(gpa, target) {
                    Ok(()) => Ok(u64::from_le_bytes(bytes)),
                    Err(_) => Err(Stop::Ask(Access { gpa, size, direction: Direction::Read })),
                }
            }
        }
    }

    /// Writes to a device, RAM, or whoever the core finds.
    pub(super) fn write<C: Control>(
        &mut self,
        vcpu: &mut Vcpu<C>,
        gpa: Gpa,
        size: AccessSize,
        value: u64,
    ) -> Result<(), Stop> {
        if self.answer.take().is_some() {
            return Ok(());
        }
        // Registers of both APICs are 32 bits wide; narrower writes are undefined there and dropped.
        let whole = matches!(size, AccessSize::B4 | AccessSize::B8);
        match owner(vcpu, gpa) {
            Owner::LocalApic(offset) => {
                vcpu.count(ExitCounter::ApicAccess);
                vcpu.control.sync_apic(&mut vcpu.apic);
                if whole {
                    let now = interrupt::guest_now(vcpu);
                    let effect = vcpu.apic.write(offset, (value & 0xffff_ffff) as u32, now);
                    interrupt::apply(vcpu, self.domain, self.env, effect);
                }
            }
            Owner::IoApic(offset) => {
                vcpu.count(ExitCounter::IoApicAccess);
                if whole {
                    vcpu.attention |= attention::APIC;
                    self.domain.ioapic_write(self.env, offset, (value & 0xffff_ffff) as u32);
                }
            }
            Owner::Other => {
                let bytes = value.to_le_bytes();
                let source = bytes.get(..size.bytes() as usize).unwrap_or_default();
                if self.env.memory().write(gpa, source).is_err() {
                    return Err(Stop::Ask(Access { gpa, size, direction: Direction::Write(value) }));
                }
            }
        }
        Ok(())
    }
}

/// Whose registers are at an address.
enum Owner {
    LocalApic(u16),
    IoApic(u16),
    Other,
}

#[inline]
fn owner<C>(vcpu: &Vcpu<C>, gpa: Gpa) -> Owner {
    let offset = (gpa.page_offset() & 0xfff) as u16;
    match gpa.as_u64() & !0xfff {
        APIC_PAGE if vcpu.apic.mode() == Mode::XApic => Owner::LocalApic(offset),
        IOAPIC_PAGE => Owner::IoApic(offset),
        _ => Owner::Other,
    }
}

/// Registers are 32 bits wide: a 64-bit access covers two of them.
#[inline]
fn widen(size: AccessSize, offset: u16, mut read: impl FnMut(u16) -> u32) -> u64 {
    let low = u64::from(read(offset));
    let value = if size == AccessSize::B8 { low | u64::from(read(offset.wrapping_add(4) & 0xfff)) << 32 } else { low };
    value & size.all_ones()
}
