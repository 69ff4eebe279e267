//! The consoles of a system without a service domain: a UART model a domain, one physical line for all.

mod mux;
mod ns16550;
mod pl011;

use core::fmt;

use arrayvec::ArrayVec;
use mux::Mux;
pub use mux::Output;
pub(crate) use ns16550::{Ns16550, offset as ns16550_offset};
pub(crate) use pl011::{Pl011, offset as pl011_offset};
use spin::Mutex;

/// The key that gives the input to the next domain: Ctrl-T.
const SWITCH_KEY: u8 = 0x14;
/// Bytes that were typed and that their domains' FIFOs had no room for yet.
const TYPED_AHEAD: usize = 4096;

/// Bytes that are fetched at a time: a line that never falls silent must not keep a CPU.
const POLL: usize = 256;

/// What a write to a UART asks its owner to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Effect {
    /// Nothing.
    None,
    /// Send this byte out.
    Transmit(u8),
}

/// What every UART model does, whatever its registers are.
pub(crate) trait Model {
    /// Puts it into the state after reset.
    fn reset(&mut self);

    /// Takes a byte from the line. `false` where the FIFO is full and the byte was not taken.
    #[must_use]
    fn receive(&mut self, byte: u8) -> bool;

    /// Whether everything that was received has been read.
    fn is_drained(&self) -> bool;

    /// The level of the interrupt line.
    fn interrupt(&self) -> bool;
}

/// How much of what was typed a poll has fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Typed {
    /// All of it.
    All,
    /// There is more: poll again.
    More,
}

/// A domain's place on the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PortId(usize);

/// The machine's console.
pub struct Console {
    line: Mutex<Line>,
}

struct Line {
    mux: Mux,
    typed: ArrayVec<Key, TYPED_AHEAD>,
}

/// A byte that was typed.
#[derive(Clone, Copy, Debug)]
struct Key {
    /// The port that had the input then.
    port: u8,
    byte: u8,
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

    /// Fetches what was typed, at most [`POLL`] bytes; [`Typed::More`] where that was not all. The line must be emptied,
    /// or its interrupt never comes again.
    pub(crate) fn poll(&self) -> Typed {
        let mut line = self.line.lock();
        for _ in 0..POLL {
            match line.mux.read() {
                Some(SWITCH_KEY) => line.mux.switch(),
                Some(byte) => line.store(byte),
                None => return Typed::All,
            }
        }
        Typed::More
    }

    /// Moves what was typed for `port` into its UART, as far as there is room.
    pub(crate) fn feed(&self, port: PortId, uart: &mut impl Model) {
        self.line.lock().typed.retain(|key| usize::from(key.port) != port.0 || !uart.receive(key.byte));
    }

    /// Forgets what was typed for `port`: the guest that it was meant for is gone.
    pub(crate) fn forget(&self, port: PortId) {
        self.line.lock().typed.retain(|key| usize::from(key.port) != port.0);
    }
}

impl Line {
    /// Keeps a byte for the domain with the input. Where there is no room, it takes the place of the oldest byte for a
    /// domain that does not read, or is lost.
    fn store(&mut self, byte: u8) {
        // There are at most `MAX_DOMAINS` ports.
        let port = self.mux.focus() as u8;
        if self.typed.is_full()
            && let Some(oldest) = self.typed.iter().position(|key| key.port != port)
        {
            self.typed.remove(oldest);
        }
        let _ = self.typed.try_push(Key { port, byte });
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
