//! The serial line: what was sent, what somebody types and when.

use std::collections::VecDeque;

use phalanx_arch_api::Ticks;

use super::cpu::SERIAL_CPU;
use super::{World, world};

/// The line.
#[derive(Debug, Default)]
pub(crate) struct Serial {
    sent: Vec<u8>,
    /// Bytes that somebody will type, by ascending time.
    future: VecDeque<(Ticks, u8)>,
    /// Bytes that have arrived and that nobody has read.
    received: VecDeque<u8>,
}

impl Serial {
    /// When the next byte arrives.
    pub(crate) fn next_input(&self) -> Option<Ticks> {
        self.future.front().map(|(at, _)| *at)
    }
}

/// Sends a byte on the machine that this thread simulates.
pub fn serial_write(byte: u8) {
    world().serial.borrow_mut().sent.push(byte);
}

/// The oldest byte that has arrived on the machine that this thread simulates.
#[must_use]
pub fn serial_read() -> Option<u8> {
    world().serial.borrow_mut().received.pop_front()
}

impl World {
    /// All that was sent.
    #[must_use]
    pub fn screen(&self) -> String {
        String::from_utf8_lossy(&self.serial.borrow().sent).into_owned()
    }

    /// Somebody types these bytes at that time (or as soon as what was typed before has arrived).
    pub fn type_at(&self, at: Ticks, bytes: &[u8]) {
        let mut serial = self.serial.borrow_mut();
        let at = serial.future.back().map_or(at, |(last, _)| at.max(*last));
        serial.future.extend(bytes.iter().map(|byte| (at, *byte)));
    }

    /// The bytes arrive whose time has come. The interrupt is an edge: it comes when the line had nothing before.
    pub(crate) fn receive(&self) {
        let now = self.time();
        let mut serial = self.serial.borrow_mut();
        let Serial { future, received, .. } = &mut *serial;
        let rises = received.is_empty();
        while let Some((_, byte)) = future.pop_front_if(|(at, _)| *at <= now) {
            received.push_back(byte);
        }
        if rises && !received.is_empty() {
            self.cpus.borrow_mut()[SERIAL_CPU].interrupt_by_serial();
        }
    }
}
