//! What an exit did to a guest: the record from which machines with different hardware are compared.

use core::fmt;

use crate::Gpa;

/// Whether every machine leaves the guest here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EffectKind {
    /// Every machine of this architecture does, however it virtualizes: such records are numbered.
    Step,
    /// Some do, and the others let the hardware do the same. It shows in the state of the next step.
    Aside,
}

/// The state with which a guest goes on after an exit was answered.
#[derive(Clone, Copy)]
pub struct Effect<'a> {
    /// What the guest did, in words of the architecture without spaces.
    pub cause: &'a dyn fmt::Display,
    /// Whether every machine records it.
    pub kind: EffectKind,
    /// Names and values of all registers that the guest can see. The same names in the same order each time.
    pub registers: &'a [(&'static str, u64)],
    /// What the guest asked the recorder for.
    pub mark: Option<EffectMark>,
}

/// What a guest asks the recorder for, by the arguments of a null hypercall (`phalanx_abi::effect`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EffectMark {
    /// The domain's RAM is to be hashed, without the page at this address.
    pub without: Gpa,
    /// This is the last record.
    pub last: bool,
}
