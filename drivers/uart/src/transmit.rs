//! What all drivers share: a transmitter is waited for, but not for ever, and text becomes lines.

use core::fmt;

/// Looks at a status register before a send is given up. A full FIFO needs 1.4 ms; a look takes about 1 µs on real
/// hardware.
const SEND_LOOKS: u32 = 100_000;

/// The transmitter did not take the bytes in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransmitTimeout;

/// How long a transmitter is waited for.
#[derive(Debug, Default)]
pub(crate) struct Patience {
    /// The transmitter once ran into the bound: it gets one look a wait from now on, until it is ready again.
    stuck: bool,
}

impl Patience {
    /// Looks until `ready`.
    pub(crate) fn wait(&mut self, mut ready: impl FnMut() -> bool) -> Result<(), TransmitTimeout> {
        let looks = if self.stuck { 1 } else { SEND_LOOKS };
        for _ in 0..looks {
            if ready() {
                self.stuck = false;
                return Ok(());
            }
            core::hint::spin_loop();
        }
        self.stuck = true;
        Err(TransmitTimeout)
    }
}

/// Text for a terminal: a line feed is sent as carriage return and line feed.
///
/// A transmitter that is stuck loses the text: nobody could be told.
pub(crate) fn write_text(text: &str, mut send: impl FnMut(&[u8]) -> Result<(), TransmitTimeout>) -> fmt::Result {
    for line in text.split_inclusive('\n') {
        let sent = match line.strip_suffix('\n') {
            Some(line) => send(line.as_bytes()).and_then(|()| send(b"\r\n")),
            None => send(line.as_bytes()),
        };
        if sent.is_err() {
            break;
        }
    }
    Ok(())
}
