//! The paging modes, each as a list of levels.

use phalanx_arch_api::Gva;

use super::entry::{Form, Level, Rules};
use super::{Access, AccessKind, PageFault, error_code};
use crate::registers::{CR0_PG, CR0_WP, CR4_LA57, CR4_PAE, CR4_PSE, CR4_SMAP, CR4_SMEP, EFER_LMA, EFER_NXE};

/// The registers that choose the paging mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the registers'")]
pub struct PagingRegisters {
    pub cr0: u64,
    pub cr3: u64,
    pub cr4: u64,
    pub efer: u64,
}

/// What the guest's CPUID says about its paging.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Width of a physical address in bits, at most 52.
    pub physical_bits: u8,
    /// Whether 1 GiB pages exist in 64-bit paging.
    pub gigabyte_pages: bool,
}

/// A guest's paging mode, ready to walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paging {
    mode: Mode,
    root: u64,
    pub(super) rules: Rules,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Off,
    TwoLevel,
    Pae,
    FourLevel,
    FiveLevel,
}

/// Two levels of 4-byte entries, 4 MiB pages with CR4.PSE.
const TWO_LEVEL: [Level; 2] = [Level::new(22, 10, Form::Legacy), Level::new(12, 10, Form::Legacy)];
/// Page-directory-pointer entries, then two levels.
const PAE: [Level; 3] =
    [Level::new(30, 2, Form::PaePointer), Level::new(21, 9, Form::Pae), Level::new(12, 9, Form::Pae)];
/// All five levels; four-level paging leaves the first out.
const FIVE_LEVEL: [Level; 5] = [
    Level::new(48, 9, Form::Long),
    Level::new(39, 9, Form::Long),
    Level::new(30, 9, Form::Long),
    Level::new(21, 9, Form::Long),
    Level::new(12, 9, Form::Long),
];

impl Paging {
    /// The mode that the registers select.
    #[must_use]
    pub const fn new(registers: &PagingRegisters, limits: Limits) -> Self {
        let PagingRegisters { cr0, cr3, cr4, efer } = *registers;
        let mode = if cr0 & CR0_PG == 0 {
            Mode::Off
        } else if efer & EFER_LMA != 0 {
            if cr4 & CR4_LA57 != 0 { Mode::FiveLevel } else { Mode::FourLevel }
        } else if cr4 & CR4_PAE != 0 {
            Mode::Pae
        } else {
            Mode::TwoLevel
        };
        let physical_bits = if limits.physical_bits > 52 { 52 } else { limits.physical_bits };
        let physical_mask = (1 << physical_bits) - 1;
        let root = match mode {
            Mode::Off => 0,
            Mode::TwoLevel => cr3 & 0xffff_f000,
            Mode::Pae => cr3 & 0xffff_ffe0,
            Mode::FourLevel | Mode::FiveLevel => cr3 & physical_mask & !0xfff,
        };
        let rules = Rules {
            physical_mask,
            gigabyte_pages: limits.gigabyte_pages,
            page_size_extension: cr4 & CR4_PSE != 0,
            no_execute: efer & EFER_NXE != 0 && !matches!(mode, Mode::TwoLevel),
            write_protect: cr0 & CR0_WP != 0,
            smep: cr4 & CR4_SMEP != 0,
            smap: cr4 & CR4_SMAP != 0,
        };
        Self { mode, root, rules }
    }

    pub(super) const fn root(&self) -> u64 {
        self.root
    }

    /// From the root down; none without paging.
    pub(super) fn levels(&self) -> &'static [Level] {
        match self.mode {
            Mode::Off => &[],
            Mode::TwoLevel => &TWO_LEVEL,
            Mode::Pae => &PAE,
            Mode::FourLevel => FIVE_LEVEL.split_first().map_or(&[], |(_, four)| four),
            Mode::FiveLevel => &FIVE_LEVEL,
        }
    }

    /// Whether entries have 8 bytes.
    pub(super) const fn has_wide_entries(&self) -> bool {
        !matches!(self.mode, Mode::TwoLevel)
    }

    /// The linear address as far as this mode looks at it; `None` where it is not canonical.
    pub(super) const fn linear(&self, address: u64) -> Option<u64> {
        let unused_bits = match self.mode {
            Mode::Off | Mode::TwoLevel | Mode::Pae => return Some(address & 0xffff_ffff),
            Mode::FourLevel => 16,
            Mode::FiveLevel => 7,
        };
        let extended = (address << unused_bits).cast_signed() >> unused_bits;
        if extended.cast_unsigned() == address { Some(address) } else { None }
    }

    /// The fault for `access`, whose cause is [`error_code::PRESENT`], [`error_code::RESERVED`], both or neither.
    pub(super) const fn fault(&self, address: Gva, access: Access, cause: u32) -> PageFault {
        let kind = match access.kind {
            AccessKind::Read => 0,
            AccessKind::Write => error_code::WRITE,
            AccessKind::Fetch if self.rules.no_execute || self.rules.smep => error_code::FETCH,
            AccessKind::Fetch => 0,
        };
        let user = if access.user { error_code::USER } else { 0 };
        PageFault { address, error_code: cause | kind | user }
    }
}
