//! The part that VT-x's processor plays on the same page ("APIC Virtualization and Virtual Interrupts": Intel SDM
//! vol. 3C, chapter 31).
//!
//! The page and the two vectors of [`InterruptStatus`] are all that the processor works on, so software and processor
//! can take turns at any exit:
//!
//! | before an entry | after an exit, where software looks at the APIC |
//! |---|---|
//! | [`interrupt_status`](LocalApic::interrupt_status) into the VMCS | [`set_interrupt_status`](LocalApic::set_interrupt_status) from it |
//! | [`take_eoi_exits`](LocalApic::take_eoi_exits), when some | EOI-induced: [`eoi_was_virtualized`](LocalApic::eoi_was_virtualized) |
//! | | APIC write: [`written_by_guest`](LocalApic::written_by_guest) |
//!
//! The processor does not know the software enable, and a self-IPI that it carries out leaves the TMR alone. So it may
//! deliver only while [`is_software_enabled`](LocalApic::is_software_enabled), and a vector that came from a line before
//! has its EOI broadcast also after a self-IPI: the IO-APIC finds no pin that waits for it.

use super::access::{ICR_WRITABLE, register_at};
use super::registers::{EOI, ICR_LOW, ID, SELF_IPI};
use super::vectors::VectorSet;
use super::{ApicPage, Effect, LocalApic, Mode, SVR_SUPPRESS_EOI_BROADCAST};

/// The guest interrupt status (VMCS field 0810H; Intel SDM vol. 3C, section 26.4.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InterruptStatus {
    /// RVI: the highest vector that is requested, 0 for none.
    pub requested: u8,
    /// SVI: the highest vector in service, 0 for none.
    pub in_service: u8,
}

impl InterruptStatus {
    /// From the field: RVI in bits 7:0, SVI in bits 15:8.
    #[inline(always)]
    #[must_use]
    pub const fn from_bits(bits: u16) -> Self {
        let [requested, in_service] = bits.to_le_bytes();
        Self { requested, in_service }
    }

    /// The field.
    #[inline(always)]
    #[must_use]
    pub const fn bits(self) -> u16 {
        u16::from_le_bytes([self.requested, self.in_service])
    }
}

impl LocalApic {
    /// Where the page is, for the VMCS (virtual-APIC address). It never moves, also not at a reset.
    ///
    /// Its address is exposed: assembly that runs the guest may read and write the page.
    pub fn page_address(&self) -> *const ApicPage {
        let page = &raw const *self.page;
        page.expose_provenance();
        page
    }

    /// What the processor is to go on with when it delivers by itself.
    #[inline(always)]
    pub fn interrupt_status(&self) -> InterruptStatus {
        InterruptStatus { requested: self.highest_requested(), in_service: self.in_service }
    }

    /// Takes over what the processor left, after an exit of a guest that ran with virtual-interrupt delivery: before
    /// software looks at this APIC for the first time since. Two stores: the rest is in the page.
    #[inline(always)]
    pub const fn set_interrupt_status(&mut self, status: InterruptStatus) {
        self.requested = status.requested;
        self.in_service = status.in_service;
    }

    /// The vectors whose EOI has to exit, bit n mod 64 of word n / 64: those that are broadcast to the IO-APIC.
    pub fn eoi_exits(&self) -> [u64; 4] {
        if self.svr & SVR_SUPPRESS_EOI_BROADCAST != 0 {
            return [0; 4];
        }
        self.page.bitmap(VectorSet::LevelTriggered)
    }

    /// Whether [`take_eoi_exits`](Self::take_eoi_exits) has something.
    #[inline(always)]
    pub const fn eoi_exits_changed(&self) -> bool {
        self.eoi_exits_changed
    }

    /// The same when it changed since the last call (or nothing was asked since the reset). One load when not.
    #[inline(always)]
    pub fn take_eoi_exits(&mut self) -> Option<[u64; 4]> {
        self.eoi_exits_changed.then(|| self.take_changed_eoi_exits())
    }

    #[cold]
    fn take_changed_eoi_exits(&mut self) -> [u64; 4] {
        self.eoi_exits_changed = false;
        self.eoi_exits()
    }

    /// What is left to do after an EOI-induced exit for `vector`: it is out of service already, for the processor and,
    /// once [`set_interrupt_status`](Self::set_interrupt_status) was called, for this APIC.
    pub fn eoi_was_virtualized(&self, vector: u8) -> Effect {
        self.end_of_service(vector)
    }

    /// Carries out what the guest wrote at `offset` of the page, after an APIC-write exit (section 31.4.3.3): the value
    /// stands there, and its writer goes on behind the instruction.
    ///
    /// As [`write`](Self::write) with that value: afterwards the register reads as if the write had exited before.
    /// Meant for the offsets that the processor lets through (section 31.4.3.1) and SELF IPI (3F0H); where those of one
    /// register's bytes are written alone, the whole register counts as written.
    pub fn written_by_guest(&mut self, offset: u16, now: u64) -> Effect {
        let register = register_at(offset);
        let value = self.page.get(register);
        match register {
            EOI => {
                self.page.set(EOI, 0);
                self.eoi()
            }
            ICR_LOW => {
                let low = value & ICR_WRITABLE;
                self.page.set(ICR_LOW, low);
                self.send_ipi(low)
            }
            SELF_IPI if self.mode == Mode::X2Apic => {
                self.page.set(SELF_IPI, 0);
                self.self_ipi((value & 0xff) as u8);
                Effect::None
            }
            ID => {
                self.page.set(ID, self.id_register());
                Effect::None
            }
            _ => self.write_other(register, value, now),
        }
    }
}
