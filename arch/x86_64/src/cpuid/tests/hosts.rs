//! Processors to build tables from.

use std::collections::BTreeMap;

use crate::cpuid::{CpuidTable, HostCpuid, Leaf, Topology};

/// A processor given by its leaves; all others answer like its vendor's.
pub(super) struct Host {
    leaves: BTreeMap<(u32, u32), Leaf>,
    other: Leaf,
}

impl HostCpuid for Host {
    fn leaf(&self, leaf: u32, subleaf: u32) -> Leaf {
        self.leaves.get(&(leaf, subleaf)).copied().unwrap_or(self.other)
    }
}

pub(super) const fn leaf(eax: u32, ebx: u32, ecx: u32, edx: u32) -> Leaf {
    Leaf { eax, ebx, ecx, edx }
}

const ONES: Leaf = leaf(u32::MAX, u32::MAX, u32::MAX, u32::MAX);

fn vendor(max: u32, name: &[u8; 12]) -> Leaf {
    let word = |at: usize| u32::from_le_bytes(name[at..at + 4].try_into().unwrap());
    leaf(max, word(0), word(8), word(4))
}

fn host(leaves: &[((u32, u32), Leaf)], other: Leaf) -> Host {
    Host { leaves: leaves.iter().copied().collect(), other }
}

/// Every bit of every leaf is set: what comes through is what the policy lets through.
pub(super) fn greedy_amd() -> Host {
    host(&[((0, 0), vendor(u32::MAX, b"AuthenticAMD"))], ONES)
}

/// The same with Intel's name.
pub(super) fn greedy_intel() -> Host {
    host(&[((0, 0), vendor(u32::MAX, b"GenuineIntel"))], ONES)
}

/// Nothing but a vendor.
pub(super) fn bare() -> Host {
    host(&[((0, 0), vendor(1, b"AuthenticAMD"))], Leaf::default())
}

/// A processor with AVX-512, as Intel describes it. Above its highest leaf it repeats the highest one.
pub(super) fn intel() -> Host {
    let xsave = 1 << 26;
    let leaves = [
        ((0, 0), vendor(0x16, b"GenuineIntel")),
        ((1, 0), leaf(0x50654, 0x0710_0800, xsave | 1 << 5 | 1, 0xbfeb_fbff)),
        ((2, 0), leaf(0x7603_6301, 0xf0b5ff, 0, 0xc3_0000)),
        ((4, 0), leaf(0x1c00_4121, 0x1c0_003f, 0x3f, 0)),
        ((4, 1), leaf(0x1c00_4122, 0x1c0_003f, 0x3f, 0)),
        ((4, 2), leaf(0x1c00_4143, 0x3c0_003f, 0x3ff, 0)),
        ((4, 3), leaf(0x1c03_c163, 0x280_003f, 0x4fff, 4)),
        ((4, 4), Leaf::default()),
        ((7, 0), leaf(0, 0xd19f_4fbb, 8, 0x9c00_2400)),
        ((0xd, 0), leaf(0x2ff, 0xa88, 0xa88, 0)),
        ((0xd, 1), leaf(0xf, 0xa08, 0x100, 0)),
        ((0xd, 2), leaf(0x100, 0x240, 0, 0)),
        ((0xd, 5), leaf(0x40, 0x440, 0, 0)),
        ((0xd, 6), leaf(0x200, 0x480, 2, 0)),
        ((0xd, 7), leaf(0x400, 0x680, 0, 0)),
        ((0xd, 9), leaf(8, 0xa80, 0, 0)),
        ((0x16, 0), leaf(0x834, 0xe74, 0x64, 0)),
        ((0x8000_0000, 0), leaf(0x8000_0008, 0, 0, 0)),
        ((0x8000_0001, 0), leaf(0, 0, 0x121, 0x2c10_0800)),
        ((0x8000_0002, 0), leaf(0x6574_6e49, 0, 0, 0)),
        ((0x8000_0007, 0), leaf(0, 0, 0, 0)),
        ((0x8000_0008, 0), leaf(0x302e, 0, 0, 0)),
    ];
    host(&leaves, leaf(0x834, 0xe74, 0x64, 0))
}

/// A processor with AVX and topology extensions, as AMD describes it.
pub(super) fn amd() -> Host {
    let leaves = [
        ((0, 0), vendor(0xd, b"AuthenticAMD")),
        ((1, 0), leaf(0x80_0f11, 0x0920_0800, 0x7ed8_320b, 0x178b_fbff)),
        ((7, 0), leaf(0, 0x209c_01a9, 0, 0)),
        ((0xd, 0), leaf(7, 0x340, 0x340, 0)),
        ((0xd, 1), leaf(0xf, 0x340, 0, 0)),
        ((0xd, 2), leaf(0x100, 0x240, 0, 0)),
        ((0x8000_0000, 0), vendor(0x8000_001f, b"AuthenticAMD")),
        ((0x8000_0001, 0), leaf(0x80_0f11, 0x4000_0000, 0x35c2_33ff, 0x2fd3_fbff)),
        ((0x8000_0007, 0), leaf(0, 0x1b, 0, 0x6799)),
        ((0x8000_0008, 0), leaf(0x3030, 0x1007, 0x600f, 0)),
        ((0x8000_000a, 0), leaf(1, 0x8000, 0, 0x1_bcff)),
        ((0x8000_001d, 0), leaf(0x4121, 0x1c0_003f, 0x3f, 0)),
        ((0x8000_001d, 1), leaf(0x4122, 0xc0_003f, 0xff, 0)),
        ((0x8000_001d, 2), leaf(0x4143, 0x1c0_003f, 0x3ff, 2)),
        ((0x8000_001d, 3), leaf(0x1_c163, 0x3c0_003f, 0x1fff, 1)),
        ((0x8000_001e, 0), leaf(9, 0x104, 0x300, 0)),
    ];
    host(&leaves, Leaf::default())
}

pub(super) fn table(host: &Host, vcpus: u8, index: u8) -> CpuidTable {
    CpuidTable::new(host, Topology { vcpus, index })
}
