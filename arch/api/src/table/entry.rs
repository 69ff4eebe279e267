//! What an entry means, whatever its format.

use crate::Hpa;

/// What may be done through a mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permissions {
    /// Loads.
    pub read: bool,
    /// Stores.
    pub write: bool,
    /// Instruction fetches.
    pub execute: bool,
}

impl Permissions {
    /// Read only.
    pub const R: Self = Self { read: true, write: false, execute: false };
    /// Read and write.
    pub const RW: Self = Self { read: true, write: true, execute: false };
    /// Read and execute.
    pub const RX: Self = Self { read: true, write: false, execute: true };
    /// Everything: what a guest's RAM has in the second level.
    pub const RWX: Self = Self { read: true, write: true, execute: true };

    /// Whether `self` grants everything that `other` grants.
    #[must_use]
    pub const fn covers(self, other: Self) -> bool {
        (self.read || !other.read) && (self.write || !other.write) && (self.execute || !other.execute)
    }
}

/// How the processor may cache what lies behind a mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryType {
    /// Cacheable, write-back: RAM.
    WriteBack,
    /// Uncached and strongly ordered: device registers.
    Uncached,
}

/// A decoded entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Translates nothing.
    Absent,
    /// Points to a table one level below.
    Table(Hpa),
    /// Translates.
    Leaf {
        /// Where the entry's first byte is.
        output: Hpa,
        /// What is allowed.
        permissions: Permissions,
        /// How it is cached.
        memory_type: MemoryType,
    },
}
