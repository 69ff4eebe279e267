//! IA32_APIC_BASE and the reset states.

use super::{Effect, LocalApic, NOW, X2APIC_BASE, enabled, offset, write, x2apic};
use crate::vlapic::{Addressing, GeneralProtection, MSR_APIC_BASE, Mode};

const DISABLED_BASE: u64 = 0xfee0_0000;
const XAPIC_BASE: u64 = 0xfee0_0800;
const INVALID_BASE: u64 = 0xfee0_0400;

fn in_mode(mode: Mode) -> LocalApic {
    let mut apic = LocalApic::new(3, false);
    if mode == Mode::X2Apic {
        apic = x2apic(3);
    } else if mode == Mode::Disabled {
        assert_eq!(apic.write_msr(MSR_APIC_BASE, DISABLED_BASE, || NOW), Ok(Effect::Reconfigured));
    }
    apic
}

/// Figure "Local x2APIC State Transitions with IA32_APIC_BASE, INIT, and Reset": every pair of states.
#[test]
fn transitions_follow_the_figure() {
    let table = [
        (Mode::Disabled, DISABLED_BASE, true),
        (Mode::Disabled, XAPIC_BASE, true),
        (Mode::Disabled, X2APIC_BASE, false),
        (Mode::Disabled, INVALID_BASE, false),
        (Mode::XApic, DISABLED_BASE, true),
        (Mode::XApic, XAPIC_BASE, true),
        (Mode::XApic, X2APIC_BASE, true),
        (Mode::XApic, INVALID_BASE, false),
        (Mode::X2Apic, DISABLED_BASE, true),
        (Mode::X2Apic, XAPIC_BASE, false),
        (Mode::X2Apic, X2APIC_BASE, true),
        (Mode::X2Apic, INVALID_BASE, false),
    ];
    for (from, value, legal) in table {
        let mut apic = in_mode(from);
        let before = apic.apic_base();
        let result = apic.write_msr(MSR_APIC_BASE, value, || NOW);
        let after = if legal { value } else { before };
        assert_eq!(result.is_ok(), legal, "{from:?} to {value:#x}");
        assert_eq!(apic.read_msr(MSR_APIC_BASE, NOW), Ok(after), "{from:?} to {value:#x}");
    }
}

#[test]
fn reserved_bits_and_another_base_fault() {
    let mut apic = enabled();
    for bad in [XAPIC_BASE | 1, XAPIC_BASE | 1 << 9, 0xfed0_0800, XAPIC_BASE | 1 << 40, XAPIC_BASE | 1 << 63] {
        assert_eq!(apic.write_msr(MSR_APIC_BASE, bad, || NOW), Err(GeneralProtection), "{bad:#x}");
    }
    assert_eq!(apic.write_msr(MSR_APIC_BASE, XAPIC_BASE, || NOW), Ok(Effect::None));
    assert_eq!(apic.apic_base(), XAPIC_BASE | 0x100, "the BSP flag is read-only");
}

#[test]
fn global_disable_loses_the_state() {
    let mut apic = enabled();
    apic.accept(0x80, false);
    write(&mut apic, offset::TPR, 0x10);
    assert_eq!(apic.write_msr(MSR_APIC_BASE, DISABLED_BASE, || NOW), Ok(Effect::Reconfigured));
    assert_eq!(apic.read(offset::TPR, NOW), u32::MAX, "no register at that address");
    assert_eq!(apic.address_view().addressing, Addressing::Disabled);
    apic.accept(0x81, false);
    assert_eq!(apic.write_msr(MSR_APIC_BASE, XAPIC_BASE, || NOW), Ok(Effect::Reconfigured));
    assert_eq!(apic.highest_pending(), None);
    assert_eq!(apic.read(offset::SVR, NOW), 0xff);
    assert_eq!(apic.read(offset::TPR, NOW), 0);
}

#[test]
fn entering_x2apic_mode_keeps_requests_and_derives_the_ids() {
    let mut apic = LocalApic::new(0x25, false);
    assert_eq!(apic.write(offset::SVR, 0x1ff, NOW), Effect::Reconfigured);
    assert_eq!(apic.write(offset::LDR, 0x4000_0000, NOW), Effect::Reconfigured);
    write(&mut apic, offset::ICR_HIGH, 0x7700_0000);
    apic.accept(0x66, false);
    assert_eq!(apic.read(offset::ID, NOW), 0x2500_0000);
    assert_eq!(apic.write_msr(MSR_APIC_BASE, X2APIC_BASE, || NOW), Ok(Effect::Reconfigured));
    assert_eq!(apic.read_msr(0x802, NOW), Ok(0x25));
    assert_eq!(apic.read_msr(0x80d, NOW), Ok(0x0002_0020), "cluster 2, member 5");
    assert_eq!(apic.read_msr(0x830, NOW), Ok(0), "ICR bits 63:32 are not preserved");
    assert_eq!(apic.read_msr(0x823, NOW), Ok(1 << 6), "IRR is");
    assert_eq!(apic.read(offset::ID, NOW), u32::MAX);
    write(&mut apic, offset::TPR, 0x20);
    assert_eq!(apic.tpr(), 0, "the page is gone");
}

#[test]
fn power_up_state_matches_the_manual() {
    let mut apic = LocalApic::new(1, true);
    assert_eq!(apic.apic_base(), 0xfee0_0900);
    assert!(apic.is_bootstrap());
    for zero in [offset::TPR, offset::PPR, offset::LDR, offset::ESR, offset::ICR_LOW, offset::ICR_HIGH] {
        assert_eq!(apic.read(zero, NOW), 0, "{zero:#x}");
    }
    for zero in [offset::INITIAL_COUNT, offset::CURRENT_COUNT, offset::DIVIDE, offset::ISR, offset::TMR, offset::IRR] {
        assert_eq!(apic.read(zero, NOW), 0, "{zero:#x}");
    }
    assert_eq!(apic.read(offset::DFR, NOW), u32::MAX);
    assert_eq!(apic.read(offset::SVR, NOW), 0xff);
    for lvt in (offset::LVT_TIMER..=offset::LVT_ERROR).step_by(16) {
        assert_eq!(apic.read(lvt, NOW), 1 << 16, "{lvt:#x}");
    }
}

#[test]
fn init_keeps_the_mode_and_reset_does_not() {
    let mut apic = x2apic(2);
    apic.accept(0x90, false);
    apic.init_reset();
    assert_eq!((apic.mode(), apic.highest_pending(), apic.id()), (Mode::X2Apic, None, 2));
    assert_eq!(apic.read_msr(0x80f, NOW), Ok(0xff));
    assert_eq!(apic.read_msr(0x80d, NOW), Ok(4), "the x2APIC LDR follows from the ID");
    apic.reset();
    assert_eq!(apic.mode(), Mode::XApic);
}
