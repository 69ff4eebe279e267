//! What this processor's SVM offers (AMD APM vol. 3, CPUID 8000_0001 and 8000_000A; vol. 2, section 15.4).

use core::fmt;

use spin::Once;

use crate::host::instr::{self, Msr};

/// VM_CR: bit 4 is SVMDIS (AMD APM vol. 2, section 15.30.1).
const VM_CR: Msr = Msr(0xc001_0114);
const VM_CR_SVMDIS: u64 = 1 << 4;
/// CPUID 8000_0001 ECX: SVM.
const ECX_SVM: u32 = 1 << 2;

/// Optional features of SVM that this backend uses where they are.
///
/// Two others need no choice: processors without VMCB clean bits ignore them, and a virtual global interrupt flag serves
/// only guests that run guests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Features {
    /// Number of ASIDs; those from 1 to this minus 1 are for guests.
    pub asids: u32,
    /// NRIPS: the next RIP is saved at #VMEXIT.
    pub next_rip_save: bool,
    /// Decode assists: instruction bytes and operands are saved at #VMEXIT.
    pub decode_assists: bool,
    /// A single ASID can be flushed.
    pub flush_by_asid: bool,
    /// The pause filter counts PAUSEs.
    pub pause_filter: bool,
    /// TSC_AUX exists (RDTSCP).
    pub tsc_aux: bool,
}

/// Why SVM cannot be used here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// CPUID says that there is none.
    Svm,
    /// The firmware switched it off.
    DisabledByFirmware,
    /// No nested paging.
    NestedPaging,
    /// Fewer than two ASIDs.
    Asids,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Svm => "this processor has no AMD SVM (CPUID 8000_0001h ECX bit 2 is clear)",
            Self::DisabledByFirmware => "AMD SVM is switched off by the firmware (VM_CR.SVMDIS is set)",
            Self::NestedPaging => "AMD SVM has no nested paging here (CPUID 8000_000Ah EDX bit 0 is clear)",
            Self::Asids => "AMD SVM has no address space identifiers for guests (CPUID 8000_000Ah EBX)",
        })
    }
}

impl Missing {
    /// What the user can do.
    #[must_use]
    pub const fn help(self) -> &'static str {
        match self {
            Self::Svm => "use a processor with AMD-V, or start QEMU with -cpu max",
            Self::DisabledByFirmware => "enable SVM (also called AMD-V) in the firmware setup",
            Self::NestedPaging => {
                "use a processor with nested paging (NPT, also called RVI), or start QEMU with -cpu max"
            }
            Self::Asids => "use a processor whose SVM offers at least two ASIDs",
        }
    }
}

/// For the boot log: the extension, and which optional features are used.
impl fmt::Display for Features {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let optional = [
            (self.next_rip_save, "NRIPS"),
            (self.decode_assists, "decode assists"),
            (self.flush_by_asid, "FlushByASID"),
            (self.pause_filter, "pause filter"),
        ];
        f.write_str("AMD SVM, nested paging")?;
        optional.iter().filter(|(there, _)| *there).try_for_each(|(_, name)| write!(f, ", {name}"))
    }
}

static CHOSEN: Once<Features> = Once::new();

impl Features {
    /// Reads them from CPUID.
    ///
    /// # Errors
    /// [`Missing`] where a mandatory one is not there.
    pub fn detect() -> Result<Self, Missing> {
        let highest = instr::cpuid(0x8000_0000, 0).eax;
        if highest < 0x8000_000a || instr::cpuid(0x8000_0001, 0).ecx & ECX_SVM == 0 {
            return Err(Missing::Svm);
        }
        if instr::rdmsr(VM_CR) & VM_CR_SVMDIS != 0 {
            return Err(Missing::DisabledByFirmware);
        }
        let svm = instr::cpuid(0x8000_000a, 0);
        let tsc_aux = instr::cpuid(0x8000_0001, 0).edx & 1 << 27 != 0;
        Self::from_leaf(svm.ebx, svm.edx, tsc_aux)
    }

    fn from_leaf(asids: u32, edx: u32, tsc_aux: bool) -> Result<Self, Missing> {
        let bit = |number: u32| edx >> number & 1 != 0;
        if !bit(0) {
            return Err(Missing::NestedPaging);
        }
        if asids < 2 {
            return Err(Missing::Asids);
        }
        Ok(Self {
            asids,
            next_rip_save: bit(3),
            flush_by_asid: bit(6),
            decode_assists: bit(7),
            pause_filter: bit(10),
            tsc_aux,
        })
    }

    /// Makes these the ones that new control blocks are built for.
    pub fn choose(self) {
        CHOSEN.call_once(|| self);
    }
}

/// The features of this machine. None of the optional ones before [`Features::choose`].
pub(super) fn chosen() -> Features {
    CHOSEN.get().copied().unwrap_or(Features {
        asids: 2,
        next_rip_save: false,
        decode_assists: false,
        flush_by_asid: false,
        pause_filter: false,
        tsc_aux: false,
    })
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn nested_paging_is_mandatory() {
        assert_eq!(Features::from_leaf(16, 0xffff_fffe, true), Err(Missing::NestedPaging));
        assert_eq!(Features::from_leaf(1, 1, true), Err(Missing::Asids));
    }

    #[test]
    fn optional_features_are_read_from_their_bits() {
        let none = Features::from_leaf(16, 1, false).unwrap();
        assert!(!none.next_rip_save && !none.decode_assists && !none.flush_by_asid);
        let all = Features::from_leaf(32, 0x100e9, true).unwrap();
        assert!(all.next_rip_save && all.decode_assists && all.flush_by_asid);
        assert_eq!(all.asids, 32);
        assert_eq!(none.to_string(), "AMD SVM, nested paging");
        assert_eq!(Features { pause_filter: true, ..none }.to_string(), "AMD SVM, nested paging, pause filter");
    }
}
