//! One entry of a table: where it leads, what it allows, which of its bits are reserved.

use super::{Access, AccessKind, error_code};

const PRESENT: u64 = 1 << 0;
const WRITABLE: u64 = 1 << 1;
const USER: u64 = 1 << 2;
const PAGE_SIZE: u64 = 1 << 7;
const NO_EXECUTE: u64 = 1 << 63;
/// Bits 12 to 51.
const ADDRESS: u64 = 0x000f_ffff_ffff_f000;
/// Bits 52 to 62: ignored in 64-bit paging, reserved in PAE paging.
const ABOVE_ADDRESS: u64 = 0x7ff0_0000_0000_0000;
/// Bits 1, 2 and 6 to 8 of a PAE page-directory-pointer entry. Bit 5 is reserved as well, but QEMU's TCG sets it there when
/// it walks; a processor refuses such an entry before anything is looked up here.
const PAE_POINTER_RESERVED: u64 = 0x1c6;
/// Shift of the lowest level.
const PAGE_SHIFT: u8 = 12;

/// The control bits that decide how entries are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rules {
    /// Ones for the bits of a physical address.
    pub(super) physical_mask: u64,
    pub(super) gigabyte_pages: bool,
    pub(super) page_size_extension: bool,
    pub(super) no_execute: bool,
    pub(super) write_protect: bool,
    pub(super) smep: bool,
    pub(super) smap: bool,
}

/// What an access may do at an address: every level must grant it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rights {
    write: bool,
    user: bool,
    execute: bool,
}

impl Rights {
    pub(super) const ALL: Self = Self { write: true, user: true, execute: true };

    const fn of(entry: u64) -> Self {
        Self { write: entry & WRITABLE != 0, user: entry & USER != 0, execute: entry & NO_EXECUTE == 0 }
    }

    pub(super) const fn and(self, other: Self) -> Self {
        Self { write: self.write && other.write, user: self.user && other.user, execute: self.execute && other.execute }
    }

    /// Intel SDM vol. 3A, 5.6.1.
    pub(super) const fn allow(self, access: Access, rules: &Rules) -> bool {
        if access.user && !self.user {
            return false;
        }
        let on_user_page_by_supervisor = self.user && !access.user;
        let smap = on_user_page_by_supervisor && rules.smap && !access.alignment_check;
        match access.kind {
            AccessKind::Read => !smap,
            AccessKind::Write => !smap && (self.write || (!access.user && !rules.write_protect)),
            AccessKind::Fetch => self.execute && !(on_user_page_by_supervisor && rules.smep),
        }
    }
}

/// Where an entry leads.
pub(super) enum Step {
    /// To the next table.
    Table { next: u64, grants: Rights },
    /// To the page.
    Page { start: u64, grants: Rights },
}

/// The formats of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// 32-bit paging.
    Legacy,
    /// The first level of PAE paging.
    PaePointer,
    /// The other levels of PAE paging.
    Pae,
    /// 4-level and 5-level paging.
    Long,
}

/// One level of a paging mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Level {
    shift: u8,
    index_bits: u8,
    form: Form,
}

impl Level {
    pub(super) const fn new(shift: u8, index_bits: u8, form: Form) -> Self {
        Self { shift, index_bits, form }
    }

    /// Address of the entry for `linear` in the table at `table`.
    pub(super) const fn entry_address(&self, table: u64, linear: u64) -> u64 {
        let index = linear >> self.shift & ((1 << self.index_bits) - 1);
        let entry_bytes = if matches!(self.form, Form::Legacy) { 4 } else { 8 };
        table + index * entry_bytes
    }

    /// The part of a linear address that lies inside a page of this level.
    pub(super) const fn offset_mask(&self) -> u64 {
        (1 << self.shift) - 1
    }

    /// Reads an entry.
    ///
    /// # Errors
    /// The cause bits of the page fault's error code.
    pub(super) const fn step(&self, entry: u64, rules: &Rules) -> Result<Step, u32> {
        if entry & PRESENT == 0 {
            return Err(0);
        }
        let is_page = self.is_page(entry, rules);
        if entry & self.reserved(is_page, entry, rules) != 0 {
            return Err(error_code::PRESENT | error_code::RESERVED);
        }
        let grants = match self.form {
            Form::PaePointer => Rights::ALL,
            Form::Legacy | Form::Pae | Form::Long => Rights::of(entry),
        };
        Ok(if is_page {
            Step::Page { start: self.page_start(entry), grants }
        } else {
            Step::Table { next: entry & ADDRESS, grants }
        })
    }

    const fn is_page(&self, entry: u64, rules: &Rules) -> bool {
        let large = entry & PAGE_SIZE != 0;
        match (self.form, self.shift) {
            (_, PAGE_SHIFT) => true,
            (Form::Legacy, _) => large && rules.page_size_extension,
            (Form::Pae, _) | (Form::Long, 21) => large,
            (Form::Long, 30) => large && rules.gigabyte_pages,
            (Form::PaePointer | Form::Long, _) => false,
        }
    }

    /// A 4 MiB page has bits 32 to 39 of its address in bits 13 to 20 of its entry (PSE-36).
    const fn page_start(&self, entry: u64) -> u64 {
        if matches!(self.form, Form::Legacy) && self.shift > PAGE_SHIFT {
            return entry & 0xffc0_0000 | (entry >> 13 & 0xff) << 32;
        }
        entry & ADDRESS & !self.offset_mask()
    }

    /// The bits that must be zero.
    const fn reserved(&self, is_page: bool, entry: u64, rules: &Rules) -> u64 {
        let no_execute = if rules.no_execute { 0 } else { NO_EXECUTE };
        let address = ADDRESS & !rules.physical_mask;
        // Address bits inside a large page, except bit 12: that one is PAT.
        let inside = if is_page { self.offset_mask() & !0x1fff } else { 0 };
        match self.form {
            Form::Legacy if is_page && self.shift > PAGE_SHIFT => self.reserved_4_mib(entry, rules),
            Form::Legacy => 0,
            Form::PaePointer => address | ABOVE_ADDRESS | NO_EXECUTE | PAE_POINTER_RESERVED,
            Form::Pae => address | ABOVE_ADDRESS | no_execute | inside,
            Form::Long => {
                let size = if !is_page && self.shift >= 30 { PAGE_SIZE } else { 0 };
                address | no_execute | inside | size
            }
        }
    }

    /// Bit 21, and everything where the page lies above the physical addresses.
    const fn reserved_4_mib(&self, entry: u64, rules: &Rules) -> u64 {
        let beyond = self.page_start(entry) & !rules.physical_mask != 0;
        if beyond { u64::MAX } else { 1 << 21 }
    }
}
