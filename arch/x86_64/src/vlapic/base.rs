//! IA32_APIC_BASE ("Local APIC Status and Location", "x2APIC State Transitions").

use super::registers::ICR_HIGH;
use super::{Effect, GeneralProtection, LocalApic};

/// Where the register page is: it does not move, since all vCPUs of a domain share one second-level address space.
pub const DEFAULT_BASE: u64 = 0xfee0_0000;

const BOOTSTRAP: u64 = 1 << 8;
const X2APIC: u64 = 1 << 10;
const ENABLE: u64 = 1 << 11;

/// The states of figure "Local x2APIC State Transitions with IA32_APIC_BASE, INIT, and Reset".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// EN = 0: the processor behaves as one without a local APIC.
    Disabled,
    /// EN = 1, EXTD = 0: registers in memory.
    XApic,
    /// EN = 1, EXTD = 1: registers in MSRs.
    X2Apic,
}

impl Mode {
    const fn bits(self) -> u64 {
        match self {
            Self::Disabled => 0,
            Self::XApic => ENABLE,
            Self::X2Apic => ENABLE | X2APIC,
        }
    }

    /// The mode that `bits` select from this one; `None` for the invalid state and the forbidden transitions.
    const fn transition(self, bits: u64) -> Option<Self> {
        match (self, bits & ENABLE != 0, bits & X2APIC != 0) {
            (_, false, false) => Some(Self::Disabled),
            (Self::Disabled | Self::XApic, true, false) => Some(Self::XApic),
            (Self::XApic | Self::X2Apic, true, true) => Some(Self::X2Apic),
            // EXTD without EN; disabled to x2APIC and x2APIC to xAPIC in one step.
            _ => None,
        }
    }
}

impl LocalApic {
    /// The value of IA32_APIC_BASE.
    pub const fn apic_base(&self) -> u64 {
        DEFAULT_BASE | self.mode.bits() | if self.bootstrap { BOOTSTRAP } else { 0 }
    }

    /// WRMSR to IA32_APIC_BASE: #GP for reserved bits, another base address, and transitions that do not exist.
    ///
    /// The BSP flag is read-only, as on AMD processors (APM vol. 2, "APIC Base Address Register", BSC).
    #[cold]
    pub(super) fn write_apic_base(&mut self, value: u64) -> Result<Effect, GeneralProtection> {
        if value & !(BOOTSTRAP | X2APIC | ENABLE) != DEFAULT_BASE {
            return Err(GeneralProtection);
        }
        let mode = self.mode.transition(value).ok_or(GeneralProtection)?;
        if mode == self.mode {
            return Ok(Effect::None);
        }
        match mode {
            // What was set up is lost: the next enable finds the power-up state.
            Mode::Disabled => self.reset(),
            // ICR bits 63:32 are not preserved: they are at another place from now on, where nothing was written yet.
            Mode::X2Apic => self.page.set(ICR_HIGH, 0),
            Mode::XApic => {}
        }
        self.set_mode(mode);
        Ok(Effect::Reconfigured)
    }
}
