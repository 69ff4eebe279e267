//! Return addresses, found by following frame pointers.
//!
//! A frame is believed only where it lies wholly within a stack that is known to be mapped, and its return address only
//! where it is within the kernel's code: a damaged stack ends the list early, it does not fault.

use core::fmt::{self, Write};

use super::known::{is_code, read_stack};

/// Frames that are followed at most.
const DEPTH: usize = 64;

/// Prints `rip` and the return addresses that the frame at `rbp` leads to; a recursion is one line.
pub(super) fn print(out: &mut dyn Write, rip: u64, rbp: u64) -> fmt::Result {
    writeln!(out, "  backtrace:")?;
    writeln!(out, "    {rip:016x}")?;
    let mut addresses = return_addresses(rbp, read_stack, is_code).peekable();
    while let Some(address) = addresses.next() {
        let mut times = 1;
        while addresses.next_if_eq(&address).is_some() {
            times += 1;
        }
        match times {
            1 => writeln!(out, "    {address:016x}")?,
            _ => writeln!(out, "    {address:016x} ({times} times)")?,
        }
    }
    Ok(())
}

/// Follows the frames from `rbp`: each holds its caller's frame pointer and the return address, as `read` gives them.
fn return_addresses(
    mut rbp: u64,
    read: impl Fn(u64) -> Option<[u64; 2]>,
    is_code: impl Fn(u64) -> bool,
) -> impl Iterator<Item = u64> {
    core::iter::from_fn(move || {
        let [caller, address] = read(rbp)?;
        rbp = if caller == rbp { 0 } else { caller };
        is_code(address).then_some(address)
    })
    .take(DEPTH)
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::vec::Vec;

    use super::*;

    /// A stack at address 0x1000 and code from 0x8000 up.
    fn addresses(words: &[u64], rbp: u64) -> Vec<u64> {
        let read = |address: u64| {
            let index = usize::try_from(address.checked_sub(0x1000)? / 8).ok()?;
            Some([*words.get(index)?, *words.get(index + 1)?])
        };
        return_addresses(rbp, read, |address| address >= 0x8000).collect()
    }

    #[test]
    fn frames_are_followed_to_the_end() {
        let stack = [0, 0, 0x1030, 0x8001, 0, 0, 0, 0x8002];
        assert_eq!(addresses(&stack, 0x1010), [0x8001, 0x8002]);
    }

    #[test]
    fn damaged_frames_end_the_list() {
        assert_eq!(addresses(&[0x1000, 0x8001], 0x1000), [0x8001], "a frame that is its own caller");
        assert_eq!(addresses(&[0x1000, 0x7000], 0x1000), [0; 0], "a return address outside of the code");
        assert_eq!(addresses(&[1, 0x8001], 0x9999), [0; 0], "a frame outside of the stack");
        assert_eq!(addresses(&[0x1010, 0x8001, 0x1000, 0x8002], 0x1000).len(), DEPTH, "a cycle");
    }
}
