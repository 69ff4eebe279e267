//! The consoles of a system without a service domain: a UART model a domain, one physical line for all.

mod mux;
mod ns16550;

use core::fmt;

use arrayvec::ArrayVec;
pub use mux::Output;
use mux::Mux;
pub(crate) use ns16550::{Effect, Ns16550};
use spin::Mutex;

/// The key that gives the input to the next domain: Ctrl-T.
const SWITCH_KEY: u8 = 0x14;
/// Bytes that were typed and that the domain's FIFO had no room for yet.
const TYPED_AHEAD: usize = 4096;

/// A domain's place on the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PortId(usize);

/// The machine's console.
pub struct Console {
    line: Mutex<Line>,
}

struct Line {
    mux: Mux,
    typed: ArrayVec<u8, TYPED_AHEAD>,
}

impl Console {
    /// The console on a physical line.
    #[must_use]
    pub const fn new(output: &'static dyn Output) -> Self {
        Self { line: Mutex::new(Line { mux: Mux::new(output), typed: ArrayVec::new_const() }) }
    }

    /// Adds a domain.
    pub(crate) fn add(&self, name: &'static str) -> Option<PortId> {
        self.line.lock().mux.add(name).map(PortId)
    }

    /// Writes a line of the hypervisor itself; `text` ends with a newline.
    pub fn note(&self, text: fmt::Arguments<'_>) {
        let mut buffer = ArrayVec::<u8, 512>::new();
        // A note that is too long is cut, which is better than none.
        let _ = fmt::write(&mut Cut(&mut buffer), text);
        if buffer.last() != Some(&b'\n') {
            if buffer.is_full() {
                buffer.pop();
            }
            buffer.push(b'\n');
        }
        self.line.lock().mux.note(&buffer);
    }

    /// A byte from a domain.
    pub(crate) fn transmit(&self, port: PortId, byte: u8) {
        self.line.lock().mux.write(port.0, byte);
    }

    /// Fetches what was typed, and returns the port that it is for.
    pub(crate) fn poll(&self) -> PortId {
        let mut line = self.line.lock();
        let line = &mut *line;
        while !line.typed.is_full() {
            match line.mux.read() {
                Some(SWITCH_KEY) => line.mux.switch(),
                Some(byte) => line.typed.push(byte),
                None => break,
            }
        }
        PortId(line.mux.focus())
    }

    /// Moves typed bytes into the UART of the domain at `port` if the input is there.
    pub(crate) fn feed(&self, port: PortId, uart: &mut Ns16550) {
        let mut line = self.line.lock();
        if line.mux.focus() != port.0 {
            return;
        }
        let taken = line.typed.iter().take_while(|byte| uart.receive(**byte)).count();
        line.typed.drain(..taken);
    }
}

/// Writes until the buffer is full.
struct Cut<'a>(&'a mut ArrayVec<u8, 512>);

impl fmt::Write for Cut<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = self.0.remaining_capacity().min(text.len());
        let (fits, _) = text.as_bytes().split_at(room);
        self.0.try_extend_from_slice(fits).map_err(|_| fmt::Error)
    }
}
