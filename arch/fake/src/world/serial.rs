//! The serial line: what was sent, what somebody types and when.

use std::collections::VecDeque;

use phalanx_arch_api::Ticks;

use super::World;
use super::cpu::SERIAL_CPU;

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

impl World {
    /// Sends a byte.
    pub fn serial_write(&self, byte: u8) {
        self.serial.borrow_mut().sent.push(byte);
    }

    /// The oldest byte that has arrived.
    pub fn serial_read(&self) -> Option<u8> {
        self.serial.borrow_mut().received.pop_front()
    }

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
