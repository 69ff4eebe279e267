//! Aborts: accesses that stage 2 did not let through.
//!
//! Arm ARM, D24.2.40, "ISS encoding for an exception from a Data Abort" and "… from an Instruction Abort".

use core::fmt;

use phalanx_arch_api::AccessSize;

use super::{Fault, FaultClass};

/// ISV: the syndrome describes the load or store.
const VALID: u32 = 1 << 24;
/// SSE: sign-extend.
const SIGN_EXTEND: u32 = 1 << 21;
/// SF: a 64-bit register.
const WIDE: u32 = 1 << 15;
/// AR: acquire or release.
const ACQUIRE_RELEASE: u32 = 1 << 14;
/// FnV: FAR_EL2 is not valid.
const NO_ADDRESS: u32 = 1 << 10;
/// CM: cache maintenance or an address translation instruction.
const MAINTENANCE: u32 = 1 << 8;
/// S1PTW: on the walk of the guest's own tables.
const WALK: u32 = 1 << 7;
/// WnR: a write.
const WRITE: u32 = 1 << 6;

/// DFSC without its lowest bits, which are the level.
const STATUS: u32 = 0x3c;
/// DFSC: a translation fault at any level.
const TRANSLATION: u32 = 0x04;

/// The syndrome of a data abort.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct DataAbort(u32);

/// The load or store behind a data abort, where the processor describes it: one general register, no writeback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataAccess {
    /// Width.
    pub size: AccessSize,
    /// A load that extends the sign.
    pub sign_extend: bool,
    /// General register, 31 for XZR.
    pub register: u8,
    /// The register is 64 bits wide; of a narrower one the upper half becomes zero.
    pub wide: bool,
    /// A load-acquire or store-release.
    pub acquire_release: bool,
}

impl DataAbort {
    #[inline(always)]
    pub(super) const fn new(iss: u32) -> Self {
        Self(iss)
    }

    /// The load or store; `None` for pairs, vectors, writeback and other forms that the processor does not describe.
    #[inline(always)]
    #[must_use]
    pub const fn access(self) -> Option<DataAccess> {
        if self.0 & VALID == 0 {
            return None;
        }
        let size = match self.0 >> 22 & 3 {
            0 => AccessSize::B1,
            1 => AccessSize::B2,
            2 => AccessSize::B4,
            _ => AccessSize::B8,
        };
        Some(DataAccess {
            size,
            sign_extend: self.0 & SIGN_EXTEND != 0,
            register: (self.0 >> 16 & 0x1f) as u8,
            wide: self.0 & WIDE != 0,
            acquire_release: self.0 & ACQUIRE_RELEASE != 0,
        })
    }

    /// The load or store, where stage 2 translates nothing at its address: what a device can answer. One comparison.
    #[inline(always)]
    #[must_use]
    pub const fn device_access(self) -> Option<DataAccess> {
        if self.0 & (VALID | MAINTENANCE | WALK | STATUS) == VALID | TRANSLATION { self.access() } else { None }
    }

    /// A write. Cache maintenance counts as one; a table walk that updates an entry does too.
    #[inline(always)]
    #[must_use]
    pub const fn is_write(self) -> bool {
        self.0 & WRITE != 0
    }

    /// The processor was walking the guest's own tables: HPFAR_EL2 has the address of a table.
    #[inline(always)]
    #[must_use]
    pub const fn is_table_walk(self) -> bool {
        self.0 & WALK != 0
    }

    /// A cache maintenance or address translation instruction.
    #[inline(always)]
    #[must_use]
    pub const fn is_maintenance(self) -> bool {
        self.0 & MAINTENANCE != 0
    }

    /// What was wrong.
    #[inline(always)]
    #[must_use]
    pub const fn fault(self) -> Fault {
        Fault::new(self.0)
    }

    /// Whether FAR_EL2 holds the address.
    #[inline(always)]
    #[must_use]
    pub const fn has_address(self) -> bool {
        self.0 & NO_ADDRESS == 0
    }

    /// Whether HPFAR_EL2 holds the guest-physical address (Arm ARM, D24.2.56 "HPFAR_EL2").
    #[inline(always)]
    #[must_use]
    pub const fn has_guest_physical(self) -> bool {
        has_guest_physical(self.0)
    }
}

impl fmt::Debug for DataAbort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DataAbort({:#x})", self.0)
    }
}

/// The syndrome of an instruction abort.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct InstructionAbort(u32);

impl InstructionAbort {
    #[inline(always)]
    pub(super) const fn new(iss: u32) -> Self {
        Self(iss)
    }

    /// The processor was walking the guest's own tables.
    #[must_use]
    pub const fn is_table_walk(self) -> bool {
        self.0 & WALK != 0
    }

    /// What was wrong.
    #[must_use]
    pub const fn fault(self) -> Fault {
        Fault::new(self.0)
    }

    /// Whether FAR_EL2 holds the address.
    #[must_use]
    pub const fn has_address(self) -> bool {
        self.0 & NO_ADDRESS == 0
    }

    /// Whether HPFAR_EL2 holds the guest-physical address.
    #[must_use]
    pub const fn has_guest_physical(self) -> bool {
        has_guest_physical(self.0)
    }
}

impl fmt::Debug for InstructionAbort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InstructionAbort({:#x})", self.0)
    }
}

/// HPFAR_EL2 is written for translation, access flag and address size faults, and for any fault on a walk of the
/// guest's tables; after a permission fault of the access itself it is UNKNOWN.
#[inline(always)]
const fn has_guest_physical(iss: u32) -> bool {
    iss & WALK != 0
        || matches!(Fault::new(iss).class(), FaultClass::Translation | FaultClass::AccessFlag | FaultClass::AddressSize)
}
