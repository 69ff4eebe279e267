//! Memory-type range registers: what is kept, what faults.

use crate::platform::mtrr::{DEF_TYPE, InvalidValue, MTRRCAP, Mtrrs, PAT_RESET, pat_is_valid};

const OK: Option<Result<(), InvalidValue>> = Some(Ok(()));
const GP: Option<Result<(), InvalidValue>> = Some(Err(InvalidValue));

#[test]
fn capabilities_are_read_only() {
    let mut mtrrs = Mtrrs::new(40);
    assert_eq!(mtrrs.read(MTRRCAP), Some(0x508));
    assert_eq!(mtrrs.write(MTRRCAP, 0x508), GP);
}

#[test]
fn all_memory_is_write_back_at_first_except_video() {
    let mtrrs = Mtrrs::new(40);
    assert_eq!(mtrrs.read(DEF_TYPE), Some(0xc06));
    assert_eq!(mtrrs.read(0x250), Some(0x0606_0606_0606_0606));
    assert_eq!(mtrrs.read(0x259), Some(0));
    assert_eq!(mtrrs.read(0x201), Some(0));
}

#[test]
fn default_type() {
    let mut mtrrs = Mtrrs::new(40);
    for kind in 0..=0xffu64 {
        let valid = [0, 1, 4, 5, 6].contains(&kind);
        assert_eq!(mtrrs.write(DEF_TYPE, kind | 0xc00), if valid { OK } else { GP }, "{kind}");
    }
    assert_eq!(mtrrs.read(DEF_TYPE), Some(0xc06));
    for bit in [8, 9, 12, 63] {
        assert_eq!(mtrrs.write(DEF_TYPE, 6 | 1 << bit), GP, "bit {bit}");
    }
}

#[test]
fn variable_ranges() {
    let mut mtrrs = Mtrrs::new(40);
    assert_eq!(mtrrs.write(0x20e, 0xff_ffff_f006), OK);
    assert_eq!(mtrrs.write(0x20f, 0xff_ffff_f800), OK);
    assert_eq!((mtrrs.read(0x20e), mtrrs.read(0x20f)), (Some(0xff_ffff_f006), Some(0xff_ffff_f800)));
    assert_eq!(mtrrs.write(0x200, 1 << 40), GP);
    assert_eq!(mtrrs.write(0x201, 1 << 40), GP);
    assert_eq!(mtrrs.write(0x200, 1 << 8), GP);
    assert_eq!(mtrrs.write(0x200, 2), GP);
    assert_eq!(mtrrs.write(0x201, 1 << 10), GP);
    assert_eq!(mtrrs.write(0x201, 1), GP);
    assert_eq!(mtrrs.read(0x200), Some(0));
}

#[test]
fn fixed_ranges() {
    let mut mtrrs = Mtrrs::new(40);
    let registers = [0x250, 0x258, 0x259, 0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e, 0x26f];
    for (number, msr) in registers.into_iter().enumerate() {
        let value = 0x0605_0401_0006_0500 | (number as u64 & 1);
        assert_eq!(mtrrs.write(msr, value), OK);
        assert_eq!(mtrrs.read(msr), Some(value));
        assert_eq!(mtrrs.write(msr, 0x0606_0602_0606_0606), GP);
        assert_eq!(mtrrs.read(msr), Some(value));
    }
}

#[test]
fn other_registers_are_not_ours() {
    let mut mtrrs = Mtrrs::new(40);
    for msr in [0, 0xff, 0x1ff, 0x210, 0x24f, 0x251, 0x257, 0x25a, 0x267, 0x270, 0x277, 0x300, u32::MAX] {
        assert_eq!((mtrrs.read(msr), mtrrs.write(msr, 0)), (None, None), "{msr:#x}");
    }
}

#[test]
fn pat_values() {
    assert!(pat_is_valid(PAT_RESET) && pat_is_valid(0) && pat_is_valid(0x0706_0504_0100_0007));
    for position in 0..8 {
        for entry in 0..=0xffu64 {
            let valid = [0, 1, 4, 5, 6, 7].contains(&entry);
            assert_eq!(pat_is_valid(entry << (8 * position)), valid, "{entry} at {position}");
        }
    }
}

#[test]
fn address_widths_at_the_limits() {
    assert_eq!(Mtrrs::new(52).write(0x200, 0xf_ffff_ffff_f000), OK);
    assert_eq!(Mtrrs::new(64).write(0x200, 0x1000), GP);
    assert_eq!(Mtrrs::new(0).write(0x201, 0x800), OK);
}
