//! A naive model of what VT-x's processor does with the page while the guest runs (Intel SDM vol. 3C, chapter 31).

use super::{LocalApic, offset};
use crate::vlapic::{ApicPage, Effect, InterruptStatus, Mode};

/// Bits of the ICR that must be clear for the processor to carry out a self-IPI: all but those of an edge-triggered
/// fixed interrupt, its level and destination mode, and the shorthand.
const NO_SELF_IPI: u32 = 0xfff3_b700;
const SHORTHAND_SELF: u32 = 1 << 18;

/// What made the guest leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    None,
    Eoi(u8),
    Write(u16),
}

/// The processor between VM entry and VM exit.
pub(super) struct Processor {
    /// Virtual-interrupt delivery.
    delivers: bool,
    rvi: u8,
    svi: u8,
    eoi_exits: [u64; 4],
}

fn get(page: &ApicPage, offset: u16) -> u32 {
    page.get(u8::try_from(offset / 16).unwrap())
}

fn set(page: &ApicPage, offset: u16, value: u32) {
    page.set(u8::try_from(offset / 16).unwrap(), value);
}

fn set_bit(page: &ApicPage, base: u16, vector: u8, value: bool) {
    let at = base + 16 * u16::from(vector / 32);
    let bit = 1 << (vector % 32);
    set(page, at, if value { get(page, at) | bit } else { get(page, at) & !bit });
}

fn highest(page: &ApicPage, base: u16) -> u8 {
    let has = |vector: &u8| get(page, base + 16 * u16::from(vector / 32)) >> (vector % 32) & 1 != 0;
    (0..=255).rev().find(has).unwrap_or(0)
}

impl Processor {
    pub(super) fn new() -> Self {
        Self { delivers: false, rvi: 0, svi: 0, eoi_exits: [0; 4] }
    }

    /// VM entry, with delivery where `wanted` and the APIC's contract allows it.
    pub(super) fn enter(&mut self, apic: &mut LocalApic, wanted: bool) {
        self.delivers = wanted && apic.is_software_enabled();
        if !self.delivers {
            return;
        }
        let status = apic.interrupt_status().bits();
        (self.rvi, self.svi) = ((status & 0xff) as u8, (status >> 8) as u8);
        if let Some(changed) = apic.take_eoi_exits() {
            self.eoi_exits = changed;
        }
        self.ppr_virtualization(&apic.page);
    }

    /// VM exit, and what the hypervisor does first.
    pub(super) fn leave(&self, apic: &mut LocalApic, exit: Exit, now: u64) -> Effect {
        if self.delivers {
            apic.set_interrupt_status(InterruptStatus::from_bits(u16::from(self.svi) << 8 | u16::from(self.rvi)));
        } else {
            apic.set_cr8(apic.cr8());
        }
        match exit {
            Exit::None => Effect::None,
            Exit::Eoi(vector) => apic.eoi_was_virtualized(vector),
            Exit::Write(offset) => apic.written_by_guest(offset, now),
        }
    }

    /// Section 31.1.3.
    fn ppr_virtualization(&self, page: &ApicPage) {
        let tpr = get(page, offset::TPR);
        let in_service = u32::from(self.svi);
        set(page, offset::PPR, if tpr >> 4 & 0xf >= in_service >> 4 { tpr & 0xff } else { in_service & 0xf0 });
    }

    /// Section 31.2: the vector that the guest takes, if it has interrupts enabled.
    pub(super) fn deliver(&mut self, apic: &mut LocalApic) -> Option<u8> {
        if !self.delivers {
            return apic.ack_interrupt();
        }
        let page = &apic.page;
        let vector = self.rvi;
        if u32::from(vector >> 4) <= get(page, offset::PPR) >> 4 & 0xf {
            return None;
        }
        set_bit(page, offset::ISR, vector, true);
        self.svi = vector;
        set(page, offset::PPR, u32::from(vector & 0xf0));
        set_bit(page, offset::IRR, vector, false);
        self.rvi = highest(page, offset::IRR);
        Some(vector)
    }

    /// A write to the page (section 31.4.3), or to SELF IPI by MSR (section 31.5).
    pub(super) fn write(&mut self, page: &ApicPage, at: u16, value: u32) -> Exit {
        set(page, at, value);
        match at {
            offset::TPR => {
                set(page, at, value & 0xff);
                if self.delivers {
                    self.ppr_virtualization(page);
                }
                Exit::None
            }
            offset::EOI if self.delivers => {
                set(page, at, 0);
                self.eoi(page)
            }
            offset::ICR_HIGH => {
                set(page, at, value & 0xff00_0000);
                Exit::None
            }
            offset::ICR_LOW if self.delivers && value & (NO_SELF_IPI | 3 << 18) == SHORTHAND_SELF => {
                self.self_ipi(page, at, value)
            }
            offset::SELF_IPI if self.delivers => self.self_ipi(page, at, value),
            _ => Exit::Write(at),
        }
    }

    /// Section 31.1.4.
    fn eoi(&mut self, page: &ApicPage) -> Exit {
        let vector = self.svi;
        set_bit(page, offset::ISR, vector, false);
        self.svi = highest(page, offset::ISR);
        self.ppr_virtualization(page);
        let exits = self.eoi_exits[usize::from(vector / 64)] >> (vector % 64) & 1 != 0;
        if exits { Exit::Eoi(vector) } else { Exit::None }
    }

    /// Section 31.1.5.
    fn self_ipi(&mut self, page: &ApicPage, at: u16, value: u32) -> Exit {
        let vector = (value & 0xff) as u8;
        if vector < 16 {
            return Exit::Write(at);
        }
        set_bit(page, offset::IRR, vector, true);
        self.rvi = self.rvi.max(vector);
        Exit::None
    }
}

/// All that a guest can see, with the page read as the processor reads it.
pub(super) fn visible(apic: &LocalApic) -> impl PartialEq + std::fmt::Debug + use<> {
    let page: std::vec::Vec<_> =
        (0..=255).map(|register| (apic.page.get(register), apic.page.high(register))).collect();
    let priorities = (apic.pending_above_ppr(), apic.is_held_by_tpr(), apic.interrupt_status());
    let mode: Mode = apic.mode();
    (page, priorities, apic.next_deadline(), mode, apic.address_view(), apic.eoi_exits())
}
