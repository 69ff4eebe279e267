//! Entries of the processor's page tables (Intel SDM vol. 3A, 4.5; AMD APM vol. 2, 5.4).

use phalanx_arch_api::Hpa;

/// The entry is in use.
pub(super) const PRESENT: u64 = 1 << 0;
/// Writes are allowed.
pub(super) const WRITABLE: u64 = 1 << 1;
/// User mode may use the page.
pub(super) const USER: u64 = 1 << 2;
/// With [`CACHE_DISABLE`]: entry 3 of the PAT, uncached.
const WRITE_THROUGH: u64 = 1 << 3;
/// See [`WRITE_THROUGH`].
const CACHE_DISABLE: u64 = 1 << 4;
/// Set in advance, so that the processor does not have to write to the tables.
const ACCESSED: u64 = 1 << 5;
/// Set in advance, as [`ACCESSED`].
const DIRTY: u64 = 1 << 6;
/// A leaf of 2 MiB or 1 GiB.
pub(super) const LARGE: u64 = 1 << 7;
/// The translation survives a change of CR3.
const GLOBAL: u64 = 1 << 8;
/// Instruction fetches are not allowed.
pub(super) const NO_EXECUTE: u64 = 1 << 63;
/// The frame's address.
const ADDRESS: u64 = 0x000f_ffff_ffff_f000;

/// What the kernel may do with a page. There is no writable and executable one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Constants, firmware's tables.
    ReadOnly,
    /// Data and free RAM.
    ReadWrite,
    /// Code.
    ReadExecute,
    /// Registers of a device: read and written, never cached.
    Device,
}

impl Access {
    const fn bits(self) -> u64 {
        match self {
            Self::ReadOnly => NO_EXECUTE,
            Self::ReadWrite => NO_EXECUTE | WRITABLE,
            Self::ReadExecute => 0,
            Self::Device => NO_EXECUTE | WRITABLE | CACHE_DISABLE | WRITE_THROUGH,
        }
    }
}

/// A leaf for the page at `frame`; `large` for 2 MiB and 1 GiB.
pub(super) const fn leaf(frame: Hpa, access: Access, large: bool) -> u64 {
    let size = if large { LARGE } else { 0 };
    frame.as_u64() & ADDRESS | PRESENT | ACCESSED | DIRTY | GLOBAL | size | access.bits()
}

/// An entry that refers to the table at `frame`; rights are left to the leaves.
pub(super) const fn table(frame: Hpa) -> u64 {
    frame.as_u64() & ADDRESS | PRESENT | WRITABLE | ACCESSED
}

/// The frame that a present entry of either kind refers to.
pub(super) const fn frame(entry: u64) -> Hpa {
    Hpa::new(entry & ADDRESS)
}

/// Whether a present entry at `level` (4 = root) is a leaf.
pub(super) const fn is_leaf(entry: u64, level: u32) -> bool {
    level == 1 || (level < 4 && entry & LARGE != 0)
}
