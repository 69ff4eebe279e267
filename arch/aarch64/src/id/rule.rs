//! How a field of the guest follows from the host's.
//!
//! Fields are four bits. Of most, a higher value is a superset of every lower one, as a number without sign or, where
//! 0b1111 is "not implemented", with one (Arm ARM, "Principles of the ID scheme for fields in ID registers"). So a
//! limit keeps a guest from what is newer than its rule.

use super::View;
use crate::gic::Version;

/// A field: its name in the manual, its lowest bit, its rule.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    #[cfg_attr(not(test), expect(dead_code, reason = "for whoever reads the table, and for tests"))]
    name: &'static str,
    low: u8,
    rule: Rule,
}

/// The rule of one field.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rule {
    /// The host's, but not above this number.
    UpTo(u8),
    /// The same of a number with sign.
    SignedUpTo(i8),
    /// The highest of these (ascending) that is not above the host's; zero where all are.
    OneOf(&'static [u8]),
    /// The host's.
    AsHost,
    /// One where the guest has a GICv3.
    GicRegisters,
    /// The size of a guest-physical address, in the encoding of PARange.
    AddressSize,
}

/// What passes of a register.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fields {
    /// All of it.
    Whole,
    /// These; all other fields are zero.
    These(&'static [Field]),
}

/// A field with a limit.
pub(super) const fn up_to(name: &'static str, low: u8, limit: u8) -> Field {
    Field { name, low, rule: Rule::UpTo(limit) }
}

/// A field with a limit, and with a sign.
pub(super) const fn signed_up_to(name: &'static str, low: u8, limit: i8) -> Field {
    Field { name, low, rule: Rule::SignedUpTo(limit) }
}

/// A field with another rule.
pub(super) const fn by(rule: Rule, name: &'static str, low: u8) -> Field {
    Field { name, low, rule }
}

impl Field {
    /// The lowest bit.
    pub(super) const fn low(self) -> u8 {
        self.low
    }

    #[cfg(test)]
    pub(super) const fn name(self) -> &'static str {
        self.name
    }

    #[cfg(test)]
    pub(super) const fn is_signed(self) -> bool {
        matches!(self.rule, Rule::SignedUpTo(_))
    }

    /// The guest's value, in place.
    fn apply(self, host: u64, view: View) -> u64 {
        u64::from(self.rule.apply((host >> self.low & 0xf) as u8, view)) << self.low
    }
}

impl Rule {
    fn apply(self, host: u8, view: View) -> u8 {
        match self {
            Self::UpTo(limit) => host.min(limit),
            Self::SignedUpTo(limit) => sign(host).min(limit).cast_unsigned() & 0xf,
            Self::OneOf(values) => values.iter().copied().rfind(|value| *value <= host).unwrap_or(0),
            Self::AsHost => host,
            Self::GicRegisters => host.min(u8::from(view.gic == Version::V3)),
            Self::AddressSize => host.min(address_size(view.address_bits)),
        }
    }
}

/// A number of four bits, sign-extended.
pub(super) const fn sign(field: u8) -> i8 {
    (field << 4).cast_signed() >> 4
}

/// The highest PARange whose size is not above so many bits.
const fn address_size(bits: u32) -> u8 {
    match bits {
        0..=35 => 0,
        36..=39 => 1,
        40..=41 => 2,
        42..=43 => 3,
        44..=47 => 4,
        _ => 5,
    }
}

/// The guest's value of a register.
pub(super) fn apply(fields: &Fields, host: u64, view: View) -> u64 {
    match fields {
        Fields::Whole => host,
        Fields::These(fields) => fields.iter().fold(0, |value, field| value | field.apply(host, view)),
    }
}
