//! Power management, reset, and who owns which port.

use phalanx_arch_api::AccessSize::{B1, B2, B4};

use crate::platform::acpi_pm::AcpiPm;
use crate::platform::reset::{ResetControl, keyboard_controller};
use crate::platform::{Effect, PortDevice};

#[test]
fn soft_off_by_word_and_by_byte() {
    let s5 = 5 << 10 | 1 << 13;
    assert_eq!(AcpiPm::default().write(4, B2, s5), Some(Effect::PowerOff));
    assert_eq!(AcpiPm::default().write(4, B4, s5), Some(Effect::PowerOff));
    assert_eq!(AcpiPm::default().write(5, B1, s5 >> 8), Some(Effect::PowerOff));
    // The type first, the enable bit later, as ACPICA does.
    let mut pm = AcpiPm::default();
    assert_eq!(pm.write(4, B2, 5 << 10), None);
    assert_eq!(pm.read(4, B2), 5 << 10 | 1);
    assert_eq!(pm.write(4, B2, s5), Some(Effect::PowerOff));
}

#[test]
fn other_sleep_types_do_nothing_and_the_enable_bit_is_not_kept() {
    for sleep_type in [0, 1, 2, 3, 4, 6, 7u64] {
        let mut pm = AcpiPm::default();
        assert_eq!(pm.write(4, B2, sleep_type << 10 | 1 << 13), None);
        assert_eq!(pm.read(4, B2), sleep_type << 10 | 1);
    }
}

#[test]
fn acpi_mode_is_on_and_cannot_be_left() {
    let mut pm = AcpiPm::default();
    assert_eq!(pm.read(4, B2), 1);
    assert_eq!(pm.write(4, B2, 0), None);
    assert_eq!(pm.read(4, B1), 1);
}

#[test]
fn no_event_is_pending_and_enables_are_kept() {
    let mut pm = AcpiPm::default();
    assert_eq!(pm.write(0, B2, 0xffff), None);
    assert_eq!(pm.write(2, B2, 0xffff), None);
    assert_eq!(pm.read(0, B2), 0);
    assert_eq!(pm.read(0, B4), 0x0721_0000);
    assert_eq!(pm.read(2, B2), 0x0721);
    assert_eq!(pm.write(3, B1, 0), None);
    assert_eq!(pm.read(2, B2), 0x0021);
}

#[test]
fn accesses_past_the_block() {
    let mut pm = AcpiPm::default();
    assert_eq!(pm.read(4, B4), 0xffff_0001);
    assert_eq!(pm.read(5, B4), 0xffff_ff00);
    assert_eq!(pm.read(6, B1), 0xff);
    assert_eq!(pm.read(255, B4), 0xffff_ffff);
    assert_eq!(pm.write(6, B4, u64::MAX), None);
    assert_eq!(pm.write(255, B4, u64::MAX), None);
    assert_eq!(pm.read(0, B4), 0);
}

#[test]
fn reset_control_wants_a_rising_edge() {
    let mut register = ResetControl::default();
    assert_eq!(register.write(2), None);
    assert_eq!(register.read(), 2);
    assert_eq!(register.write(6), Some(Effect::Reset));
    assert_eq!(register.write(6), None);
    assert_eq!(register.write(0xfb), None);
    assert_eq!(register.read(), 0xa);
    assert_eq!(register.write(0xe), Some(Effect::Reset));
}

#[test]
fn keyboard_controller_pulses_the_reset_line() {
    for value in 0..=0xff {
        let resets = value >= 0xf0 && value & 1 == 0;
        assert_eq!(keyboard_controller::write(4, value), resets.then_some(Effect::Reset), "{value:#x}");
        assert_eq!(keyboard_controller::write(0, value), None);
    }
    assert_eq!((keyboard_controller::read(4), keyboard_controller::read(0)), (0, 0xff));
}

#[test]
fn ports_have_one_owner() {
    let owned = |device: fn(&PortDevice) -> bool| {
        (0..=u16::MAX).filter(|port| PortDevice::of(*port).as_ref().is_some_and(device)).count()
    };
    assert_eq!(owned(|_| true), 2 + 2 + 8 + 6 + 4 + 1);
    assert_eq!(PortDevice::of(0x60), Some(PortDevice::KeyboardController { offset: 0 }));
    assert_eq!(PortDevice::of(0x64), Some(PortDevice::KeyboardController { offset: 4 }));
    assert_eq!(PortDevice::of(0x71), Some(PortDevice::Rtc { offset: 1 }));
    assert_eq!(PortDevice::of(0x3fd), Some(PortDevice::Com1 { offset: 5 }));
    assert_eq!(PortDevice::of(0x604), Some(PortDevice::AcpiPm { offset: 4 }));
    assert_eq!(PortDevice::of(0x60b), Some(PortDevice::PmTimer { offset: 3 }));
    assert_eq!(PortDevice::of(0xcf9), Some(PortDevice::ResetControl));
    assert_eq!(PortDevice::of(0x606), None);
    assert_eq!(PortDevice::of(0xcf8), None);
}
