//! The policy: which of the host's feature bits a guest sees.
//!
//! A bit passes if the guest can use the feature without help, or with help that Phalanx gives. Everything that is not
//! listed is hidden: VMX, SVM, MONITOR, performance counters, tracing, SGX, TSX, CET, protection keys, 5-level paging,
//! MPX, RDT, AMX, supervisor XSAVE states, the speculation-control MSRs, and whatever is invented next.
//!
//! Bit positions: Intel SDM vol. 2A, CPUID; AMD APM vol. 3, appendix E.

use phalanx_abi::{cpuid, hypercall};

use super::Leaf;

/// A feature bit: its name in the manuals, its position.
type Bit = (&'static str, u8);

/// Leaf 1 ECX bit 27 follows CR4.OSXSAVE.
pub(super) const OSXSAVE_BIT: u8 = 27;
/// Leaf 1 EDX bit 9 follows APIC_BASE.
pub(super) const APIC_BIT: u8 = 9;
/// Leaf 1 EDX bit 28: more than one logical processor in the package.
pub(super) const HTT_BIT: u8 = 28;
/// Leaf 0x8000_0001 ECX bit 1, AMD: the same.
pub(super) const CMP_LEGACY_BIT: u8 = 1;
/// Leaf 0x8000_0001 ECX bit 22, AMD: leaves 0x8000_001d and 0x8000_001e exist.
pub(super) const TOPOLOGY_EXTENSIONS_BIT: u8 = 22;

/// A register of a leaf: host bits that pass, bits that Phalanx itself provides on every host.
pub(super) struct Word {
    pass: u32,
    provide: u32,
}

impl Word {
    const fn new(pass: &[Bit], provide: &[Bit]) -> Self {
        Self { pass: mask(pass), provide: mask(provide) }
    }

    /// The guest's bits.
    pub(super) const fn apply(&self, host: u32) -> u32 {
        host & self.pass | self.provide
    }
}

const fn mask(bits: &[Bit]) -> u32 {
    let mut mask = 0;
    let mut rest = bits;
    while let [(_, bit), tail @ ..] = rest {
        mask |= 1 << *bit;
        rest = tail;
    }
    mask
}

/// Leaf 1, ECX.
pub(super) const LEAF_1_ECX: Word = Word::new(
    &[
        ("SSE3", 0),
        ("PCLMULQDQ", 1),
        ("SSSE3", 9),
        ("FMA", 12),
        ("CMPXCHG16B", 13),
        ("PCID", 17),
        ("SSE4.1", 19),
        ("SSE4.2", 20),
        ("MOVBE", 22),
        ("POPCNT", 23),
        ("AES", 25),
        ("XSAVE", 26),
        ("AVX", 28),
        ("F16C", 29),
        ("RDRAND", 30),
    ],
    &[("x2APIC", 21), ("TSC-deadline", 24), ("hypervisor", 31)],
);

/// Leaf 1, EDX.
pub(super) const LEAF_1_EDX: Word = Word::new(
    &[
        ("FPU", 0),
        ("VME", 1),
        ("DE", 2),
        ("PSE", 3),
        ("TSC", 4),
        ("MSR", 5),
        ("PAE", 6),
        ("MCE", 7),
        ("CX8", 8),
        ("SEP", 11),
        ("PGE", 13),
        ("MCA", 14),
        ("CMOV", 15),
        ("PAT", 16),
        ("PSE-36", 17),
        ("CLFSH", 19),
        ("MMX", 23),
        ("FXSR", 24),
        ("SSE", 25),
        ("SSE2", 26),
        ("SS", 27),
    ],
    &[("APIC", APIC_BIT), ("MTRR", 12)],
);

/// Leaf 6, EAX: the virtual APIC timer runs whatever the vCPU's idle state.
pub(super) const LEAF_6_EAX: Word = Word::new(&[], &[("ARAT", 2)]);

/// Leaf 7 subleaf 0, EBX.
pub(super) const LEAF_7_EBX: Word = Word::new(
    &[
        ("FSGSBASE", 0),
        ("BMI1", 3),
        ("AVX2", 5),
        ("FDP_EXCPTN_ONLY", 6),
        ("SMEP", 7),
        ("BMI2", 8),
        ("ERMS", 9),
        ("INVPCID", 10),
        ("no FPU CS and DS", 13),
        ("AVX512F", 16),
        ("AVX512DQ", 17),
        ("RDSEED", 18),
        ("ADX", 19),
        ("SMAP", 20),
        ("AVX512_IFMA", 21),
        ("CLFLUSHOPT", 23),
        ("CLWB", 24),
        ("AVX512PF", 26),
        ("AVX512ER", 27),
        ("AVX512CD", 28),
        ("SHA", 29),
        ("AVX512BW", 30),
        ("AVX512VL", 31),
    ],
    &[("TSC_ADJUST", 1)],
);

/// Leaf 7 subleaf 0, ECX.
pub(super) const LEAF_7_ECX: Word = Word::new(
    &[
        ("PREFETCHWT1", 0),
        ("AVX512_VBMI", 1),
        ("UMIP", 2),
        ("AVX512_VBMI2", 6),
        ("GFNI", 8),
        ("VAES", 9),
        ("VPCLMULQDQ", 10),
        ("AVX512_VNNI", 11),
        ("AVX512_BITALG", 12),
        ("AVX512_VPOPCNTDQ", 14),
        ("RDPID", 22),
    ],
    &[],
);

/// Leaf 7 subleaf 0, EDX. MD_CLEAR is a property of VERW, not an MSR.
pub(super) const LEAF_7_EDX: Word = Word::new(
    &[
        ("AVX512_4VNNIW", 2),
        ("AVX512_4FMAPS", 3),
        ("FSRM", 4),
        ("AVX512_VP2INTERSECT", 8),
        ("MD_CLEAR", 10),
        ("SERIALIZE", 14),
        ("AVX512_FP16", 23),
    ],
    &[],
);

/// Leaf 7 subleaf 1, EAX.
pub(super) const LEAF_7_1_EAX: Word =
    Word::new(&[("AVX-VNNI", 4), ("AVX512_BF16", 5), ("FZRM", 10), ("FSRS", 11), ("FSRC", 12), ("AVX-IFMA", 23)], &[]);

/// Leaf 7 subleaf 1, EDX.
pub(super) const LEAF_7_1_EDX: Word =
    Word::new(&[("AVX-VNNI-INT8", 4), ("AVX-NE-CONVERT", 5), ("AVX-VNNI-INT16", 10)], &[]);

/// Leaf 0xd subleaf 1, EAX.
pub(super) const LEAF_D_1_EAX: Word = Word::new(&[("XSAVEOPT", 0), ("XSAVEC", 1), ("XGETBV with ECX = 1", 2)], &[]);

/// Leaf 0x8000_0001, ECX.
pub(super) const EXTENDED_1_ECX: Word = Word::new(
    &[
        ("LAHF/SAHF", 0),
        ("CR8 by LOCK MOV CR0", 4),
        ("ABM", 5),
        ("SSE4A", 6),
        ("MisAlignSse", 7),
        ("3DNowPrefetch", 8),
        ("XOP", 11),
        ("FMA4", 16),
        ("TBM", 21),
        ("TopologyExtensions", TOPOLOGY_EXTENSIONS_BIT),
    ],
    &[],
);

/// Leaf 0x8000_0001, EDX. AMD repeats part of leaf 1 there.
pub(super) const EXTENDED_1_EDX: Word = Word::new(
    &[
        ("FPU", 0),
        ("VME", 1),
        ("DE", 2),
        ("PSE", 3),
        ("TSC", 4),
        ("MSR", 5),
        ("PAE", 6),
        ("MCE", 7),
        ("CX8", 8),
        ("APIC", APIC_BIT),
        ("SYSCALL", 11),
        ("MTRR", 12),
        ("PGE", 13),
        ("MCA", 14),
        ("CMOV", 15),
        ("PAT", 16),
        ("PSE-36", 17),
        ("NX", 20),
        ("MmxExt", 22),
        ("MMX", 23),
        ("FXSR", 24),
        ("FFXSR", 25),
        ("1-GiB pages", 26),
        ("RDTSCP", 27),
        ("LM", 29),
        ("3DNowExt", 30),
        ("3DNow", 31),
    ],
    &[],
);

/// Leaf 0x8000_0007, EDX. The TSC is the hypervisor's own time base, so every host that runs has it constant.
pub(super) const EXTENDED_7_EDX: Word = Word::new(&[], &[("invariant TSC", 8)]);

/// Leaf 0x8000_0008, EBX.
pub(super) const EXTENDED_8_EBX: Word = Word::new(&[("CLZERO", 0), ("XsaveErPtr", 2), ("WBNOINVD", 9)], &[]);

/// Leaf 0x8000_0021, EAX.
pub(super) const EXTENDED_21_EAX: Word =
    Word::new(&[("NoNestedDataBp", 0), ("LFENCE serializes", 2), ("NullSelectorClearsBase", 6)], &[]);

/// The leaves of the hypervisor interfaces; others in that range are zero.
pub(super) fn hypervisor_leaf(leaf: u32) -> Leaf {
    let base = |max: u32, [ebx, ecx, edx]: [u32; 3]| Leaf { eax: max, ebx, ecx, edx };
    match leaf {
        cpuid::KVM_BASE => base(cpuid::KVM_MAX, cpuid::KVM_SIGNATURE),
        cpuid::KVM_MAX => Leaf { eax: cpuid::KVM_FEATURES, ..Leaf::default() },
        cpuid::PHALANX_BASE => base(cpuid::PHALANX_MAX, cpuid::PHALANX_SIGNATURE),
        cpuid::PHALANX_MAX => Leaf { eax: hypercall::ABI_VERSION, ..Leaf::default() },
        _ => Leaf::default(),
    }
}
