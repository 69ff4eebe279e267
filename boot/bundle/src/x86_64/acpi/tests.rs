//! Checksums and links of the tables, for few and many processors.

use super::tables;
use crate::x86_64::layout::ACPI;

fn sum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum.wrapping_add(*byte))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}

/// The table at a physical address, after a look at its length and checksum.
fn table(area: &[u8], address: u64) -> &[u8] {
    let tail = &area[usize::try_from(address - ACPI).unwrap()..];
    let table = &tail[..u32_at(tail, 4) as usize];
    if !table.starts_with(b"FACS") {
        assert_eq!(sum(table), 0, "checksum of {}", table[..4].escape_ascii());
    }
    table
}

#[test]
fn every_table_is_found_and_sums_to_zero() {
    for vcpus in [1, 4, 64] {
        let area = tables(vcpus);
        assert!(area.len() < 0x2_0000, "fits below 1 MiB");
        assert!(area.starts_with(b"RSD PTR "));
        assert_eq!((sum(&area[..20]), sum(&area[..36])), (0, 0));
        let xsdt = table(&area, u64_at(&area, 24));
        let [fadt, madt] = [36, 44].map(|at| table(&area, u64_at(xsdt, at)));
        assert_eq!((&xsdt[..4], &fadt[..4], &madt[..4]), (&b"XSDT"[..], &b"FACP"[..], &b"APIC"[..]));
        assert_eq!(xsdt.len(), 52);
        let facs = u64::from(u32_at(fadt, 36));
        assert_eq!((&table(&area, facs)[..4], facs % 64), (&b"FACS"[..], 0));
        assert_eq!(u64::from(u32_at(fadt, 40)), u64_at(fadt, 140), "both addresses of the DSDT");
        assert_eq!(&table(&area, u64_at(fadt, 140))[..4], b"DSDT");
    }
}

#[test]
fn the_fadt_describes_the_fixed_hardware() {
    let area = tables(1);
    let xsdt = table(&area, u64_at(&area, 24));
    let fadt = table(&area, u64_at(xsdt, 36));
    assert_eq!((u32_at(fadt, 56), u32_at(fadt, 64), u32_at(fadt, 76)), (0x600, 0x604, 0x608));
    assert_eq!(fadt[88..92], [4, 2, 0, 4], "lengths of event, control, second control and timer blocks");
    assert_eq!((fadt[46], fadt[47], u32_at(fadt, 48)), (9, 0, 0), "SCI, no SMI port");
    assert_eq!(fadt[109..111], [4, 0], "no 8042, no legacy devices, no VGA");
    assert_eq!(u32_at(fadt, 112), 1 << 10 | 1 << 8 | 1 << 6 | 1 << 5 | 1 << 4 | 1 << 2 | 1);
    assert_eq!((u64_at(fadt, 120), fadt[128]), (0xcf9, 6), "reset register and value");
    assert_eq!(u64_at(fadt, 212), 0x608, "64-bit address of the PM timer");
}

#[test]
fn the_madt_lists_processors_and_controllers() {
    let area = tables(3);
    let xsdt = table(&area, u64_at(&area, 24));
    let madt = table(&area, u64_at(xsdt, 44));
    assert_eq!((u32_at(madt, 36), u32_at(madt, 40)), (0xfee0_0000, 0), "local APIC, no 8259");
    let processors: Vec<_> = madt[44..68].chunks(8).collect();
    assert_eq!(processors, [[0, 8, 0, 0, 1, 0, 0, 0], [0, 8, 1, 1, 1, 0, 0, 0], [0, 8, 2, 2, 1, 0, 0, 0]]);
    assert_eq!(madt[68..80], [1, 12, 0, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0], "IO-APIC");
    assert_eq!(madt[80..], [2, 10, 0, 9, 9, 0, 0, 0, 0b1101, 0], "SCI is level-triggered");
}
