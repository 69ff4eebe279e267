//! The interrupt command register, in both modes.

use super::{Effect, NOW, enabled, offset, write, x2apic};
use crate::vlapic::{Delivery, Destination, LocalApic, Message};

fn send(apic: &mut LocalApic, high: u32, low: u32) -> Effect {
    write(apic, offset::ICR_HIGH, high);
    apic.write(offset::ICR_LOW, low, NOW)
}

fn ipi(destination: Destination, delivery: Delivery) -> Effect {
    Effect::Ipi(Message { destination, delivery })
}

const FIXED_40: Delivery = Delivery::Fixed { vector: 0x40, level: false };

#[test]
fn delivery_modes_decode_as_the_figure_says() {
    let to_2 = Destination::Physical(2);
    let table = [
        (0x0040, ipi(to_2, FIXED_40)),
        (0x0140, ipi(to_2, Delivery::LowestPriority { vector: 0x40, level: false })),
        (0x0200, ipi(to_2, Delivery::Smi)),
        (0x0340, Effect::None),
        (0x0400, ipi(to_2, Delivery::Nmi)),
        (0x4500, ipi(to_2, Delivery::Init)),
        (0xc500, ipi(to_2, Delivery::Init)),
        (0x8500, Effect::None),
        (0x4699, ipi(to_2, Delivery::Startup { vector: 0x99 })),
        (0x4600, ipi(to_2, Delivery::Startup { vector: 0 })),
        (0x0740, Effect::None),
        (0xc040, ipi(to_2, FIXED_40)),
    ];
    for (low, effect) in table {
        let mut apic = enabled();
        assert_eq!(send(&mut apic, 2 << 24, low), effect, "ICR {low:#x}");
        assert_eq!(apic.read(offset::ICR_LOW, NOW), low);
        assert_eq!(apic.read(offset::ICR_HIGH, NOW), 2 << 24);
    }
}

#[test]
fn destinations_decode_as_the_figure_says() {
    let table = [
        (0x0500_0000, 0x0000, Destination::Physical(5)),
        (0xff00_0000, 0x0000, Destination::Broadcast),
        (0x0500_0000, 0x0800, Destination::Logical(5)),
        (0xff00_0000, 0x0800, Destination::Broadcast),
        (0x0500_0000, 2 << 18, Destination::Broadcast),
        (0x0500_0000, 3 << 18, Destination::AllButSender),
    ];
    for (high, low, destination) in table {
        assert_eq!(send(&mut enabled(), high, low | 0x40), ipi(destination, FIXED_40), "ICR {high:#x}:{low:#x}");
    }
}

#[test]
fn fixed_interrupts_to_oneself_are_accepted_on_the_spot() {
    let mut apic = enabled();
    assert_eq!(send(&mut apic, 0, 1 << 18 | 0x61), Effect::None);
    assert_eq!(apic.ack_interrupt(), Some(0x61));
    assert_eq!(apic.eoi(), Effect::None);
    assert_eq!(send(&mut apic, 0, 0x62), Effect::None, "physical destination 0 is its own ID");
    assert_eq!(apic.ack_interrupt(), Some(0x62));
    let mut apic = x2apic(9);
    assert_eq!(apic.write_msr(0x83f, 0x63, || NOW), Ok(Effect::None));
    assert_eq!(apic.ack_interrupt(), Some(0x63));
    assert_eq!(apic.read_msr(0x830, NOW), Ok(0), "the self-IPI register leaves the ICR alone");
    assert_eq!(apic.write_msr(0x830, 9 << 32 | 0x74, || NOW), Ok(Effect::None));
    assert_eq!(apic.ack_interrupt(), Some(0x74));
}

#[test]
fn an_nmi_to_oneself_goes_through_the_caller() {
    assert_eq!(send(&mut enabled(), 0, 0x400), ipi(Destination::Physical(0), Delivery::Nmi));
    assert_eq!(send(&mut enabled(), 0, 1 << 18 | 0x400), ipi(Destination::Sender, Delivery::Nmi));
}

#[test]
fn the_x2apic_icr_is_one_64_bit_write() {
    let mut apic = x2apic(0);
    let to = |high: u64, low: u64| high << 32 | low;
    assert_eq!(apic.write_msr(0x830, to(0x1_0002, 0x840), || NOW), Ok(ipi(Destination::Logical(0x1_0002), FIXED_40)));
    assert_eq!(apic.read_msr(0x830, NOW), Ok(to(0x1_0002, 0x840)));
    assert_eq!(apic.write_msr(0x830, to(0xffff_ffff, 0x40), || NOW), Ok(ipi(Destination::Broadcast, FIXED_40)));
    assert_eq!(apic.write_msr(0x830, to(0xff, 0x40), || NOW), Ok(ipi(Destination::Physical(0xff), FIXED_40)));
}

#[test]
fn a_software_disabled_apic_still_sends() {
    let mut apic = LocalApic::new(0, true);
    assert_eq!(send(&mut apic, 1 << 24, 0x4500), ipi(Destination::Physical(1), Delivery::Init));
}
