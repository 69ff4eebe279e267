//! Fault status codes: DFSC and IFSC, bits 5 to 0 of an abort's syndrome (Arm ARM, D24.2.40).

/// A fault status code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault(u8);

/// What kind of fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultClass {
    /// An output address beyond the configured size.
    AddressSize,
    /// No valid descriptor: in stage 2, nothing is there.
    Translation,
    /// The access flag is clear.
    AccessFlag,
    /// The descriptor does not allow the access.
    Permission,
    /// A synchronous external abort: what was reached answered with an error.
    External,
    /// The same on a table walk.
    ExternalOnWalk,
    /// A synchronous parity or ECC error.
    Parity,
    /// The same on a table walk.
    ParityOnWalk,
    /// A tag check.
    TagCheck,
    /// Misaligned.
    Alignment,
    /// The granule belongs to another physical address space.
    GranuleProtection,
    /// Two TLB entries match.
    TlbConflict,
    /// A descriptor had to be updated where that is not possible.
    HardwareUpdate,
    /// Implementation-defined: lockdown.
    Lockdown,
    /// Implementation-defined: an exclusive or atomic access that the memory does not support.
    UnsupportedExclusive,
    /// A code without a name here.
    Unknown,
}

impl Fault {
    #[inline(always)]
    pub(super) const fn new(iss: u32) -> Self {
        Self((iss & 0x3f) as u8)
    }

    /// The code as the processor gave it.
    #[must_use]
    pub const fn code(self) -> u8 {
        self.0
    }

    /// Its kind.
    #[inline(always)]
    #[must_use]
    pub const fn class(self) -> FaultClass {
        match self.0 {
            0x00..=0x03 | 0x29 | 0x2c => FaultClass::AddressSize,
            0x04..=0x07 | 0x2a | 0x2b => FaultClass::Translation,
            0x08..=0x0b => FaultClass::AccessFlag,
            0x0c..=0x0f => FaultClass::Permission,
            0x10 => FaultClass::External,
            0x11 => FaultClass::TagCheck,
            0x12..=0x17 => FaultClass::ExternalOnWalk,
            0x18 => FaultClass::Parity,
            0x1b..=0x1f => FaultClass::ParityOnWalk,
            0x21 => FaultClass::Alignment,
            0x22..=0x28 => FaultClass::GranuleProtection,
            0x30 => FaultClass::TlbConflict,
            0x31 => FaultClass::HardwareUpdate,
            0x34 => FaultClass::Lockdown,
            0x35 => FaultClass::UnsupportedExclusive,
            _ => FaultClass::Unknown,
        }
    }

    /// The level of the walk, as Arm counts: 3 has the pages.
    #[must_use]
    pub const fn level(self) -> Option<i8> {
        match self.0 {
            0x00..=0x0f | 0x14..=0x17 | 0x1c..=0x1f | 0x24..=0x27 => Some((self.0 & 3).cast_signed()),
            0x13 | 0x1b | 0x23 | 0x29 | 0x2b => Some(-1),
            0x12 | 0x22 | 0x2a | 0x2c => Some(-2),
            _ => None,
        }
    }
}
