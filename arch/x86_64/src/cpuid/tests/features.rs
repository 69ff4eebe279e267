//! What passes, what is hidden, and what the registers make of it.

use super::hosts::{amd, bare, greedy_amd, greedy_intel, intel, leaf, table};
use crate::cpuid::{Feature, Leaf};

/// The bits of `word`.
fn bits(word: u32) -> std::vec::Vec<u8> {
    (0..32).filter(|bit| word >> bit & 1 != 0).collect()
}

#[test]
fn a_host_with_every_bit_gives_exactly_the_policy() {
    for host in [greedy_amd(), greedy_intel()] {
        let table = table(&host, 1, 0);
        let one = table.lookup(1, 0);
        // Hidden: DTES64, MONITOR, DS-CPL, VMX, SMX, EIST, TM2, CNXT-ID, SDBG, xTPR, PDCM, DCA; OSXSAVE follows CR4.
        assert_eq!(bits(!one.ecx), [2, 3, 4, 5, 6, 7, 8, 10, 11, 14, 15, 16, 18, 27]);
        // Hidden: PSN, DS, ACPI, TM, PBE and reserved bits; HTT says that there is one vCPU.
        assert_eq!(bits(!one.edx), [10, 18, 20, 21, 22, 28, 29, 30, 31]);
        let seven = table.lookup(7, 0);
        // Hidden: SGX, HLE, RTM, RDT-M, MPX, RDT-A, PT.
        assert_eq!(bits(!seven.ebx), [2, 4, 11, 12, 14, 15, 22, 25]);
        assert_eq!(bits(seven.ecx), [0, 1, 2, 6, 8, 9, 10, 11, 12, 14, 22]);
        assert_eq!(bits(seven.edx), [2, 3, 4, 8, 10, 14, 23]);
        assert_eq!(seven.eax, 1);
        let extended = table.lookup(0x8000_0001, 0);
        // Hidden: SVM, extended APIC, OSVW, IBS, SKINIT, WDT, LWP, TCE, node id, counters, MWAITX.
        assert_eq!(bits(extended.ecx), [0, 4, 5, 6, 7, 8, 11, 16, 21, 22]);
        assert_eq!(table.lookup(0x8000_0007, 0), leaf(0, 0, 0, 1 << 8));
        assert_eq!(table.lookup(6, 0), leaf(1 << 2, 0, 0, 0));
    }
}

#[test]
fn leaves_of_hidden_features_are_empty() {
    for host in [greedy_amd(), greedy_intel()] {
        let table = table(&host, 2, 1);
        // MONITOR, direct cache access, PMU, RDT, SGX, PT, TSC and frequency, key locker, AMX.
        for hidden in [3, 5, 9, 0xa, 0xf, 0x10, 0x12, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e]
        {
            for subleaf in 0..3 {
                assert_eq!(table.lookup(hidden, subleaf), Leaf::default(), "{hidden:#x}.{subleaf}");
            }
        }
        // SVM, IBS, LWP, memory encryption, RDT.
        for hidden in [0x8000_000a, 0x8000_001b, 0x8000_001c, 0x8000_001f, 0x8000_0020] {
            assert_eq!(table.lookup(hidden, 0), Leaf::default(), "{hidden:#x}");
        }
    }
}

#[test]
fn what_phalanx_provides_is_there_on_every_host() {
    let table = table(&bare(), 1, 0);
    assert_eq!(bits(table.lookup(1, 0).ecx), [21, 24, 31]);
    assert_eq!(bits(table.lookup(1, 0).edx), [9, 12]);
    assert_eq!(bits(table.lookup(7, 0).ebx), [1]);
    assert_eq!(table.lookup(0x8000_0007, 0).edx, 1 << 8);
    assert_eq!(table.physical_address_bits(), 36);
    assert_eq!(table.lookup(0, 0).eax, 0xb);
    assert_eq!(table.lookup(0x8000_0000, 0).eax, 0x8000_0008);
}

#[test]
fn cr4_and_efer_follow_the_leaves() {
    let everything = table(&greedy_amd(), 1, 0);
    // Not: LA57 (12), VMXE (13), SMXE (14), PKE (22), CET (23), PKS (24), UINTR (25).
    assert_eq!(everything.cr4_valid_bits(), 0x37_0fff);
    // Not: SVME (12), LMSLE (13), TCE (15).
    assert_eq!(everything.efer_valid_bits(), 0x4d01);
    let nothing = table(&bare(), 1, 0);
    assert_eq!(nothing.cr4_valid_bits(), 1 << 8);
    assert_eq!(nothing.efer_valid_bits(), 0);
    let host = table(&amd(), 1, 0);
    assert_eq!(host.cr4_valid_bits() & (1 << 11 | 1 << 17), 0, "neither UMIP nor PCID");
    assert_ne!(host.cr4_valid_bits() & (1 << 18 | 1 << 20 | 1 << 21), 0);
    assert!(host.has(Feature::GIGABYTE_PAGES) && !host.has(Feature::UMIP));
}

#[test]
fn xcr0_values() {
    let intel = table(&intel(), 1, 0);
    assert_eq!(intel.xcr0_supported(), 0xe7);
    for valid in [1, 3, 7, 0xe7] {
        assert!(intel.xcr0_valid(valid), "{valid:#x}");
    }
    // No x87; AVX without SSE; parts of AVX-512; AVX-512 without AVX; PKRU; MPX; AMX.
    for invalid in [0, 2, 6, 5, 0x27, 0x67, 0xe3, 0xe1, 0x207, 0x1f, 0x6_0007, 1 << 63 | 1] {
        assert!(!intel.xcr0_valid(invalid), "{invalid:#x}");
    }
    let amd = table(&amd(), 1, 0);
    assert!(amd.xcr0_valid(7) && !amd.xcr0_valid(0xe7));
    let none = table(&bare(), 1, 0);
    assert!(!none.xcr0_valid(1) && none.xcr0_supported() == 0);
}

#[test]
fn hypervisor_leaves() {
    for host in [amd(), intel()] {
        let table = table(&host, 1, 0);
        let text = |at: u32| {
            let Leaf { ebx, ecx, edx, .. } = table.lookup(at, 0);
            [ebx, ecx, edx].map(u32::to_le_bytes).concat()
        };
        assert_eq!(text(0x4000_0000), b"KVMKVMKVM\0\0\0");
        assert_eq!(table.lookup(0x4000_0000, 0).eax, 0x4000_0001);
        assert_eq!(table.lookup(0x4000_0001, 0), leaf(0x0100_000b, 0, 0, 0));
        assert_eq!(text(0x4000_0100), b"PhalanxPhlnx");
        assert_eq!(table.lookup(0x4000_0100, 0).eax, 0x4000_0101);
        assert_eq!(table.lookup(0x4000_0101, 0), leaf(1, 0, 0, 0));
        assert_eq!(table.lookup(0x4000_0002, 0), Leaf::default());
        assert_eq!(table.lookup(0x4fff_ffff, 0), Leaf::default());
    }
}
