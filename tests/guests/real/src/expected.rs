//! What the assembler should have seen.

/// The modes in the order of their results, with the value of EFER in each. A mode's results are four words: EBX of CPUID
/// leaf 0, the ABI version, a port that nobody owns, EFER.
pub(crate) const MODES: [(&str, u32); 8] = [
    ("real", 0),
    ("protected-16", 0),
    ("protected-32", 0),
    ("paging-32", 0),
    ("paging-32-small-pages", 0),
    ("pae", 0),
    ("compatibility", 0x500),
    ("long", 0x500),
];

/// The first result of the way down.
pub(crate) const WAY_DOWN: usize = 58;

/// Number, name and value of every other result.
pub(crate) const SLOTS: [(usize, &str, u32); 28] = [
    (32, "segments", 0x600d_cafe),
    (33, "int", 0x1234),
    (34, "real-faults", 0x2041),
    (35, "real-faults-stack", 0),
    (36, "real-insb", 0xffff_ffff),
    (37, "real-unowned-stosb", 0x30),
    (38, "real-unowned", 0xffff_ffff),
    (39, "real-unowned-crossing", 0xffff_0000),
    (40, "lmsw", 0x18),
    (41, "clts", 0x10),
    (42, "lmsw-keeps-pe", 0x11),
    (43, "protected-gp-code", 0),
    (44, "protected-gp-stack", 0),
    (45, "protected-unowned", 0xffff_ffff),
    (46, "paging-window", 0x600d_cafe),
    (47, "paging-pf-code", 2),
    (48, "paging-pf-address", 0x41_0004),
    (49, "paging-unowned", 0xffff_ffff),
    (50, "pae-first", 0xaaaa_aaaa),
    (51, "pae-other-table", 0xbbbb_bbbb),
    (52, "pae-cr3", 0xaaaa_aaaa),
    (53, "pae-pge-on", 0xbbbb_bbbb),
    (54, "pae-pge-off", 0xaaaa_aaaa),
    (55, "pae-paging-again", 0xbbbb_bbbb),
    (56, "pae-absent-code", 0),
    (57, "pae-absent-address", 0x4000_0000),
    (58, "down-efer", 0x100),
    (59, "down-efer-cleared", 0),
];
