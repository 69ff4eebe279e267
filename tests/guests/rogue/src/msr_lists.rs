//! Which MSRs exist, and values that they refuse.

/// What RDMSR gives.
#[derive(Clone, Copy)]
pub(crate) enum Value {
    /// Any value.
    Any,
    /// This one.
    Is(u64),
    /// These bits of it.
    Bits(u64, u64),
}

use Value::{Any, Bits, Is};

/// MSRs that every guest has.
pub(crate) const PRESENT: [(u32, Value); 24] = [
    (0x10, Any),                        // TSC
    (0x11, Any),                        // KVM wall clock, old number
    (0x12, Any),                        // KVM system time, old number
    (0x1b, Is(0xfee0_0900)),            // APIC_BASE: enabled, bootstrap processor, xAPIC mode
    (0x3b, Any),                        // TSC_ADJUST
    (0xfe, Any),                        // MTRRcap
    (0x174, Any),                       // SYSENTER_CS
    (0x175, Any),                       // SYSENTER_ESP
    (0x176, Any),                       // SYSENTER_EIP
    (0x277, Is(0x0007_0406_0007_0406)), // PAT at reset
    (0x2ff, Any),                       // MTRR default type
    (0x6e0, Is(0)),                     // TSC deadline, disarmed
    (0x4b56_4d00, Any),                 // KVM wall clock
    (0x4b56_4d01, Any),                 // KVM system time
    (0xc000_0080, Bits(0x1500, 0x500)), // EFER: LME, LMA; no SVME
    (0xc000_0081, Any),                 // STAR
    (0xc000_0082, Any),                 // LSTAR
    (0xc000_0083, Any),                 // CSTAR
    (0xc000_0084, Any),                 // SFMASK
    (0xc000_0100, Any),                 // FS.base
    (0xc000_0101, Any),                 // GS.base
    (0xc000_0102, Any),                 // kernel GS.base
    (0xc000_0103, Any),                 // TSC_AUX
    (0x17a, Any),                       // MCG_STATUS
];

/// MSRs that may be there: real systems probe them, and an answer or #GP are both defined.
pub(crate) fn is_optional(msr: u32) -> bool {
    matches!(
        msr,
        0x0 | 0x1                         // Pentium machine check
            | 0x17 | 0x2a | 0x2c | 0xcd | 0xce  // platform ids and ratios
            | 0x3a                        // feature control
            | 0x48 | 0x49 | 0x10a | 0x10b | 0x122 | 0x123 | 0x140 // speculation and capabilities
            | 0x79 | 0x8b                 // microcode
            | 0xe7 | 0xe8                 // MPERF, APERF
            | 0x179 | 0x17b | 0x400..=0x47f // machine check
            | 0x186..=0x18d | 0xc1..=0xc8 // performance counters
            | 0x198 | 0x199 | 0x19a..=0x19c | 0x1a0 | 0x1a2 | 0x1b0 | 0x1b1 // power and thermal, MISC_ENABLE
            | 0x1d9 | 0x1db..=0x1de | 0x1c9 | 0x1fc // debug control, last branch
            | 0x200..=0x21f | 0x250 | 0x258 | 0x259 | 0x268..=0x26f // MTRRs
            | 0x34 | 0x35 | 0x606 | 0x60f..=0x650 | 0xda0
            | 0xc000_0104                 // TSC ratio
            | 0xc001_0000..=0xc001_0007   // AMD performance counters
            | 0xc001_0010 | 0xc001_0015..=0xc001_001f // SYSCFG, HWCR, IORR, TOP_MEM, NB_CFG
            | 0xc001_0020                 // microcode loader
            | 0xc001_0030..=0xc001_0035   // name string
            | 0xc001_0055 | 0xc001_0058 | 0xc001_0061..=0xc001_006b // interrupt pending, MMIO config, P-states
            | 0xc001_0114 | 0xc001_0140 | 0xc001_0141 // VM_CR, OS-visible workarounds
            | 0xc001_1020..=0xc001_102f   // LS_CFG to DE_CFG
    )
}

/// x2APIC's range, which the x2APIC group covers.
pub(crate) const X2APIC: core::ops::RangeInclusive<u32> = 0x800..=0x8ff;

/// Writes that raise #GP: register, value, why.
pub(crate) const REFUSED: [(u32, u64, &str); 25] = [
    (0x1b, 0xfee0_0901, "APIC_BASE bit 0"),
    (0x1b, 0xfee0_0500, "x2APIC without enable"),
    (0x1b, 0xfed0_0900, "APIC moved"),
    (0x1b, 0x1_fee0_0900, "APIC above 4 GiB"),
    (0x1b, 1 << 63 | 0xfee0_0900, "APIC_BASE bit 63"),
    (0xc000_0080, 0x1500, "EFER.SVME"),
    (0xc000_0080, 0x2500, "EFER.LMSLE"),
    (0xc000_0080, 0x502, "EFER bit 1"),
    (0xc000_0080, 0x700, "EFER bit 9"),
    (0xc000_0080, 0x8500, "EFER.TCE"),
    (0xc000_0080, 1 << 63 | 0x500, "EFER bit 63"),
    (0xc000_0080, u64::MAX, "EFER all ones"),
    (0xc000_0080, 0x401, "EFER.LME cleared while paging"),
    (0xc000_0080, 0, "EFER cleared while paging"),
    (0x277, 0x0007_0406_0007_0402, "PAT type 2"),
    (0x277, 0x0307_0406_0007_0406, "PAT type 3"),
    (0x277, 0x0008_0406_0007_0406, "PAT type 8"),
    (0x277, u64::MAX, "PAT all ones"),
    (0xfe, 0, "MTRRcap is read-only"),
    (0x2ff, 0x2, "MTRR type 2"),
    (0x2ff, 0x1006, "MTRR default bit 12"),
    (0x2ff, 1 << 63, "MTRR default bit 63"),
    (0x250, 0x0202_0202_0202_0202, "fixed MTRR type 2"),
    (0x6e1, 0, "no such register"),
    (0x4b56_4d02, 1, "asynchronous page faults"),
];
