//! Where registers are: the frames of the guest's address space, and the offsets in them.

use super::bank::Field;
use super::bits::word;
use crate::gic::Version;
use phalanx_arch_api::{Access, AccessSize, Direction};

/// The distributor.
pub const GICD_BASE: u64 = 0x0800_0000;
/// Size of the distributor's frame.
pub const GICD_BYTES: u64 = 0x1_0000;
/// The first redistributor (GICv3).
pub const GICR_BASE: u64 = 0x080a_0000;
/// Size of one redistributor: the frame of the redistributor itself, then that of SGIs and PPIs.
pub const GICR_FRAME_BYTES: u64 = 0x2_0000;

/// Offsets of registers that are no arrays.
pub(super) mod offset {
    pub(in super::super) const CTLR: u32 = 0x0;
    pub(in super::super) const GICD_TYPER: u32 = 0x4;
    pub(in super::super) const GICD_IIDR: u32 = 0x8;
    pub(in super::super) const GICR_IIDR: u32 = 0x4;
    pub(in super::super) const GICR_TYPER: u32 = 0x8;
    pub(in super::super) const GICR_TYPER_HIGH: u32 = 0xc;
    pub(in super::super) const GICR_WAKER: u32 = 0x14;
    pub(in super::super) const GICD_SGIR: u32 = 0xf00;
}

/// An array of registers, and the place in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Array {
    /// 32 interrupts of one bit.
    Bits { field: Field, bank: usize },
    /// IPRIORITYR, from this INTID on; a byte each.
    Priority { first: u32 },
    /// ITARGETSR (GICv2), from this INTID on; a byte each.
    Targets { first: u32 },
    /// ICFGR: 16 interrupts of two bits, from this INTID on.
    Config { first: u32 },
    /// IROUTER (GICv3); the upper half if `high`, both halves if accessed as a whole.
    Route { intid: u32, high: bool },
    /// CPENDSGIR (GICv2), from this SGI on; a byte each.
    ClearPendingSgi { first: u32 },
    /// SPENDSGIR (GICv2), from this SGI on; a byte each.
    SetPendingSgi { first: u32 },
}

/// An access, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Register {
    pub(super) offset: u32,
    pub(super) size: AccessSize,
    /// The value to be written.
    pub(super) write: Option<u64>,
}

impl Register {
    /// `None` where it is not aligned: no register is there.
    pub(super) fn new(offset: u64, access: Access) -> Option<Self> {
        let write = match access.direction {
            Direction::Read => None,
            Direction::Write(value) => Some(value & access.size.all_ones()),
        };
        let offset = word(offset);
        offset.is_multiple_of(access.size.bytes()).then_some(Self { offset, size: access.size, write })
    }

    /// The low word of what is written.
    pub(super) fn write_word(self) -> Option<u32> {
        self.write.map(word)
    }

    /// The array that the access is for; `None` where there is none, or none of this width. IHI 0048 4.1.2, IHI 0069
    /// 12.8 ("The GIC Distributor register map"); a redistributor's second frame has the same offsets.
    pub(super) fn array(self, version: Version) -> Option<Array> {
        match self.size {
            AccessSize::B4 => self.word_array(version).or_else(|| self.byte_array(version)),
            AccessSize::B1 => self.byte_array(version),
            AccessSize::B8 => self.route(version),
            AccessSize::B2 => None,
        }
    }

    fn word_array(self, version: Version) -> Option<Array> {
        let field = match self.offset {
            0x080..0x100 => Field::Group,
            0x100..0x180 => Field::SetEnable,
            0x180..0x200 => Field::ClearEnable,
            0x200..0x280 => Field::SetPending,
            0x280..0x300 => Field::ClearPending,
            0x300..0x380 => Field::SetActive,
            0x380..0x400 => Field::ClearActive,
            0xc00..0xd00 => return Some(Array::Config { first: (self.offset - 0xc00) * 4 }),
            _ => return self.route(version),
        };
        Some(Array::Bits { field, bank: (self.offset % 0x80 / 4) as usize })
    }

    fn byte_array(self, version: Version) -> Option<Array> {
        match (self.offset, version) {
            (0x400..0x800, _) => Some(Array::Priority { first: self.offset - 0x400 }),
            (0x800..0xc00, Version::V2) => Some(Array::Targets { first: self.offset - 0x800 }),
            (0xf10..0xf20, Version::V2) => Some(Array::ClearPendingSgi { first: self.offset - 0xf10 }),
            (0xf20..0xf30, Version::V2) => Some(Array::SetPendingSgi { first: self.offset - 0xf20 }),
            _ => None,
        }
    }

    fn route(self, version: Version) -> Option<Array> {
        match (self.offset, version) {
            (0x6000..0x8000, Version::V3) => {
                Some(Array::Route { intid: (self.offset - 0x6000) / 8, high: !self.offset.is_multiple_of(8) })
            }
            _ => None,
        }
    }
}
