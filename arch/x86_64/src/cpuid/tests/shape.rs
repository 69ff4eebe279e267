//! Topology, XSAVE sizes, dynamic bits, and the leaves past the end.

use std::vec::Vec;

use super::hosts::{amd, bare, greedy_amd, greedy_intel, intel, leaf, table};
use crate::cpuid::{CpuidTable, Leaf, Vendor};

/// What a table says about its topology: (cores, id bits, id) as leaf 0xb tells it.
fn levels(table: &CpuidTable, number: u32) -> (u32, u32, u32) {
    let (smt, core) = (table.lookup(number, 0), table.lookup(number, 1));
    assert_eq!((smt.eax, smt.ebx, smt.ecx), (0, 1, 1 << 8));
    assert_eq!(core.ecx, 2 << 8 | 1);
    assert_eq!(smt.edx, core.edx);
    (core.ebx, core.eax, core.edx)
}

#[test]
fn all_topology_leaves_tell_one_story() {
    for (vcpus, bits) in [(1, 0), (2, 1), (3, 2), (4, 2), (5, 3), (8, 3), (64, 6), (255, 8)] {
        for index in [0, vcpus - 1] {
            for host in [amd(), intel(), bare(), greedy_amd(), greedy_intel()] {
                let table = table(&host, vcpus, index);
                let (count, id) = (u32::from(vcpus), u32::from(index));
                let one = table.lookup(1, 0);
                assert_eq!((one.ebx >> 24, one.ebx >> 16 & 0xff), (id, count));
                assert_eq!(one.edx >> 28 & 1 != 0, vcpus > 1);
                assert_eq!(levels(&table, 0xb), (count, bits, id));
                let caches = table.lookup(4, 0).eax;
                assert!(caches == 0 || caches >> 26 == ((1 << bits) - 1) & 0x3f);
                if table.vendor() == Vendor::Amd {
                    assert_eq!(table.lookup(0x8000_0008, 0).ecx, (count - 1) | bits << 12);
                    assert_eq!(table.lookup(0x8000_0001, 0).ecx >> 1 & 1 != 0, vcpus > 1);
                } else {
                    assert_eq!(table.lookup(0x8000_0008, 0).ecx, 0);
                }
            }
        }
    }
}

#[test]
fn caches_are_private_but_the_last() {
    let sharing = |number: u32, table: &CpuidTable| -> Vec<u32> {
        (0..4).map(|subleaf| table.lookup(number, subleaf).eax >> 14 & 0xfff).collect()
    };
    let intel = table(&intel(), 3, 2);
    assert_eq!(sharing(4, &intel), [0, 0, 0, 3]);
    assert_eq!(intel.lookup(4, 3).ecx, 0x4fff);
    assert_eq!(intel.lookup(4, 4), Leaf::default());
    let amd = table(&amd(), 3, 2);
    assert_eq!(sharing(0x8000_001d, &amd), [0, 0, 0, 2]);
    assert_eq!(amd.lookup(0x8000_001d, 4), Leaf::default());
    assert_eq!(amd.lookup(0x8000_001e, 0), leaf(2, 2, 0, 0));
    assert_eq!(amd.lookup(4, 0), Leaf::default());
}

#[test]
fn unknown_topology_levels_echo_ecx_and_the_id() {
    let table = table(&amd(), 4, 3);
    assert_eq!(table.lookup(0xb, 2), leaf(0, 0, 2, 3));
    assert_eq!(table.lookup(0xb, 0x1ff), leaf(0, 0, 0xff, 3));
}

