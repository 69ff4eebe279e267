//! The readers of [`super::acpi`] against tables that are right, and against every way to damage them.

extern crate std;
use std::vec::Vec;

use phalanx_arch_api::Hpa;
use proptest::prelude::*;

use super::acpi::{AcpiError, Firmware, InterruptOverride, IoApicEntry, PmTimer, ResetRegister, Table, read};

const RSDP: u64 = 0x100;
const ROOT: u64 = 0x200;
const MADT: u64 = 0x400;
const FADT: u64 = 0x800;

/// Memory from address 0.
struct Memory(Vec<u8>);

impl Firmware for Memory {
    fn bytes(&self, start: Hpa, length: usize) -> Option<&[u8]> {
        let start = usize::try_from(start.as_u64()).ok()?;
        self.0.get(start..start.checked_add(length)?)
    }
}

impl Memory {
    fn put(&mut self, at: u64, bytes: &[u8]) {
        self.0[at as usize..at as usize + bytes.len()].copy_from_slice(bytes);
    }

    /// Makes the bytes from `at` add up to 0 by the one at `sum_at`.
    fn fix_sum(&mut self, at: u64, length: usize, sum_at: usize) {
        let bytes = &mut self.0[at as usize..at as usize + length];
        bytes[sum_at] = 0;
        bytes[sum_at] = bytes.iter().fold(0, |sum: u8, byte| sum.wrapping_sub(*byte));
    }

    fn put_table(&mut self, at: u64, signature: &[u8; 4], body: &[u8]) {
        let length = 36 + body.len();
        self.put(at, signature);
        self.put(at + 4, &(length as u32).to_le_bytes());
        self.put(at + 36, body);
        self.fix_sum(at, length, 9);
    }
}

fn madt_body() -> Vec<u8> {
    let mut body = std::vec![0, 0, 0xe0, 0xfe, 1, 0, 0, 0];
    body.extend([0, 8, 0, 0, 1, 0, 0, 0]);
    body.extend([0, 8, 1, 4, 1, 0, 0, 0]);
    body.extend([0, 8, 2, 5, 0, 0, 0, 0]);
    body.extend([9, 16, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0]);
    body.extend([9, 16, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0]);
    body.extend([1, 12, 0, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0]);
    body.extend([2, 10, 0, 9, 9, 0, 0, 0, 0xf, 0]);
    body.extend([0x80, 3, 0]);
    body
}

fn fadt_body() -> Vec<u8> {
    let mut body = std::vec![0; 276 - 36];
    body[76 - 36..][..2].copy_from_slice(&[0x08, 0x06]);
    body[112 - 36..][..2].copy_from_slice(&[0, 0b101]);
    body[116 - 36] = 1;
    body[120 - 36..][..2].copy_from_slice(&[0xf9, 0x0c]);
    body[128 - 36] = 0xf;
    body
}

fn machine() -> Memory {
    let mut memory = Memory(std::vec![0; 0x1000]);
    memory.put(RSDP, b"RSD PTR ");
    memory.put(RSDP + 15, &[2]);
    memory.put(RSDP + 20, &36_u32.to_le_bytes());
    memory.put(RSDP + 24, &ROOT.to_le_bytes());
    memory.fix_sum(RSDP, 20, 8);
    memory.fix_sum(RSDP, 36, 32);
    memory.put_table(ROOT, b"XSDT", &[FADT.to_le_bytes(), MADT.to_le_bytes()].concat());
    memory.put_table(MADT, b"APIC", &madt_body());
    memory.put_table(FADT, b"FACP", &fadt_body());
    memory
}

#[test]
fn a_pc_is_understood() {
    let platform = read(&machine(), Hpa::new(RSDP)).unwrap();
    assert_eq!(platform.apic_ids.as_slice(), [0, 4, 256]);
    assert_eq!(platform.io_apics.as_slice(), [IoApicEntry { address: Hpa::new(0xfec0_0000), first_gsi: 0 }]);
    let sci = InterruptOverride { irq: 9, gsi: 9, is_active_low: true, is_level: true };
    assert_eq!(platform.overrides.as_slice(), [sci]);
    assert_eq!(platform.pm_timer, Some(PmTimer { port: 0x608, is_32_bit: true }));
    assert_eq!(platform.reset, Some(ResetRegister { port: 0xcf9, value: 0xf }));
}

#[test]
fn an_old_root_table_serves() {
    let mut memory = machine();
    memory.put(RSDP + 15, &[0]);
    memory.put(RSDP + 16, &(ROOT as u32).to_le_bytes());
    memory.fix_sum(RSDP, 20, 8);
    memory.put_table(ROOT, b"RSDT", &(MADT as u32).to_le_bytes());
    assert_eq!(read(&memory, Hpa::new(RSDP)).unwrap().apic_ids.len(), 3);
}

#[test]
fn each_damage_has_its_error() {
    let error = |change: &dyn Fn(&mut Memory)| {
        let mut memory = machine();
        change(&mut memory);
        read(&memory, Hpa::new(RSDP)).unwrap_err()
    };
    assert_eq!(error(&|memory| memory.put(RSDP, b"X")), AcpiError::BadSignature(Table::Rsdp));
    assert_eq!(error(&|memory| memory.put(RSDP + 9, b"X")), AcpiError::BadChecksum(Table::Rsdp));
    assert_eq!(error(&|memory| memory.put(ROOT, b"Y")), AcpiError::BadSignature(Table::Root));
    assert_eq!(error(&|memory| memory.put(MADT + 50, b"X")), AcpiError::BadChecksum(Table::Madt));
    assert_eq!(error(&|memory| memory.put(FADT + 4, &[20, 0])), AcpiError::Truncated(Table::Fadt));
    assert_eq!(error(&|memory| memory.put(MADT + 7, &[1])), AcpiError::OutOfReach(Table::Madt));
    assert_eq!(error(&|memory| memory.put_table(ROOT, b"XSDT", &[])), AcpiError::Missing(Table::Madt));
    let zero_length = [madt_body().as_slice(), &[0x81, 0]].concat();
    assert_eq!(error(&|memory| memory.put_table(MADT, b"APIC", &zero_length)), AcpiError::Truncated(Table::Madt));
    assert_eq!(read(&machine(), Hpa::new(u64::MAX)).unwrap_err(), AcpiError::OutOfReach(Table::Rsdp));
}

#[test]
fn more_cpus_than_can_be_driven_are_counted() {
    let mut memory = machine();
    let cpus: Vec<u8> = (0..70).flat_map(|id| [0, 8, id, id, 1, 0, 0, 0]).collect();
    memory.put_table(MADT, b"APIC", &[&[0; 8], cpus.as_slice()].concat());
    let platform = read(&memory, Hpa::new(RSDP)).unwrap();
    assert_eq!((platform.apic_ids.len(), platform.ignored_cpus), (64, 6));
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(madt in proptest::collection::vec(any::<u8>(), 0..200),
                                      fadt in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut memory = machine();
        memory.put_table(MADT, b"APIC", &madt);
        memory.put_table(FADT, b"FACP", &fadt);
        let _ = read(&memory, Hpa::new(RSDP));
    }

    #[test]
    fn a_flipped_bit_in_a_table_is_noticed(at in MADT..MADT + 36 + 80, bit in 0_u32..8) {
        let mut memory = machine();
        memory.0[at as usize] ^= 1 << bit;
        prop_assert!(read(&memory, Hpa::new(RSDP)).is_err());
    }
}
