//! The processor's part in the local APIC ("APIC Virtualization and Virtual Interrupts": Intel SDM vol. 3C, chapter 31).

use super::VmxControl;
use crate::vcpu::{ApicPart, Control};
use crate::vlapic::{InterruptStatus, LocalApic};
use crate::vmx::bitmap::{self, Msrs};
use crate::vmx::capability::secondary;
use crate::vmx::field as f;

impl VmxControl {
    /// Takes over what the processor did to the local APIC since the entry.
    pub(super) fn take_over(&mut self, apic: &mut LocalApic) {
        self.synced = true;
        if self.delivers {
            self.status = InterruptStatus::from_bits(f::GUEST_INTERRUPT_STATUS.read());
            apic.set_interrupt_status(self.status);
        } else {
            // CR8 is in the page already; the processor priority follows it.
            apic.set_cr8(apic.cr8());
        }
    }

    /// Gives the processor its part in the local APIC.
    pub(super) fn give_part(&mut self, part: ApicPart) {
        const ALL: u32 = READ | PAGE | MSRS | DELIVERY;
        const READ: u32 = secondary::APIC_REGISTERS.mask();
        const PAGE: u32 = secondary::APIC_ACCESSES.mask();
        const MSRS: u32 = secondary::X2APIC_MODE.mask();
        const DELIVERY: u32 = secondary::INTERRUPT_DELIVERY.mask();
        let part = if self.features.virtual_apic { part } else { ApicPart::Nothing };
        let (bits, map) = match part {
            ApicPart::Nothing => (0, Msrs::Usual),
            ApicPart::ReadMemory => (PAGE | READ, Msrs::Usual),
            ApicPart::ReadMsrs => (MSRS | READ, Msrs::ApicReads),
            ApicPart::Memory => (PAGE | READ | DELIVERY, Msrs::Usual),
            ApicPart::Msrs => (MSRS | READ | DELIVERY, Msrs::Apic),
        };
        let map = bitmap::of(map, self.features.has_tsc_aux());
        self.delivers = matches!(part, ApicPart::Memory | ApicPart::Msrs);
        // SAFETY: the processor works on the page of this vCPU's own local APIC; both bitmaps let the guest reach what is its
        // own.
        unsafe {
            self.vmcs.set_host(f::SECONDARY_CONTROLS, self.features.secondary & !ALL | bits);
            self.vmcs.set_host(f::MSR_BITMAP, map.as_u64());
        }
        self.flush_second_level();
    }

    /// Writes the vectors whose end of interrupt exits.
    pub(super) fn write_eoi_exits(&mut self, vectors: [u64; 4]) {
        let fields = [f::EOI_EXIT_BITMAP_0, f::EOI_EXIT_BITMAP_1, f::EOI_EXIT_BITMAP_2, f::EOI_EXIT_BITMAP_3];
        for (field, word) in fields.into_iter().zip(vectors) {
            self.vmcs.set(field, word);
        }
    }
}
