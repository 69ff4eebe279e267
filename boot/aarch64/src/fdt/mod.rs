//! Flattened device trees (Devicetree Specification 0.4, chapter 5).
//!
//! The published crates were weighed first (`fdt`, `fdt-raw`, `hermit-dtb`, `dtoolkit`). With one flipped bit the first
//! three panic, read past the end or see a shorter tree. `dtoolkit`, the best kept, checks trees in front, but refuses
//! property names of more than 31 bytes, and so more than half of the trees that Linux brings for arm64. And one walk
//! through the small tree of QEMU's `virt` board costs 150 000 to 300 000 instructions, as much as the whole way from
//! power-on to the first guest may. This reader needs a fifth of that at most, reads bytes and never text, has no way
//! to panic, and is compared with `dtoolkit` in its tests.
#![forbid(unsafe_code)]

mod address;
mod cells;
mod header;
mod interrupt;
mod token;
mod walk;

pub use header::{Fdt, HEADER_BYTES, MAX_BYTES, total_bytes};
pub use interrupt::Interrupt;
pub use walk::{MAX_DEPTH, Node, Path};

pub(crate) use address::{registers, translated};
pub(crate) use cells::{number, strings};
pub(crate) use interrupt::{interrupts, specifier_cells};

use core::fmt;

/// Why a device tree cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadTree {
    /// It does not begin with its magic number; this was there.
    Magic(u32),
    /// Its header says that it has this many bytes, which is not possible.
    Size(u32),
    /// It can only be read by programs for a later version than 17, or was made for an earlier one.
    Version(u32),
    /// A block lies outside the tree.
    Block,
    /// The structure block is damaged, this many bytes from its start.
    Structure(usize),
}

impl fmt::Display for BadTree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Magic(magic) => write!(f, "it begins with {magic:#010x} and not with its magic number"),
            Self::Size(bytes) => write!(f, "its header gives a size of {bytes} bytes"),
            Self::Version(version) => write!(f, "it has version {version}; version 17 is needed"),
            Self::Block => f.write_str("its header points outside of it"),
            Self::Structure(offset) => write!(f, "its structure is damaged at byte {offset}"),
        }
    }
}

#[cfg(test)]
mod tests;
