//! Feature bits: what Phalanx provides is there on every host, what it does not virtualise is hidden.

use guest_rt::cpuid;
use guest_rt::report::Sweep;

/// Leaf, subleaf, register (0 = EAX … 3 = EDX), bit, name.
type Bit = (u32, u32, usize, u32, &'static str);

const PROVIDED: [Bit; 8] = [
    (1, 0, 2, 21, "x2APIC"),
    (1, 0, 2, 24, "TSC-deadline"),
    (1, 0, 2, 31, "hypervisor"),
    (1, 0, 3, 9, "APIC"),
    (1, 0, 3, 12, "MTRR"),
    (6, 0, 0, 2, "ARAT"),
    (7, 0, 1, 1, "TSC_ADJUST"),
    (0x8000_0007, 0, 3, 8, "invariant TSC"),
];

const HIDDEN: [Bit; 52] = [
    (1, 0, 2, 2, "DTES64"),
    (1, 0, 2, 3, "MONITOR"),
    (1, 0, 2, 4, "DS-CPL"),
    (1, 0, 2, 5, "VMX"),
    (1, 0, 2, 6, "SMX"),
    (1, 0, 2, 7, "EIST"),
    (1, 0, 2, 8, "TM2"),
    (1, 0, 2, 11, "SDBG"),
    (1, 0, 2, 14, "xTPR"),
    (1, 0, 2, 15, "PDCM"),
    (1, 0, 2, 18, "DCA"),
    (1, 0, 3, 18, "PSN"),
    (1, 0, 3, 21, "DS"),
    (1, 0, 3, 22, "ACPI"),
    (1, 0, 3, 29, "TM"),
    (1, 0, 3, 31, "PBE"),
    (7, 0, 1, 2, "SGX"),
    (7, 0, 1, 4, "HLE"),
    (7, 0, 1, 11, "RTM"),
    (7, 0, 1, 12, "RDT-M"),
    (7, 0, 1, 14, "MPX"),
    (7, 0, 1, 15, "RDT-A"),
    (7, 0, 1, 25, "Intel PT"),
    (7, 0, 2, 3, "PKU"),
    (7, 0, 2, 4, "OSPKE"),
    (7, 0, 2, 5, "WAITPKG"),
    (7, 0, 2, 7, "CET shadow stacks"),
    (7, 0, 2, 13, "TME"),
    (7, 0, 2, 16, "LA57"),
    (7, 0, 2, 24, "bus-lock detection"),
    (7, 0, 2, 29, "ENQCMD"),
    (7, 0, 2, 30, "SGX launch control"),
    (7, 0, 2, 31, "PKS"),
    (7, 0, 3, 5, "UINTR"),
    (7, 0, 3, 18, "PCONFIG"),
    (7, 0, 3, 19, "architectural LBR"),
    (7, 0, 3, 20, "CET branch tracking"),
    (7, 0, 3, 22, "AMX-BF16"),
    (7, 0, 3, 24, "AMX-TILE"),
    (7, 0, 3, 29, "ARCH_CAPABILITIES"),
    (7, 0, 3, 30, "CORE_CAPABILITIES"),
    (0xd, 1, 0, 3, "XSAVES"),
    (0x8000_0001, 0, 2, 2, "SVM"),
    (0x8000_0001, 0, 2, 3, "extended APIC space"),
    (0x8000_0001, 0, 2, 10, "IBS"),
    (0x8000_0001, 0, 2, 12, "SKINIT"),
    (0x8000_0001, 0, 2, 13, "watchdog"),
    (0x8000_0001, 0, 2, 15, "LWP"),
    (0x8000_0001, 0, 2, 23, "core performance counters"),
    (0x8000_0001, 0, 2, 24, "northbridge performance counters"),
    (0x8000_0001, 0, 2, 29, "MONITORX"),
    (0x8000_0007, 0, 3, 7, "hardware P-states"),
];

/// Bits that need one another.
const IMPLIED: [(Bit, Bit); 6] = [
    ((1, 0, 2, 28, "AVX"), (1, 0, 2, 26, "XSAVE")),
    ((7, 0, 1, 5, "AVX2"), (1, 0, 2, 28, "AVX")),
    ((1, 0, 2, 12, "FMA"), (1, 0, 2, 28, "AVX")),
    ((1, 0, 2, 29, "F16C"), (1, 0, 2, 28, "AVX")),
    ((7, 0, 1, 16, "AVX512F"), (7, 0, 1, 5, "AVX2")),
    ((7, 0, 1, 10, "INVPCID"), (1, 0, 2, 17, "PCID")),
];

fn is_set(&(leaf, subleaf, register, bit, _): &Bit) -> bool {
    let limit = if leaf >= 0x8000_0000 { 0x8000_0000 } else { 0 };
    let l = cpuid::read(leaf, subleaf);
    cpuid::read(limit, 0).eax >= leaf && [l.eax, l.ebx, l.ecx, l.edx][register] >> bit & 1 != 0
}

pub(crate) fn run() {
    let mut sweep = Sweep::new("cpuid-features");
    for bit in &PROVIDED {
        sweep.expect(bit.4, is_set(bit), true);
    }
    for bit in &HIDDEN {
        sweep.expect(bit.4, is_set(bit), false);
    }
    for (bit, needs) in &IMPLIED {
        sweep.judge(!is_set(bit) || is_set(needs), bit.4, format_args!("without {}", needs.4));
    }
    sweep.finish();
}
