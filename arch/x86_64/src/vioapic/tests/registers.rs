//! The direct and the indirect registers.

use super::{Fired, IoApic, MASKED, read, write};

#[test]
fn identification_registers() {
    let mut io_apic = IoApic::new();
    assert_eq!(read(&mut io_apic, 1), 0x0017_0020, "24 entries, with an EOI register");
    assert_eq!(write(&mut io_apic, 0, 0xffff_ffff), Fired::NONE);
    assert_eq!(read(&mut io_apic, 0), 0x0f00_0000);
    assert_eq!(read(&mut io_apic, 2), 0x0f00_0000);
    for read_only in [1, 2] {
        let before = read(&mut io_apic, read_only);
        assert_eq!(write(&mut io_apic, read_only, 0), Fired::NONE);
        assert_eq!(read(&mut io_apic, read_only), before);
    }
}

#[test]
fn the_table_has_24_entries_masked_at_reset() {
    let mut io_apic = IoApic::new();
    for index in 0x10..0x40 {
        let expected = if index % 2 == 0 { MASKED } else { 0 };
        assert_eq!(read(&mut io_apic, index), expected, "{index:#x}");
        assert_eq!(write(&mut io_apic, index, u32::MAX), Fired::NONE);
        let fields = if index % 2 == 0 { 0x0001_afff } else { 0xff00_0000 };
        assert_eq!(read(&mut io_apic, index), fields, "{index:#x}");
    }
    for index in (3..0x10).chain(0x40..=0xff) {
        assert_eq!(write(&mut io_apic, index, u32::MAX), Fired::NONE);
        assert_eq!(read(&mut io_apic, index), 0, "{index:#x}");
    }
}

#[test]
fn direct_registers() {
    let mut io_apic = IoApic::new();
    assert_eq!(io_apic.write(0, 0x123), Fired::NONE);
    assert_eq!(io_apic.read(0), 0x23, "eight bits");
    for elsewhere in [0x04, 0x14, 0x20, 0x40, 0xffc] {
        assert_eq!(io_apic.read(elsewhere), 0);
        assert_eq!(io_apic.write(elsewhere, u32::MAX), Fired::NONE);
    }
    assert_eq!(io_apic.read(0), 0x23);
}
