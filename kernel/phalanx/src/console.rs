//! The serial port: the kernel's own lines until the machine runs, and the line behind the domains' consoles then.

use core::fmt;

use phalanx_core::console::{Console, Output};
use spin::Mutex;

use crate::target::{Port, open};

/// `None` before the first line, and where there is no serial port.
static PORT: Mutex<Option<Port>> = Mutex::new(None);

/// The domains' consoles.
static SHARED: Console = Console::new(&SerialLine);

/// The port, as the core writes to it.
struct SerialLine;

impl Output for SerialLine {
    fn write(&self, byte: u8) {
        if let Some(uart) = PORT.lock().as_mut() {
            // A transmitter that stands still loses bytes instead of stopping the machine.
            let _ = uart.write(&[byte]);
        }
    }

    fn read(&self) -> Option<u8> {
        PORT.lock().as_mut()?.try_read()
    }
}

/// The domains' consoles.
pub(crate) fn shared() -> &'static Console {
    &SHARED
}

/// Lets the port interrupt when something is typed.
pub(crate) fn enable_input() {
    if let Some(uart) = PORT.lock().as_mut() {
        uart.enable_receive_interrupt();
    }
}

/// Prints formatted text. Used by [`println!`].
pub(crate) fn print(text: fmt::Arguments<'_>) {
    let mut port = PORT.lock();
    if port.is_none() {
        *port = open();
    }
    if let Some(uart) = port.as_mut() {
        // The port's `Write` never fails.
        let _ = fmt::Write::write_fmt(uart, text);
    }
}

/// Prints past the lock, whose holder may be the one that panicked.
pub(crate) fn print_emergency(text: fmt::Arguments<'_>) {
    if let Some(mut uart) = open() {
        // The port's `Write` never fails.
        let _ = fmt::Write::write_fmt(&mut uart, text);
        // Whoever takes the port over next empties its transmitter.
        let _ = uart.drain();
    }
}

/// Waits until everything is out, unless somebody holds the port: an emulator that is told to end does so at once.
pub(crate) fn drain() {
    if let Some(mut port) = PORT.try_lock()
        && let Some(uart) = port.as_mut()
    {
        // A transmitter that stands still does not keep the machine from its end.
        let _ = uart.drain();
    }
}

/// Prints one line.
macro_rules! println {
    ($($argument:tt)*) => {
        $crate::console::print(::core::format_args!("{}\n", ::core::format_args!($($argument)*)))
    };
}
pub(crate) use println;
