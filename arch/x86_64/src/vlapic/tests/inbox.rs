//! The inbox: what comes out, when a kick is due, and nothing lost under concurrency.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use super::{LocalApic, enabled};
use crate::vlapic::{Delivery, Inbox, Signals};

#[test]
fn the_first_post_needs_a_kick() {
    let inbox = Inbox::new(0);
    let mut apic = enabled();
    assert!(inbox.is_empty());
    assert!(inbox.post(0x40, false));
    assert!(!inbox.post(0x41, true));
    assert!(!inbox.deliver(Delivery::Nmi));
    assert_eq!(inbox.drain_into(&mut apic), Signals { nmi: true, init: false, sipi: None });
    assert!(inbox.is_empty());
    assert_eq!(apic.ack_interrupt(), Some(0x41));
    assert_eq!(apic.eoi(), crate::vlapic::Effect::EoiBroadcast { vector: 0x41 });
    assert_eq!(apic.ack_interrupt(), Some(0x40));
    assert_eq!(inbox.drain_into(&mut apic), Signals::NONE);
    assert!(inbox.post(0x42, false));
}

#[test]
fn every_vector_arrives_with_its_trigger_mode() {
    for vector in 16..=255 {
        for level in [false, true] {
            let inbox = Inbox::new(0);
            let mut apic = enabled();
            assert!(inbox.post(vector, level));
            assert_eq!(inbox.drain_into(&mut apic), Signals::NONE);
            assert_eq!(apic.ack_interrupt(), Some(vector));
            assert_eq!(apic.eoi() != crate::vlapic::Effect::None, level);
        }
    }
}

#[test]
fn init_and_start_up_keep_their_order() {
    let startup = |vector| Delivery::Startup { vector };
    let cases: [(&[Delivery], bool, Option<u8>); 5] = [
        (&[Delivery::Init, startup(0x9a), startup(0x9a)], true, Some(0x9a)),
        (&[startup(0x9a), Delivery::Init], true, None),
        (&[startup(1), startup(2)], false, Some(1)),
        (&[Delivery::Init, startup(1), Delivery::Init], true, None),
        (&[startup(0)], false, Some(0)),
    ];
    for (posts, init, sipi) in cases {
        let inbox = Inbox::new(0);
        for (n, post) in posts.iter().enumerate() {
            assert_eq!(inbox.deliver(*post), n == 0);
        }
        assert_eq!(inbox.drain_into(&mut enabled()), Signals { nmi: false, init, sipi });
        assert_eq!(inbox.drain_into(&mut enabled()), Signals::NONE);
    }
}

#[test]
fn what_has_no_receiver_is_dropped() {
    let inbox = Inbox::new(0);
    assert!(!inbox.deliver(Delivery::Smi));
    assert!(!inbox.deliver(Delivery::ExtInt));
    assert!(inbox.is_empty());
}

#[test]
fn clear_forgets_everything() {
    let inbox = Inbox::new(0);
    for delivery in [Delivery::Fixed { vector: 0x55, level: true }, Delivery::Nmi, Delivery::Init] {
        let _ = inbox.deliver(delivery);
    }
    inbox.clear();
    let mut apic = enabled();
    assert_eq!(inbox.drain_into(&mut apic), Signals::NONE);
    assert_eq!(apic.highest_pending(), None);
}

const SENDERS: u8 = 3;
const ROUNDS: u64 = 20_000;

/// Each sender posts its own vector and waits until the owner took it: a lost post or kick would stop the test.
#[test]
fn no_post_is_lost_between_threads() {
    let inbox = Inbox::new(0);
    let kicked = AtomicBool::new(false);
    let taken: [AtomicU64; SENDERS as usize] = [const { AtomicU64::new(0) }; SENDERS as usize];
    thread::scope(|scope| {
        for sender in 0..SENDERS {
            let (inbox, kicked, taken) = (&inbox, &kicked, &taken[usize::from(sender)]);
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    if inbox.post(vector_of(sender), sender == 0) {
                        kicked.store(true, Ordering::SeqCst);
                    }
                    while taken.load(Ordering::Acquire) == round {
                        thread::yield_now();
                    }
                }
            });
        }
        let mut apic = enabled();
        let finished = |n: &AtomicU64| n.load(Ordering::Relaxed) == ROUNDS;
        while !taken.iter().all(finished) {
            // The owner looks only when kicked, as a halted vCPU does.
            if kicked.swap(false, Ordering::SeqCst) {
                let _ = inbox.drain_into(&mut apic);
                count_all(&mut apic, &taken);
            } else {
                thread::yield_now();
            }
        }
    });
    assert!(inbox.is_empty());
}

fn vector_of(sender: u8) -> u8 {
    0x30 + 0x41 * sender
}

fn count_all(apic: &mut LocalApic, taken: &[AtomicU64; SENDERS as usize]) {
    while let Some(vector) = apic.ack_interrupt() {
        let sender = (0..SENDERS).find(|sender| vector_of(*sender) == vector).expect("a vector that was posted");
        assert_eq!(apic.eoi() != crate::vlapic::Effect::None, sender == 0, "trigger mode of {vector:#x}");
        taken[usize::from(sender)].fetch_add(1, Ordering::Release);
    }
}
