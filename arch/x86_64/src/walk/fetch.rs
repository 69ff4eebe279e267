//! The code bytes at an instruction pointer: on one page, or on two that are translated apart.

use phalanx_arch_api::{GuestMemory, Gva, Unbacked, addr::FRAME_SIZE};

use super::{Access, AccessKind, Paging, WalkError, translate};
use crate::decode::MAX_INSTRUCTION_LENGTH;

/// Code bytes at the guest's instruction pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fetched {
    bytes: [u8; MAX_INSTRUCTION_LENGTH],
    length: usize,
    error: Option<WalkError>,
}

impl Fetched {
    /// What could be fetched: 15 bytes unless [`Self::error`] is set.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// Why the rest could not be fetched. It matters only where the bytes end inside the instruction.
    #[must_use]
    pub const fn error(&self) -> Option<WalkError> {
        self.error
    }
}

/// Fetches the 15 bytes from `address`, or as many as there are.
pub fn fetch<M: GuestMemory>(memory: &M, paging: &Paging, address: Gva, user: bool) -> Fetched {
    let access = Access { kind: AccessKind::Fetch, user, alignment_check: false };
    let mut bytes = [0; MAX_INSTRUCTION_LENGTH];
    let (first, second) = bytes.split_at_mut(bytes_on_page(address, MAX_INSTRUCTION_LENGTH));
    let first_length = first.len();
    let fetched = read_page(memory, paging, address, access, first).map_err(|error| (0, error));
    let fetched = fetched.and_then(|()| {
        let next = Gva::new(address.as_u64().wrapping_add(first_length as u64));
        let rest = if second.is_empty() { Ok(()) } else { read_page(memory, paging, next, access, second) };
        rest.map_err(|error| (first_length, error))
    });
    match fetched {
        Ok(()) => Fetched { bytes, length: MAX_INSTRUCTION_LENGTH, error: None },
        Err((length, error)) => Fetched { bytes, length, error: Some(error) },
    }
}

fn read_page<M: GuestMemory>(
    memory: &M,
    paging: &Paging,
    address: Gva,
    access: Access,
    buffer: &mut [u8],
) -> Result<(), WalkError> {
    let gpa = translate(memory, paging, address, access)?;
    memory.read(gpa, buffer).map_err(|Unbacked| WalkError::Unbacked(gpa))
}

/// How many of `length` bytes from `address` lie on its page.
fn bytes_on_page(address: Gva, length: usize) -> usize {
    let rest = FRAME_SIZE - address.page_offset();
    usize::try_from(rest).map_or(length, |rest| rest.min(length))
}
