//! The error status register and its interrupt.

use super::{Effect, NOW, enabled, offset, write, x2apic};
use crate::vlapic::GeneralProtection;

const SEND_ILLEGAL: u32 = 0x20;
const RECEIVE_ILLEGAL: u32 = 0x40;
const ILLEGAL_REGISTER: u32 = 0x80;

#[test]
fn a_read_shows_what_the_last_write_latched() {
    let mut apic = enabled();
    apic.accept(3, false);
    assert_eq!(apic.read(offset::ESR, NOW), 0, "nothing before a write");
    write(&mut apic, offset::ESR, 0xdead);
    assert_eq!(apic.read(offset::ESR, NOW), RECEIVE_ILLEGAL);
    assert_eq!(apic.read(offset::ESR, NOW), RECEIVE_ILLEGAL, "reading clears nothing");
    write(&mut apic, offset::ESR, 0);
    assert_eq!(apic.read(offset::ESR, NOW), 0);
}

#[test]
fn reserved_registers_are_logged_in_xapic_mode() {
    let mut apic = enabled();
    for reserved in [0x00, 0x10, 0x40, 0x70, 0x290, 0x2f0, 0x3a0, 0x3d0, 0x3f0, 0x400, 0xff0] {
        assert_eq!(apic.read(reserved, NOW), 0);
        write(&mut apic, offset::ESR, 0);
        assert_eq!(apic.read(offset::ESR, NOW), ILLEGAL_REGISTER, "read of {reserved:#x}");
        write(&mut apic, reserved, 0);
        write(&mut apic, offset::ESR, 0);
        assert_eq!(apic.read(offset::ESR, NOW), ILLEGAL_REGISTER, "write of {reserved:#x}");
    }
    for harmless in [0x90, 0xc0, offset::ID, offset::VERSION, offset::PPR, offset::CURRENT_COUNT, 0x110, 0x270] {
        apic.read(harmless, NOW);
        write(&mut apic, harmless, 0xffff_ffff);
        write(&mut apic, offset::ESR, 0);
        assert_eq!(apic.read(offset::ESR, NOW), 0, "access to {harmless:#x}");
    }
}

#[test]
fn illegal_vectors_are_not_sent() {
    let mut apic = enabled();
    write(&mut apic, offset::ICR_HIGH, 1 << 24);
    write(&mut apic, offset::ICR_LOW, 0x0f);
    write(&mut apic, offset::ESR, 0);
    assert_eq!(apic.read(offset::ESR, NOW), SEND_ILLEGAL);
    write(&mut apic, offset::ICR_LOW, 1 << 18 | 0x0f);
    write(&mut apic, offset::ESR, 0);
    assert_eq!(apic.read(offset::ESR, NOW), SEND_ILLEGAL | RECEIVE_ILLEGAL, "a self-IPI is also received");
    let mut apic = x2apic(1);
    assert_eq!(apic.write_msr(0x83f, 0x0f, || NOW), Ok(Effect::None));
    assert_eq!(apic.write_msr(0x828, 0, || NOW), Ok(Effect::None));
    assert_eq!(apic.read_msr(0x828, NOW), Ok(u64::from(SEND_ILLEGAL | RECEIVE_ILLEGAL)));
    assert_eq!(apic.write_msr(0x828, 1, || NOW), Err(GeneralProtection), "only zero in x2APIC mode");
}

#[test]
fn the_error_interrupt_comes_once_between_two_writes() {
    let mut apic = enabled();
    write(&mut apic, offset::LVT_ERROR, 0xfe);
    apic.accept(1, false);
    assert_eq!(apic.ack_interrupt(), Some(0xfe));
    assert_eq!(apic.eoi(), Effect::None);
    apic.accept(2, false);
    assert_eq!(apic.pending_above_ppr(), None, "not rearmed yet");
    write(&mut apic, offset::ESR, 0);
    apic.accept(2, false);
    assert_eq!(apic.pending_above_ppr(), Some(0xfe));
}

#[test]
fn a_masked_error_stays_armed_and_an_illegal_error_vector_ends() {
    let mut apic = enabled();
    apic.accept(1, false);
    write(&mut apic, offset::LVT_ERROR, 0x05);
    apic.accept(1, false);
    assert_eq!(apic.highest_pending(), None, "vector 5 is never requested");
    write(&mut apic, offset::LVT_ERROR, 0x45);
    write(&mut apic, offset::ESR, 0);
    apic.accept(1, false);
    assert_eq!(apic.pending_above_ppr(), Some(0x45));
}
