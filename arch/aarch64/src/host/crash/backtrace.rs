//! Return addresses, found by following frame records (AAPCS64, 6.4.6 "The Frame Pointer").
//!
//! A frame is believed only where it lies wholly within a stack that is known to be mapped, and its return address only
//! where it is within the kernel's code: a damaged stack ends the list early, it does not fault.

use core::fmt::{self, Write};

use super::known::{is_code, read_stack};

/// Frames that are followed at most.
const DEPTH: usize = 64;

/// Prints `pc` and the return addresses that the frame record at `fp` leads to; a recursion is one line.
pub(super) fn print(out: &mut dyn Write, pc: u64, fp: u64) -> fmt::Result {
    writeln!(out, "  backtrace:")?;
    writeln!(out, "    {pc:016x}")?;
    let mut addresses = return_addresses(fp, read_stack, is_code).peekable();
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

/// Follows the records from `fp`: each holds its caller's frame pointer and the return address, as `read` gives them.
fn return_addresses(
    mut fp: u64,
    read: impl Fn(u64) -> Option<[u64; 2]>,
    is_code: impl Fn(u64) -> bool,
) -> impl Iterator<Item = u64> {
    core::iter::from_fn(move || {
        let [caller, address] = read(fp)?;
        fp = if caller == fp { 0 } else { caller };
        is_code(address).then_some(address)
    })
    .take(DEPTH)
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    /// A stack at address 0x1000 and code from 0x8000 up.
    fn addresses(words: &[u64], fp: u64) -> Vec<u64> {
        let read = |address: u64| {
            let index = usize::try_from(address.checked_sub(0x1000)? / 8).ok()?;
            Some([*words.get(index)?, *words.get(index + 1)?])
        };
        return_addresses(fp, read, |address| address >= 0x8000).collect()
    }

    #[test]
    fn frames_are_followed_to_the_end() {
        let stack = [0, 0, 0x1030, 0x8004, 0, 0, 0, 0x8008];
        assert_eq!(addresses(&stack, 0x1010), [0x8004, 0x8008]);
    }

    #[test]
    fn damaged_frames_end_the_list() {
        assert_eq!(addresses(&[0x1000, 0x8004], 0x1000), [0x8004], "a frame that is its own caller");
        assert_eq!(addresses(&[0x1000, 0x7000], 0x1000), [0; 0], "a return address outside of the code");
        assert_eq!(addresses(&[1, 0x8004], 0x9999), [0; 0], "a frame outside of the stack");
        assert_eq!(addresses(&[0x1010, 0x8004, 0x1000, 0x8008], 0x1000).len(), DEPTH, "a cycle");
    }
}
