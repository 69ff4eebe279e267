//! What the processor lets a control field be (Intel SDM vol. 3D, appendix A), and how a field is made from that.
#![forbid(unsafe_code)]

use core::fmt;

/// One control: which bit of which field, and its name in the manual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Control {
    /// Bit number in the control field; in the capability MSR the same number plus 32 says that it may be 1.
    pub bit: u8,
    /// As the manual names it.
    pub name: &'static str,
    /// The capability MSR's name.
    pub msr: &'static str,
}

impl Control {
    /// The bit in the field.
    pub const fn mask(self) -> u32 {
        1 << self.bit
    }
}

impl fmt::Display for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\" ({} bit {} is clear)", self.name, self.msr, self.bit + 32)
    }
}

/// A capability MSR: bits 31:0 are the controls that must be 1, bits 63:32 those that may be 1 (appendix A.3 to A.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capability(pub u64);

impl Capability {
    /// Whether the control may be 1.
    pub const fn has(self, control: Control) -> bool {
        self.0 >> 32 & control.mask() as u64 != 0
    }

    /// A field with all of `needed`, those of `wanted` that there are, and what must be 1.
    ///
    /// # Errors
    /// The first of `needed` that cannot be 1.
    pub fn field(self, needed: &[Control], wanted: &[Control]) -> Result<u32, Control> {
        if let Some(missing) = needed.iter().find(|control| !self.has(**control)) {
            return Err(*missing);
        }
        let chosen = needed.iter().chain(wanted.iter().filter(|control| self.has(**control)));
        let must = (self.0 & 0xffff_ffff) as u32;
        Ok(chosen.fold(must, |field, control| field | control.mask()))
    }

    /// The first of `controls` that must be 1.
    pub fn forced(self, controls: &[Control]) -> Option<Control> {
        controls.iter().find(|control| self.0 & u64::from(control.mask()) != 0).copied()
    }
}

/// Builds the controls of one field.
macro_rules! controls {
    ($msr:literal: $($name:ident = $bit:literal, $text:literal;)+) => {
        $(pub const $name: super::Control = super::Control { bit: $bit, name: $text, msr: $msr };)+
    };
}

/// Pin-based VM-execution controls (vol. 3C, table 26-5).
pub mod pin {
    controls! { "IA32_VMX_TRUE_PINBASED_CTLS":
        EXTERNAL_INTERRUPT = 0, "external-interrupt exiting";
        NMI = 3, "NMI exiting";
        VIRTUAL_NMIS = 5, "virtual NMIs";
        PREEMPTION_TIMER = 6, "activate VMX-preemption timer";
    }
}

/// Primary processor-based VM-execution controls (vol. 3C, table 26-6).
pub mod primary {
    controls! { "IA32_VMX_TRUE_PROCBASED_CTLS":
        INTERRUPT_WINDOW = 2, "interrupt-window exiting";
        TSC_OFFSETTING = 3, "use TSC offsetting";
        HLT = 7, "HLT exiting";
        INVLPG = 9, "INVLPG exiting";
        MWAIT = 10, "MWAIT exiting";
        RDPMC = 11, "RDPMC exiting";
        CR3_LOAD = 15, "CR3-load exiting";
        CR3_STORE = 16, "CR3-store exiting";
        TPR_SHADOW = 21, "use TPR shadow";
        NMI_WINDOW = 22, "NMI-window exiting";
        UNCONDITIONAL_IO = 24, "unconditional I/O exiting";
        MSR_BITMAPS = 28, "use MSR bitmaps";
        MONITOR = 29, "MONITOR exiting";
        SECONDARY = 31, "activate secondary controls";
    }
}

/// Secondary processor-based VM-execution controls (vol. 3C, table 26-7).
pub mod secondary {
    controls! { "IA32_VMX_PROCBASED_CTLS2":
        APIC_ACCESSES = 0, "virtualize APIC accesses";
        EPT = 1, "enable EPT";
        RDTSCP = 3, "enable RDTSCP";
        X2APIC_MODE = 4, "virtualize x2APIC mode";
        VPID = 5, "enable VPID";
        WBINVD = 6, "WBINVD exiting";
        UNRESTRICTED_GUEST = 7, "unrestricted guest";
        APIC_REGISTERS = 8, "APIC-register virtualization";
        INTERRUPT_DELIVERY = 9, "virtual-interrupt delivery";
        PAUSE_LOOP = 10, "PAUSE-loop exiting";
        INVPCID = 12, "enable INVPCID";
    }
}

/// Primary VM-exit controls (vol. 3C, "Definitions of Primary VM-Exit Controls").
pub mod exit {
    controls! { "IA32_VMX_TRUE_EXIT_CTLS":
        SAVE_DEBUG = 2, "save debug controls";
        HOST_64 = 9, "host address-space size";
        LOAD_PAT = 19, "load IA32_PAT";
        LOAD_EFER = 21, "load IA32_EFER";
    }
}

/// VM-entry controls (vol. 3C, "Definitions of VM-Entry Controls").
pub mod entry {
    controls! { "IA32_VMX_TRUE_ENTRY_CTLS":
        LOAD_DEBUG = 2, "load debug controls";
        GUEST_64 = 9, "IA-32e mode guest";
        LOAD_PAT = 14, "load IA32_PAT";
        LOAD_EFER = 15, "load IA32_EFER";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_must_be_one_is_and_what_may_not_is_named() {
        let capability = Capability(0x0000_00ff_0000_0016);
        assert_eq!(capability.field(&[pin::NMI], &[pin::PREEMPTION_TIMER]), Ok(0x5e));
        let narrow = Capability(0x0000_0017_0000_0016);
        assert_eq!(narrow.field(&[pin::NMI], &[]), Err(pin::NMI));
        assert_eq!(narrow.field(&[pin::EXTERNAL_INTERRUPT], &[pin::NMI]), Ok(0x17));
    }

    #[test]
    fn a_missing_control_says_where_it_was_looked_for() {
        let text = std::format!("{}", secondary::EPT);
        assert_eq!(text, "\"enable EPT\" (IA32_VMX_PROCBASED_CTLS2 bit 33 is clear)");
    }

    #[test]
    fn forced_controls_are_found() {
        assert_eq!(Capability(1 << 15).forced(&[primary::CR3_LOAD]), Some(primary::CR3_LOAD));
        assert_eq!(Capability(1 << 47).forced(&[primary::CR3_LOAD]), None);
    }
}
