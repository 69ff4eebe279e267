//! MADT: processors and interrupt controllers (ACPI 6.5, 5.2.12). There is no pair of 8259 controllers.

use acpi_tables::madt::{EnabledStatus, IoApic, LocalInterruptController, MADT, ProcessorLocalApic};
use acpi_tables::{Aml, AmlSink};
use zerocopy::little_endian::{U16, U32};
use zerocopy::{Immutable, IntoBytes};

use super::{OEM, OEM_REVISION, OEM_TABLE};
use crate::x86_64::acpi::fadt::SCI;
use crate::x86_64::layout::{IO_APIC, LOCAL_APIC};

/// How an ISA interrupt is wired (5.2.12.5).
#[derive(Clone, Copy, IntoBytes, Immutable)]
#[repr(C)]
struct SourceOverride {
    kind: u8,
    length: u8,
    bus: u8,
    source: u8,
    interrupt: U32,
    flags: U16,
}

/// Active high, level-triggered.
const LEVEL_HIGH: u16 = 0b1101;

impl Aml for SourceOverride {
    fn to_aml_bytes(&self, sink: &mut dyn AmlSink) {
        sink.vec(self.as_bytes());
    }
}

/// The table for `vcpus` processors, whose APIC ids are their indices.
pub(super) fn table(vcpus: u32) -> MADT {
    let mut madt = MADT::new(OEM, OEM_TABLE, OEM_REVISION, LocalInterruptController::Address(LOCAL_APIC));
    for id in (0..=u8::MAX).take(vcpus as usize) {
        madt.add_structure(ProcessorLocalApic::new(id, id, EnabledStatus::Enabled));
    }
    madt.add_structure(IoApic::new(0, IO_APIC, 0));
    madt.add_structure(SourceOverride {
        kind: 2,
        length: 10,
        bus: 0,
        source: SCI,
        interrupt: u32::from(SCI).into(),
        flags: LEVEL_HIGH.into(),
    });
    madt
}
