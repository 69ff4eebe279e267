//! Identification registers: what a guest sees of its processor.
//!
//! | file | what |
//! |---|---|
//! | `register` | the registers, and where the host's come from |
//! | `rule` | how a field of the guest follows from the host's |
//! | `policy` | the rules, field by field |
//!
//! [`IdRegisters`] is built once a domain; a trapped read (HCR_EL2.TID3) is a lookup. A field passes if the guest can
//! use the feature without help, or with help that Phalanx gives. Every other field is zero, and so is every register
//! in the identification space without a rule, allocated or not: SVE, SME, MTE, RAS, MPAM, performance and activity
//! monitors, profiling, trace, EL2 and EL3, nested virtualization, realms, guarded control stacks, and whatever is
//! invented next.
#![deny(unsafe_code)]
#![deny(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation
)]

mod policy;
mod register;
mod rule;
#[cfg(test)]
pub(crate) mod tests;

pub use register::{HostIdRegisters, IdRegister};

use rule::Field;

use crate::gic::Version;
use crate::stage2;
use crate::sysreg::{DebugFeatures, SysReg};

/// Registers in the identification space: CRm 0 to 7, Op2 0 to 7.
const REGISTERS: usize = 64;

/// What of the machine, besides its processor, shows in the registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct View {
    /// Bits of a guest-physical address: the guest's "physical address size" is not above it.
    pub(crate) address_bits: u32,
    /// The interrupt controller that the guest has.
    pub(crate) gic: Version,
}

/// The identification registers of a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdRegisters {
    values: [u64; REGISTERS],
    debug: DebugFeatures,
    gic_registers: bool,
}

impl IdRegisters {
    /// The registers of a guest on this host, with that interrupt controller and stage 2 as it is set up.
    #[must_use]
    pub fn new(host: &impl HostIdRegisters, gic: Version) -> Self {
        Self::of_view(host, View { address_bits: stage2::geometry().bits(), gic })
    }

    pub(crate) fn of_view(host: &impl HostIdRegisters, view: View) -> Self {
        let mut values = [0; REGISTERS];
        let aarch32 = field(host.read(IdRegister::Aa64Pfr0), policy::PFR0_EL0) >= policy::EL0_AARCH32;
        let rules = policy::AARCH64.iter().chain(if aarch32 { policy::AARCH32 } else { &[] });
        for (register, fields) in rules {
            if let Some(value) = values.get_mut(register.number()) {
                *value = rule::apply(fields, host.read(*register), view);
            }
        }
        Self::with_values(values)
    }

    fn with_values(values: [u64; REGISTERS]) -> Self {
        let value = |register: IdRegister| values.get(register.number()).copied().unwrap_or(0);
        let debug = value(IdRegister::Aa64Dfr0);
        let debug = DebugFeatures {
            breakpoints: field(debug, policy::DFR0_BREAKPOINTS) + 1,
            watchpoints: field(debug, policy::DFR0_WATCHPOINTS) + 1,
            double_lock: field(debug, policy::DFR0_DOUBLE_LOCK) == 0,
        };
        let gic_registers = field(value(IdRegister::Aa64Pfr0), policy::PFR0_GIC) != 0;
        Self { values, debug, gic_registers }
    }

    /// The value of a register in the identification space; `None` for all other registers.
    #[inline(always)]
    #[must_use]
    pub fn read(&self, register: SysReg) -> Option<u64> {
        self.values.get(register.identification()?).copied()
    }

    /// The debug architecture of the guest.
    #[must_use]
    pub const fn debug(&self) -> DebugFeatures {
        self.debug
    }

    /// Whether the interrupt controller has system registers (GICv3).
    #[must_use]
    pub const fn has_gic_registers(&self) -> bool {
        self.gic_registers
    }
}

/// A field of a value.
const fn field(value: u64, field: Field) -> u8 {
    (value >> field.low() & 0xf) as u8
}
