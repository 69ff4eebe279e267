//! Keys from the user's terminal to the machine, and the key that leaves.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::emulator::child::Keyboard;

/// Ctrl-], as telnet has it.
const LEAVE: u8 = 0x1d;

/// The reminder that is shown when a session starts.
pub(crate) const HINT: &str = "Ctrl-] leaves, Ctrl-T switches to the next console";

/// Copies keys to `machine` until Ctrl-], then raises `leave`. The thread ends with the process.
pub(crate) fn connect(mut machine: Keyboard, leave: Arc<AtomicBool>) {
    std::thread::spawn(move || {
        let mut keys = [0; 256];
        loop {
            let count = match io::stdin().read(&mut keys) {
                Ok(0) | Err(_) => break,
                Ok(count) => count,
            };
            let (typed, left) = split(&keys[..count]);
            if machine.write_all(typed).and_then(|()| machine.flush()).is_err() || left {
                break;
            }
        }
        leave.store(true, Ordering::Relaxed);
    });
}

/// The keys before the leaving key, and whether it was among them.
fn split(keys: &[u8]) -> (&[u8], bool) {
    match keys.iter().position(|key| *key == LEAVE) {
        Some(at) => (&keys[..at], true),
        None => (keys, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_before_the_leaving_key_still_count() {
        assert_eq!(split(b"ls\r"), (&b"ls\r"[..], false));
        assert_eq!(split(b"ab\x1dcd"), (&b"ab"[..], true));
    }
}
