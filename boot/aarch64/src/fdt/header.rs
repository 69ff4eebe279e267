//! The header and the blocks that it leads to (Devicetree Specification 0.4, sections 5.2 and 5.3).

use phalanx_arch_api::Hpa;
use phalanx_handoff::PhysRange;
use zerocopy::FromBytes;

use super::BadTree;
use super::cells::{take_cell, take_number};
use super::token::Tokens;

/// Bytes of the header.
pub const HEADER_BYTES: usize = 40;
/// Bytes that a tree may have (Linux's arm64 boot protocol).
pub const MAX_BYTES: usize = 2 << 20;

const MAGIC: u32 = 0xd00d_feed;
/// The version that is read here; every tool of the last twenty years writes it.
const VERSION: u32 = 17;

/// A device tree, whose blocks lie where its header says.
#[derive(Clone, Copy, Debug)]
pub struct Fdt<'a> {
    structure: &'a [u32],
    strings: &'a [u8],
    /// From the first reservation to the tree's end.
    reservations: &'a [u8],
}

/// The header's field at `offset`.
fn field(blob: &[u8], offset: usize) -> Option<u32> {
    blob.get(offset..).and_then(take_cell).map(|(value, _)| value)
}

/// How many bytes the tree has that begins with `header`.
///
/// # Errors
/// [`BadTree::Magic`], [`BadTree::Size`].
pub fn total_bytes(header: &[u8; HEADER_BYTES]) -> Result<usize, BadTree> {
    let magic = field(header, 0).unwrap_or(0);
    if magic != MAGIC {
        return Err(BadTree::Magic(magic));
    }
    let total = field(header, 4).unwrap_or(0);
    match usize::try_from(total) {
        Ok(bytes) if (HEADER_BYTES..=MAX_BYTES).contains(&bytes) => Ok(bytes),
        _ => Err(BadTree::Size(total)),
    }
}

impl<'a> Fdt<'a> {
    /// Finds the blocks of the tree at the start of `blob`, which must lie at a multiple of 4 bytes.
    ///
    /// # Errors
    /// [`BadTree`], but no [`BadTree::Structure`]: the structure is checked when it is read.
    pub fn new(blob: &'a [u8]) -> Result<Self, BadTree> {
        let header = blob.first_chunk().ok_or(BadTree::Block)?;
        let blob = blob.get(..total_bytes(header)?).ok_or(BadTree::Block)?;
        let (version, compatible) = (field(blob, 20).unwrap_or(0), field(blob, 24).unwrap_or(u32::MAX));
        if version < VERSION || compatible > VERSION {
            return Err(BadTree::Version(version));
        }
        let tree = Self {
            structure: block(blob, 8, Some(36)).and_then(words).ok_or(BadTree::Block)?,
            strings: block(blob, 12, Some(32)).ok_or(BadTree::Block)?,
            reservations: block(blob, 16, None).ok_or(BadTree::Block)?,
        };
        if tree.strings.last().is_some_and(|&byte| byte != 0) {
            return Err(BadTree::Block);
        }
        Ok(tree)
    }

    /// The structure block from its start.
    pub(super) fn tokens(&self) -> Tokens<'a> {
        Tokens::new(self.structure, self.strings)
    }

    /// Calls `reserved` with each entry of the memory reservation block that is not empty.
    ///
    /// # Errors
    /// [`BadTree::Block`] where the block has no end, or an entry passes the end of the address space.
    pub fn reservations(&self, mut reserved: impl FnMut(PhysRange)) -> Result<(), BadTree> {
        let mut rest = self.reservations;
        loop {
            let (start, after) = take_number(rest, 2).ok_or(BadTree::Block)?;
            let (bytes, after) = take_number(after, 2).ok_or(BadTree::Block)?;
            if start == 0 && bytes == 0 {
                return Ok(());
            }
            if bytes != 0 {
                reserved(PhysRange::new(Hpa::new(start), bytes).ok_or(BadTree::Block)?);
            }
            rest = after;
        }
    }
}

/// The block whose offset and size the header has at `offset_at` and `size_at`; to the tree's end without a size.
fn block(blob: &[u8], offset_at: usize, size_at: Option<usize>) -> Option<&[u8]> {
    let start = usize::try_from(field(blob, offset_at)?).ok()?;
    let block = blob.get(start..).filter(|_| start >= HEADER_BYTES)?;
    match size_at {
        None => Some(block),
        Some(at) => block.get(..usize::try_from(field(blob, at)?).ok()?),
    }
}

/// A block whose start and size must be multiples of 4 bytes.
fn words(block: &[u8]) -> Option<&[u32]> {
    <[u32]>::ref_from_bytes(block).ok()
}