#[test]
fn xsave_sizes_follow_xcr0() {
    let mut table = table(&intel(), 1, 0);
    assert_eq!(table.lookup(0xd, 0), leaf(0xe7, 576, 0xa80, 0));
    // XSAVEOPT, XSAVEC, XGETBV; no XSAVES, so no supervisor states.
    assert_eq!(table.lookup(0xd, 1), leaf(7, 576, 0, 0));
    table.set_xcr0(7);
    assert_eq!((table.lookup(0xd, 0).ebx, table.lookup(0xd, 1).ebx), (0x340, 0x340));
    table.set_xcr0(0xe7);
    // Compacted: 576 + 256 + 64, aligned to 64, + 512 + 1024.
    assert_eq!((table.lookup(0xd, 0).ebx, table.lookup(0xd, 1).ebx), (0xa80, 2432));
    assert_eq!(table.lookup(0xd, 2), leaf(0x100, 0x240, 0, 0));
    assert_eq!(table.lookup(0xd, 6), leaf(0x200, 0x480, 2, 0));
    // PKRU, MPX, AMX stay hidden.
    for hidden in [3, 4, 8, 9, 17, 18, 62] {
        assert_eq!(table.lookup(0xd, hidden), Leaf::default());
    }
}

#[test]
fn without_xsave_there_is_no_leaf_d() {
    let table = table(&bare(), 1, 0);
    assert_eq!(table.lookup(0xd, 0), Leaf::default());
    assert_eq!(table.lookup(1, 0).ecx >> 26 & 1, 0);
}

#[test]
fn dynamic_bits() {
    let mut amd = table(&amd(), 1, 0);
    let bit = |table: &CpuidTable| (table.lookup(1, 0).ecx >> 27 & 1, table.lookup(1, 0).edx >> 9 & 1);
    assert_eq!(bit(&amd), (0, 1));
    amd.set_osxsave(true);
    amd.set_apic_enabled(false);
    assert_eq!(bit(&amd), (1, 0));
    assert_eq!(amd.lookup(0x8000_0001, 0).edx >> 9 & 1, 0);
    amd.set_osxsave(false);
    amd.set_apic_enabled(true);
    assert_eq!(bit(&amd), (0, 1));
    assert_eq!(amd.lookup(0x8000_0001, 0).edx >> 9 & 1, 1);
}

#[test]
fn above_the_highest_leaf() {
    let amd = table(&amd(), 1, 0);
    for absent in [0xe, 0x20, 0x1000, 0x3fff_ffff, 0x5000_0000, 0x7fff_ffff, 0x8000_0020, u32::MAX] {
        assert_eq!(amd.lookup(absent, 0), Leaf::default(), "{absent:#x}");
    }
    // The highest basic leaf of this host is 0x16, which is hidden.
    let shown = table(&intel(), 1, 0);
    assert_eq!(shown.lookup(0, 0).eax, 0x16);
    assert_eq!(shown.lookup(0x17, 0), shown.lookup(0x16, 0));
    // With 0x1f as the highest, its subleaves answer.
    let table = table(&greedy_intel(), 4, 2);
    assert_eq!(table.lookup(0, 0).eax, 0x1f);
    for absent in [0x20, 0x3fff_ffff, 0x5000_0000, 0x8000_0022, u32::MAX] {
        assert_eq!(table.lookup(absent, 1), table.lookup(0x1f, 1), "{absent:#x}");
    }
    assert_eq!(levels(&table, 0x1f), (4, 2, 2));
}

#[test]
fn descriptions_pass() {
    let intel = table(&intel(), 2, 0);
    assert_eq!(intel.lookup(1, 0).eax, 0x50654);
    assert_eq!(intel.lookup(1, 0).ebx & 0xffff, 0x800);
    assert_eq!(intel.lookup(2, 0).eax, 0x7603_6301);
    assert_eq!(intel.lookup(0x8000_0002, 0).eax, 0x6574_6e49);
    assert_eq!(intel.lookup(0x8000_0008, 0).eax, 48 << 8 | 0x2e);
    assert_eq!(intel.physical_address_bits(), 46);
    assert_eq!(intel.vendor(), Vendor::Intel);
}

#[test]
fn no_leaf_and_no_host_fails() {
    for host in [amd(), intel(), bare(), greedy_amd(), greedy_intel()] {
        let mut table = table(&host, 0, 255);
        table.set_xcr0(u64::MAX);
        for number in (0..0x100).flat_map(|low| [low, 0x4000_0000 + low, 0x8000_0000 + low, u32::MAX - low]) {
            for subleaf in [0, 1, 2, 7, 63, 64, u32::MAX] {
                let _ = table.lookup(number, subleaf);
            }
        }
    }
}
