//! Register access by memory and by MSR.

use super::{Effect, NOW, enabled, offset, write, x2apic};
use crate::vlapic::GeneralProtection;

#[test]
fn the_version_has_six_entries_and_directed_eoi() {
    assert_eq!(enabled().read(offset::VERSION, NOW), 0x0105_0014);
}

#[test]
fn bytes_of_a_register_can_be_read_alone() {
    let mut apic = enabled();
    write(&mut apic, offset::TPR, 0x20);
    assert_eq!(apic.read(offset::VERSION + 1, NOW), 0x0001_0500);
    assert_eq!(apic.read(offset::VERSION + 3, NOW), 1);
    assert_eq!(apic.read(offset::VERSION + 4, NOW), 0);
    write(&mut apic, offset::TPR + 4, 0x70);
    assert_eq!(apic.tpr(), 0x20, "writes go to the 16-byte boundary only");
}

#[test]
fn lvt_entries_keep_their_fields_only() {
    let table = [
        (offset::LVT_TIMER, 0x0007_00ff),
        (0x330, 0x0001_07ff),
        (0x340, 0x0001_07ff),
        (0x350, 0x0001_a7ff),
        (offset::LVT_LINT1, 0x0001_a7ff),
        (offset::LVT_ERROR, 0x0001_00ff),
    ];
    for (register, fields) in table {
        let mut apic = enabled();
        write(&mut apic, register, u32::MAX);
        assert_eq!(apic.read(register, NOW), fields, "{register:#x}");
        write(&mut apic, register, 0);
        assert_eq!(apic.read(register, NOW), 0, "{register:#x}");
        assert_eq!(apic.write(offset::SVR, 0xff, NOW), Effect::Reconfigured);
        write(&mut apic, register, 0x30);
        assert_eq!(apic.read(register, NOW), 0x1_0030, "masked while software-disabled");
    }
}

#[test]
fn other_fields_keep_their_bits_only() {
    let mut apic = enabled();
    assert_eq!(apic.write(offset::LDR, u32::MAX, NOW), Effect::Reconfigured);
    assert_eq!(apic.read(offset::LDR, NOW), 0xff00_0000);
    assert_eq!(apic.write(offset::DFR, 0, NOW), Effect::Reconfigured);
    assert_eq!(apic.read(offset::DFR, NOW), 0x0fff_ffff);
    write(&mut apic, offset::DIVIDE, u32::MAX);
    assert_eq!(apic.read(offset::DIVIDE, NOW), 0b1011);
    write(&mut apic, offset::SVR, u32::MAX);
    assert_eq!(apic.read(offset::SVR, NOW), 0x13ff);
}

/// Table "Local APIC Register Address Map Supported by x2APIC": what can be read, and what can be written with zero.
#[test]
fn the_x2apic_range_has_exactly_the_registers_of_the_table() {
    let read_only = |n: u32| matches!(n, 0x02 | 0x03 | 0x0a | 0x0d | 0x10..=0x27 | 0x39);
    let read_write = |n: u32| matches!(n, 0x08 | 0x0f | 0x28 | 0x30 | 0x32..=0x38 | 0x3e);
    let write_only = |n: u32| matches!(n, 0x0b | 0x3f);
    for number in 0..0x100 {
        let mut apic = x2apic(1);
        let readable = read_only(number) || read_write(number);
        assert_eq!(apic.read_msr(0x800 + number, NOW).is_ok(), readable, "RDMSR {number:#x}");
        let writable = read_write(number) || write_only(number);
        assert_eq!(apic.write_msr(0x800 + number, 0, || NOW).is_ok(), writable, "WRMSR {number:#x}");
    }
}

#[test]
fn reserved_bits_fault_in_x2apic_mode() {
    let table: [(u32, u64); 12] = [
        (0x808, 0xff),
        (0x80b, 0),
        (0x80f, 0x13ff),
        (0x828, 0),
        (0x830, 0xffff_ffff_000c_cfff & !(1 << 12)),
        (0x832, 0x0007_10ff),
        (0x833, 0x0001_17ff),
        (0x835, 0x0001_f7ff),
        (0x837, 0x0001_10ff),
        (0x838, 0xffff_ffff),
        (0x83e, 0xb),
        (0x83f, 0xff),
    ];
    for (index, defined) in table {
        for bit in 0..64 {
            let mut apic = x2apic(1);
            let result = apic.write_msr(index, 1 << bit, || NOW);
            assert_eq!(result.is_ok(), defined >> bit & 1 != 0, "bit {bit} of MSR {index:#x}");
        }
    }
}

#[test]
fn x2apic_registers_fault_outside_x2apic_mode() {
    let mut apic = enabled();
    for index in 0x800..0x900 {
        assert_eq!(apic.read_msr(index, NOW), Err(GeneralProtection));
        assert_eq!(apic.write_msr(index, 0, || NOW), Err(GeneralProtection));
    }
    assert_eq!(apic.read_msr(0x7ff, NOW), Err(GeneralProtection), "not an APIC register at all");
    assert_eq!(apic.read_msr(0x900, NOW), Err(GeneralProtection));
}

#[test]
fn registers_read_back_through_msrs() {
    let mut apic = x2apic(7);
    assert_eq!(apic.write_msr(0x808, 0x35, || NOW), Ok(Effect::TaskPriorityChanged));
    assert_eq!(apic.read_msr(0x808, NOW), Ok(0x35));
    assert_eq!(apic.read_msr(0x80a, NOW), Ok(0x35));
    assert_eq!(apic.write_msr(0x835, 0x0001_5700, || NOW), Ok(Effect::None));
    assert_eq!(apic.read_msr(0x835, NOW), Ok(0x0001_0700), "status bits are read-only");
    assert_eq!(apic.read_msr(0x803, NOW), Ok(0x0105_0014));
}
