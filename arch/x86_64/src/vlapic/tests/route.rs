//! Who gets a message.

use std::vec::Vec;

use super::{Effect, NOW, X2APIC_BASE, offset, x2apic};
use crate::vlapic::{Arbiter, Delivery, Destination, Inbox, LocalApic, MSR_APIC_BASE, Message, resolve};

const FIXED: Delivery = Delivery::Fixed { vector: 0x40, level: false };
const LOWEST: Delivery = Delivery::LowestPriority { vector: 0x40, level: false };

/// Software-enabled xAPICs with these logical IDs; `cluster` selects the model.
fn xapics(logical_ids: &[u32], cluster: bool) -> Vec<Inbox> {
    (0..).zip(logical_ids).map(|(id, logical)| xapic(id, *logical, cluster)).collect()
}

fn xapic(id: u32, logical: u32, cluster: bool) -> Inbox {
    let mut apic = LocalApic::new(id, id == 0);
    assert_eq!(apic.write(offset::DFR, if cluster { 0 } else { u32::MAX }, NOW), Effect::Reconfigured);
    assert_eq!(apic.write(offset::LDR, logical << 24, NOW), Effect::Reconfigured);
    assert_eq!(apic.write(offset::SVR, 0x1ff, NOW), Effect::Reconfigured);
    published(&apic)
}

fn published(apic: &LocalApic) -> Inbox {
    let inbox = Inbox::new(apic.id());
    inbox.publish(apic);
    inbox
}

fn targets(peers: &[Inbox], destination: Destination) -> u64 {
    resolve(&Message { destination, delivery: FIXED }, Some(1), peers, &Arbiter::new()).bits()
}

#[test]
fn physical_broadcast_and_shorthands() {
    let peers = xapics(&[1, 2, 4, 8], false);
    assert_eq!(targets(&peers, Destination::Physical(2)), 0b0100);
    assert_eq!(targets(&peers, Destination::Physical(9)), 0);
    assert_eq!(targets(&peers, Destination::Broadcast), 0b1111);
    assert_eq!(targets(&peers, Destination::AllButSender), 0b1101);
    assert_eq!(targets(&peers, Destination::Sender), 0b0010);
}

#[test]
fn a_physical_id_need_not_be_the_index() {
    let peers = [xapic(5, 0, false), xapic(0, 0, false)];
    assert_eq!(targets(&peers, Destination::Physical(5)), 0b01);
    assert_eq!(targets(&peers, Destination::Physical(0)), 0b10);
    assert_eq!(targets(&peers, Destination::Physical(1)), 0);
}

#[test]
fn the_flat_model_is_a_mask() {
    let peers = xapics(&[1, 2, 4, 0x80], false);
    assert_eq!(targets(&peers, Destination::Logical(0x85)), 0b1101);
    assert_eq!(targets(&peers, Destination::Logical(0x40)), 0);
    assert_eq!(targets(&peers, Destination::Logical(0x1_0001)), 0, "no 32-bit destination reaches an xAPIC");
}

#[test]
fn the_cluster_model_compares_the_cluster() {
    let peers = xapics(&[0x11, 0x12, 0x21, 0x28], true);
    assert_eq!(targets(&peers, Destination::Logical(0x13)), 0b0011);
    assert_eq!(targets(&peers, Destination::Logical(0x29)), 0b1100);
    assert_eq!(targets(&peers, Destination::Logical(0x31)), 0);
}

#[test]
fn the_x2apic_cluster_has_sixteen_members() {
    let peers: Vec<_> = [0, 1, 15, 16, 17].map(|id| published(&x2apic(id))).into_iter().collect();
    assert_eq!(targets(&peers, Destination::Logical(0x0000_8001)), 0b00101);
    assert_eq!(targets(&peers, Destination::Logical(0x0001_0003)), 0b11000);
    assert_eq!(targets(&peers, Destination::Physical(17)), 0b10000);
}

#[test]
fn mixed_modes_are_each_matched_in_their_own() {
    let peers = [published(&x2apic(0)), xapic(1, 1, false)];
    assert_eq!(targets(&peers, Destination::Logical(1)), 0b11);
    assert_eq!(targets(&peers, Destination::Broadcast), 0b11);
}

#[test]
fn a_globally_disabled_apic_gets_nothing() {
    let mut off = LocalApic::new(0, true);
    assert_eq!(off.write_msr(MSR_APIC_BASE, 0xfee0_0000, || NOW), Ok(Effect::Reconfigured));
    let peers = [published(&off), xapic(1, 1, false)];
    assert_eq!(targets(&peers, Destination::Physical(0)), 0);
    assert_eq!(targets(&peers, Destination::Broadcast), 0b10);
    assert_eq!(targets(&peers, Destination::Logical(0xff)), 0b10);
}

#[test]
fn an_unpublished_apic_has_its_power_up_address() {
    let peers = [Inbox::new(0), Inbox::new(1)];
    assert_eq!(targets(&peers, Destination::Physical(1)), 0b10, "INIT and SIPI reach an AP that never ran");
    assert_eq!(targets(&peers, Destination::AllButSender), 0b01);
    let mut apic = LocalApic::new(0, true);
    assert_eq!(AsRef::<super::super::ApicAddress>::as_ref(&peers[0]).load(), apic.address_view());
    assert_eq!(apic.write_msr(MSR_APIC_BASE, X2APIC_BASE | 0x100, || NOW), Ok(Effect::Reconfigured));
}

#[test]
fn lowest_priority_takes_turns_among_the_enabled() {
    let mut peers = xapics(&[1, 2, 4, 8], false);
    let mut asleep = LocalApic::new(2, false);
    assert_eq!(asleep.write(offset::LDR, 4 << 24, NOW), Effect::Reconfigured);
    peers[2] = published(&asleep);
    let arbiter = Arbiter::new();
    let message = Message { destination: Destination::Logical(0xff & !1), delivery: LOWEST };
    let turns: Vec<_> = (0..5).map(|_| resolve(&message, None, &peers, &arbiter).collect::<Vec<_>>()).collect();
    assert_eq!(turns, [[1], [3], [1], [3], [1]]);
    let nobody = Message { destination: Destination::Logical(4), delivery: LOWEST };
    assert!(resolve(&nobody, None, &peers, &arbiter).is_empty());
}

#[test]
fn sixty_four_peers_is_the_limit() {
    let peers: Vec<_> = (0..70).map(Inbox::new).collect();
    assert_eq!(targets(&peers, Destination::Broadcast), u64::MAX);
    assert_eq!(targets(&peers, Destination::Physical(63)), 1 << 63);
    assert_eq!(targets(&peers, Destination::Physical(64)), 0);
    let arbiter = Arbiter::new();
    let last = Message { destination: Destination::Physical(63), delivery: FIXED };
    assert_eq!(resolve(&last, Some(1000), &peers, &arbiter).collect::<Vec<_>>(), [63]);
}
