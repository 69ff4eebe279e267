//! Property: level pins agree with a naive model, and every asserted, unmasked level is in flight.

use std::vec::Vec;

use proptest::prelude::*;

use super::{Fired, IoApic, LEVEL, MASKED, REMOTE_IRR, entry, write, write_entry};

/// Few pins and vectors, so that they collide.
const PINS: u8 = 4;

#[derive(Clone, Copy, Default)]
struct Pin {
    low: u32,
    line: bool,
    remote_irr: bool,
}

impl Pin {
    fn is_level(self) -> bool {
        self.low & LEVEL != 0
    }

    fn fires(&mut self) -> bool {
        let fires = self.is_level() && self.low & MASKED == 0 && self.line && !self.remote_irr;
        self.remote_irr |= fires;
        fires
    }
}

#[derive(Clone, Debug)]
enum Step {
    Line(u8, bool),
    Entry(u8, u32),
    High(u8, u32),
    Eoi(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let low = (0..3_u32, any::<bool>(), any::<bool>())
        .prop_map(|(n, level, mask)| (0x30 + n) | if level { LEVEL } else { 0 } | if mask { MASKED } else { 0 });
    prop_oneof![
        4 => (0..PINS, any::<bool>()).prop_map(|(pin, line)| Step::Line(pin, line)),
        3 => (0..PINS, low).prop_map(|(pin, low)| Step::Entry(pin, low)),
        1 => (0..PINS, any::<u32>()).prop_map(|(pin, high)| Step::High(pin, high)),
        3 => (0x30..0x33_u8).prop_map(Step::Eoi),
    ]
}

fn expect(model: &mut [Pin], step: &Step) -> Vec<u8> {
    match *step {
        Step::Line(index, line) => {
            let pin = &mut model[usize::from(index)];
            let rises = line && !pin.line;
            pin.line = line;
            let edge = rises && !pin.is_level() && pin.low & MASKED == 0;
            if edge || pin.fires() { std::vec![index] } else { Vec::new() }
        }
        Step::Entry(index, low) => {
            let pin = &mut model[usize::from(index)];
            pin.low = low;
            pin.remote_irr &= pin.is_level();
            if pin.fires() { std::vec![index] } else { Vec::new() }
        }
        Step::High(index, _) => {
            if model[usize::from(index)].fires() {
                std::vec![index]
            } else {
                Vec::new()
            }
        }
        Step::Eoi(vector) => (0..PINS).filter(|index| ends(&mut model[usize::from(*index)], vector)).collect(),
    }
}

fn ends(pin: &mut Pin, vector: u8) -> bool {
    if !pin.remote_irr || pin.low & 0xff != u32::from(vector) {
        return false;
    }
    pin.remote_irr = false;
    pin.fires()
}

fn apply(io_apic: &mut IoApic, step: &Step) -> Vec<u8> {
    match *step {
        Step::Line(pin, line) => io_apic.set_line(pin, line).map(|_| pin).into_iter().collect(),
        Step::Entry(pin, low) => write_entry(io_apic, pin, low).collect(),
        Step::High(pin, high) => write(io_apic, 0x11 + 2 * pin, high).collect(),
        Step::Eoi(vector) => io_apic.eoi(vector).collect(),
    }
}

proptest! {
    #[test]
    fn agrees_with_a_naive_model(steps in prop::collection::vec(step(), 1..200)) {
        let mut io_apic = IoApic::new();
        let mut model = [Pin { low: MASKED, ..Pin::default() }; PINS as usize];
        for step in steps {
            prop_assert_eq!(apply(&mut io_apic, &step), expect(&mut model, &step), "{:?}", step);
            for (index, pin) in (0..).zip(model) {
                prop_assert_eq!(entry(&mut io_apic, index) & REMOTE_IRR != 0, pin.remote_irr);
            }
        }
    }

    #[test]
    fn any_access_is_harmless(accesses in prop::collection::vec((0..0x60_u16, any::<u32>(), any::<u8>(), any::<bool>()), 1..200)) {
        let mut io_apic = IoApic::new();
        for (offset, value, pin, line) in accesses {
            let fired = io_apic.write(offset, value);
            prop_assert!(fired == Fired::NONE || fired.into_iter().all(|pin| io_apic.message(pin).is_some()));
            io_apic.read(offset);
            let _ = io_apic.set_line(pin, line);
            io_apic.not_accepted(pin);
        }
    }
}
