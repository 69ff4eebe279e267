//! Property: the bitmaps and the cached vector behave like a naive model of sets.

use std::collections::{BTreeMap, BTreeSet};
use std::vec::Vec;

use proptest::prelude::*;

use super::{Effect, NOW, enabled, offset};

/// What the manual's prose says, without any caching.
#[derive(Default)]
struct Naive {
    irr: BTreeSet<u8>,
    isr: BTreeSet<u8>,
    level: BTreeMap<u8, bool>,
    tpr: u8,
}

impl Naive {
    fn ppr(&self) -> u8 {
        let in_service = self.isr.last().copied().unwrap_or(0);
        if self.tpr >> 4 >= in_service >> 4 { self.tpr } else { in_service & 0xf0 }
    }

    fn deliverable(&self) -> Option<u8> {
        self.irr.last().copied().filter(|vector| vector >> 4 > self.ppr() >> 4)
    }

    fn accept(&mut self, vector: u8, level: bool) {
        if vector >= 16 {
            self.irr.insert(vector);
            self.level.insert(vector, level);
        }
    }

    fn ack(&mut self) -> Option<u8> {
        let vector = self.deliverable()?;
        self.irr.remove(&vector);
        self.isr.insert(vector);
        Some(vector)
    }

    fn eoi(&mut self) -> Effect {
        match self.isr.pop_last() {
            Some(vector) if self.level[&vector] => Effect::EoiBroadcast { vector },
            _ => Effect::None,
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Accept(u8, bool),
    Ack,
    Eoi,
    Tpr(u8),
    Cr8(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (any::<u8>(), any::<bool>()).prop_map(|(vector, level)| Step::Accept(vector, level)),
        3 => Just(Step::Ack),
        3 => Just(Step::Eoi),
        1 => any::<u8>().prop_map(Step::Tpr),
        1 => (0..16_u8).prop_map(Step::Cr8),
    ]
}

fn registers(set: &BTreeSet<u8>) -> Vec<u32> {
    let mut words = std::vec![0; 8];
    for vector in set {
        words[usize::from(vector / 32)] |= 1_u32 << (vector % 32);
    }
    words
}

proptest! {
    #[test]
    fn agrees_with_sets(steps in prop::collection::vec(step(), 1..300)) {
        let mut apic = enabled();
        let mut naive = Naive::default();
        for step in steps {
            match step {
                Step::Accept(vector, level) => {
                    apic.accept(vector, level);
                    naive.accept(vector, level);
                }
                Step::Ack => prop_assert_eq!(apic.ack_interrupt(), naive.ack()),
                Step::Eoi => prop_assert_eq!(apic.eoi(), naive.eoi()),
                Step::Tpr(value) => {
                    apic.set_tpr(value);
                    naive.tpr = value;
                }
                Step::Cr8(value) => {
                    apic.set_cr8(value);
                    naive.tpr = if naive.tpr >> 4 == value { naive.tpr } else { value << 4 };
                }
            }
            prop_assert_eq!(apic.pending_above_ppr(), naive.deliverable());
            prop_assert_eq!(apic.highest_pending(), naive.irr.last().copied());
            let tpr = std::mem::take(&mut naive.tpr);
            let without_tpr = naive.deliverable();
            naive.tpr = tpr;
            let held = without_tpr.is_some() && naive.deliverable().is_none();
            prop_assert_eq!(apic.is_held_by_tpr(), held);
            prop_assert_eq!(apic.read(offset::PPR, NOW), u32::from(naive.ppr()));
        }
        let mut words = |base: u16| (0..8).map(|i| apic.read(base + 16 * i, NOW)).collect::<Vec<_>>();
        prop_assert_eq!(words(offset::IRR), registers(&naive.irr));
        prop_assert_eq!(words(offset::ISR), registers(&naive.isr));
        let level = naive.level.iter().filter(|(_, level)| **level).map(|(vector, _)| *vector).collect();
        prop_assert_eq!(words(offset::TMR), registers(&level));
    }
}
