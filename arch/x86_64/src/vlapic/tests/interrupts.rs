//! Acceptance, priorities, acknowledge and EOI.

use super::{Effect, NOW, enabled, offset, write};

#[test]
fn an_accepted_interrupt_moves_from_irr_to_isr_and_out() {
    let mut apic = enabled();
    apic.accept(0x51, false);
    assert_eq!(apic.read(offset::IRR + 0x20, NOW), 1 << 0x11);
    assert_eq!(apic.pending_above_ppr(), Some(0x51));
    assert_eq!(apic.ack_interrupt(), Some(0x51));
    assert_eq!(apic.read(offset::IRR + 0x20, NOW), 0);
    assert_eq!(apic.read(offset::ISR + 0x20, NOW), 1 << 0x11);
    assert_eq!(apic.read(offset::PPR, NOW), 0x50);
    write(&mut apic, offset::EOI, 0);
    assert_eq!(apic.read(offset::ISR + 0x20, NOW), 0);
    assert_eq!(apic.read(offset::PPR, NOW), 0);
    assert_eq!(apic.ack_interrupt(), None);
}

#[test]
fn a_higher_class_nests_and_the_same_class_waits() {
    let mut apic = enabled();
    apic.accept(0x51, false);
    assert_eq!(apic.ack_interrupt(), Some(0x51));
    apic.accept(0x5f, false);
    assert_eq!(apic.pending_above_ppr(), None, "0x5f is of the class in service");
    assert_eq!(apic.highest_pending(), Some(0x5f));
    apic.accept(0x60, false);
    assert_eq!(apic.ack_interrupt(), Some(0x60));
    assert_eq!(apic.eoi(), Effect::None);
    assert_eq!(apic.pending_above_ppr(), None, "0x51 is still in service");
    assert_eq!(apic.eoi(), Effect::None);
    assert_eq!(apic.ack_interrupt(), Some(0x5f));
}

#[test]
fn the_same_vector_is_held_once_in_irr_and_once_in_isr() {
    let mut apic = enabled();
    apic.accept(0x40, false);
    assert_eq!(apic.ack_interrupt(), Some(0x40));
    apic.accept(0x40, false);
    apic.accept(0x40, false);
    assert_eq!(apic.ack_interrupt(), None);
    assert_eq!(apic.eoi(), Effect::None);
    assert_eq!(apic.ack_interrupt(), Some(0x40));
    assert_eq!(apic.eoi(), Effect::None);
    assert_eq!(apic.ack_interrupt(), None);
}

#[test]
fn the_tpr_holds_back_its_class_and_below() {
    let mut apic = enabled();
    write(&mut apic, offset::TPR, 0x5a);
    apic.accept(0x5f, false);
    assert_eq!(apic.pending_above_ppr(), None);
    assert!(apic.is_held_by_tpr());
    assert_eq!(apic.read(offset::PPR, NOW), 0x5a, "the PPR shows the sub-class of a TPR that rules");
    write(&mut apic, offset::TPR, 0x4f);
    assert_eq!(apic.pending_above_ppr(), Some(0x5f));
    write(&mut apic, offset::TPR, 0xff);
    apic.accept(0xff, false);
    assert_eq!(apic.pending_above_ppr(), None, "class 15 of the TPR holds back everything");
}

#[test]
fn cr8_is_the_class_of_the_tpr() {
    let mut apic = enabled();
    write(&mut apic, offset::TPR, 0x3c);
    assert_eq!(apic.cr8(), 3);
    apic.set_cr8(3);
    assert_eq!(apic.tpr(), 0x3c, "syncing an unchanged CR8 back keeps the sub-class");
    apic.set_cr8(0xa);
    assert_eq!((apic.tpr(), apic.ppr()), (0xa0, 0xa0));
}

#[test]
fn eoi_of_a_level_interrupt_is_broadcast_unless_suppressed() {
    let mut apic = enabled();
    apic.accept(0x35, true);
    assert_eq!(apic.read(offset::TMR + 0x10, NOW), 1 << 0x15);
    assert_eq!(apic.ack_interrupt(), Some(0x35));
    assert_eq!(apic.write(offset::EOI, 0, NOW), Effect::EoiBroadcast { vector: 0x35 });

    write(&mut apic, offset::SVR, 0x11ff);
    apic.accept(0x35, true);
    assert_eq!(apic.ack_interrupt(), Some(0x35));
    assert_eq!(apic.eoi(), Effect::None);

    apic.accept(0x35, false);
    assert_eq!(apic.read(offset::TMR + 0x10, NOW), 0, "an edge clears the TMR bit upon acceptance");
}

#[test]
fn eoi_with_nothing_in_service_changes_nothing() {
    let mut apic = enabled();
    apic.accept(0x80, true);
    assert_eq!(apic.eoi(), Effect::None);
    assert_eq!(apic.pending_above_ppr(), Some(0x80));
}

#[test]
fn a_software_disabled_apic_drops_new_interrupts_and_keeps_old_ones() {
    let mut apic = enabled();
    apic.accept(0x70, false);
    assert_eq!(apic.write(offset::SVR, 0xff, NOW), Effect::Reconfigured);
    apic.accept(0x71, false);
    assert_eq!(apic.ack_interrupt(), Some(0x70));
    assert_eq!(apic.eoi(), Effect::None);
    assert_eq!(apic.ack_interrupt(), None);
}
