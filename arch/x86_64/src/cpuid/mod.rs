//! CPUID: what a guest learns about its processor.
//!
//! A table is built once per vCPU from the host's leaves; an exit is a lookup. What the table does not offer, the
//! register checks derived from it ([`CpuidTable::cr4_valid_bits`] and its sisters) refuse, so a hidden feature is
//! an absent one.
//!
//! | file | what |
//! |---|---|
//! | `policy` | which feature bits pass, which are always there |
//! | `build` | leaves that need no vCPU |
//! | `topology` | leaves that say where a vCPU sits: one socket of single-thread cores |
//! | `xstate` | leaf 0xd, which follows XCR0 |
//! | `registers` | CR4, EFER and XCR0 as the leaves allow them |
#![forbid(unsafe_code)]

mod build;
mod policy;
mod registers;
mod subleaf;
#[cfg(test)]
mod tests;
mod topology;
mod xstate;

pub use registers::Feature;
use subleaf::Subleaves;
use xstate::ExtendedState;

/// One leaf as the guest sees it (Intel SDM vol. 2A, CPUID; AMD APM vol. 3, appendix E).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the registers'")]
pub struct Leaf {
    pub eax: u32,
    pub ebx: u32,
    pub ecx: u32,
    pub edx: u32,
}

/// The host's own CPUID.
pub trait HostCpuid {
    /// What the processor answers for EAX = `leaf` and ECX = `subleaf`.
    fn leaf(&self, leaf: u32, subleaf: u32) -> Leaf;
}

/// Where a vCPU sits in its domain: core `index` of a socket with `vcpus` cores of one thread each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Topology {
    /// vCPUs of the domain, at least 1.
    pub vcpus: u8,
    /// This vCPU's index, which is also its APIC id.
    pub index: u8,
}

/// Whose rules hold where the manuals differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vendor {
    /// GenuineIntel: above the highest leaf, the highest basic leaf answers.
    Intel,
    /// AuthenticAMD, HygonGenuine and all others: above the highest leaf everything is zero.
    Amd,
}

const BASIC_LEAVES: usize = 0x20;
const EXTENDED_LEAVES: usize = 0x22;
const EXTENDED_BASE: u32 = 0x8000_0000;

/// All that one vCPU's CPUID answers.
#[derive(Clone, Debug)]
pub struct CpuidTable {
    basic: [Leaf; BASIC_LEAVES],
    extended: [Leaf; EXTENDED_LEAVES],
    /// Bit n is set where `basic[n]` answers without a look at ECX.
    plain: u32,
    max_basic: u32,
    max_extended: u32,
    vendor: Vendor,
    subleaves: Subleaves,
    xstate: ExtendedState,
    cr4_valid: u64,
    efer_valid: u64,
}

impl CpuidTable {
    /// The answer for EAX = `leaf`, ECX = `subleaf`. Never fails; absent leaves answer as the vendor's do.
    #[inline]
    #[must_use]
    pub fn lookup(&self, leaf: u32, subleaf: u32) -> Leaf {
        self.plain(leaf).copied().unwrap_or_else(|| self.lookup_rare(leaf, subleaf))
    }

    /// The answer for a basic leaf without subleaves; `None` for all others.
    #[inline(always)]
    #[must_use]
    pub fn plain(&self, leaf: u32) -> Option<&Leaf> {
        self.basic.get(leaf as usize).filter(|_| self.plain >> leaf & 1 != 0)
    }

    /// The answer for the leaves that [`Self::plain`] does not know.
    #[cold]
    #[inline(never)]
    #[must_use]
    pub fn lookup_rare(&self, leaf: u32, subleaf: u32) -> Leaf {
        match leaf {
            _ if leaf <= self.max_basic => self.subleaves.lookup(leaf, subleaf),
            0x4000_0000..=0x4fff_ffff => policy::hypervisor_leaf(leaf),
            EXTENDED_BASE.. if leaf <= self.max_extended => self.lookup_extended(leaf, subleaf),
            _ => self.above_highest(subleaf),
        }
    }

    fn lookup_extended(&self, leaf: u32, subleaf: u32) -> Leaf {
        if leaf == topology::AMD_CACHES {
            return self.subleaves.lookup(leaf, subleaf);
        }
        self.extended.get((leaf - EXTENDED_BASE) as usize).copied().unwrap_or_default()
    }

    /// Intel SDM vol. 2A, CPUID, "INPUT EAX": the highest basic leaf answers. AMD APM vol. 3: reserved leaves are zero.
    fn above_highest(&self, subleaf: u32) -> Leaf {
        match self.vendor {
            Vendor::Intel if self.plain >> self.max_basic & 1 == 0 => self.subleaves.lookup(self.max_basic, subleaf),
            Vendor::Intel => self.basic.get(self.max_basic as usize).copied().unwrap_or_default(),
            Vendor::Amd => Leaf::default(),
        }
    }

    /// Leaf 1 ECX bit 27 follows CR4.OSXSAVE: call it when the guest writes CR4.
    pub fn set_osxsave(&mut self, enabled: bool) {
        set_bit(&mut self.basic[1].ecx, policy::OSXSAVE_BIT, enabled);
    }

    /// Leaf 1 EDX bit 9 (and AMD's copy of it) follows the enable bit of APIC_BASE.
    pub fn set_apic_enabled(&mut self, enabled: bool) {
        set_bit(&mut self.basic[1].edx, policy::APIC_BIT, enabled);
        if self.vendor == Vendor::Amd {
            set_bit(&mut self.extended[1].edx, policy::APIC_BIT, enabled);
        }
    }

    /// The sizes in leaf 0xd follow XCR0: call it when the guest executes XSETBV. `value` has passed
    /// [`Self::xcr0_valid`].
    pub fn set_xcr0(&mut self, value: u64) {
        self.xstate.publish_sizes(&mut self.subleaves, value);
    }

    /// The host's vendor, which is the guest's.
    #[must_use]
    pub const fn vendor(&self) -> Vendor {
        self.vendor
    }
}

/// Sets or clears bit `bit` of `word`.
fn set_bit(word: &mut u32, bit: u8, value: bool) {
    *word = *word & !(1 << bit) | u32::from(value) << bit;
}
