//! The registers that a guest reaches without a trap, as a table: the guest's programs are made of it.

/// Builds a list of names with values for two vCPUs, and two pieces of a program: one writes the values at X3, reads what
/// became of them and leaves it at X2; the other reads them again to X2. Both use X1.
macro_rules! registers {
    ($list:ident, $write:ident, $read:ident: $($name:literal = $one:expr, $other:expr;)+) => {
        /// Name, and the values of two vCPUs.
        pub(crate) const $list: &[(&str, [u64; 2])] = &[$(($name, [$one, $other])),+];

        macro_rules! $write {
            () => {
                concat!($(
                    "ldr x1, [x3], #8\nmsr ", $name, ", x1\nisb\nmrs x1, ", $name, "\nstr x1, [x2], #8\n"
                ),+)
            };
        }

        macro_rules! $read {
            () => {
                concat!($("mrs x1, ", $name, "\nstr x1, [x2], #8\n"),+)
            };
        }
    };
}

// The stage-1 MMU stays off, data little-endian, FP on, and the timer masked: the program has to go on.
registers! { SYSTEM, write_system, read_system:
    "sctlr_el1" = 0x30c5_0838 | 1 << 14 | 1 << 26, 0x30c5_0838 | 1 << 15;
    "cpacr_el1" = 3 << 20, 3 << 20 | 1 << 28;
    "ttbr0_el1" = 0x1111_4444_0000, 0x2222_5555_0000;
    "ttbr1_el1" = 0x1212_4141_0000, 0x2323_5252_0000;
    "tcr_el1" = 0x5_b510_3510, 0x2_8080_0019;
    "mair_el1" = 0x0123_4567_89ab_cdef, 0xff44_0c08_0400_bbee;
    "amair_el1" = 0x77, 0x88;
    "vbar_el1" = 0x4000_0000_1000, 0x4444_0000_2800;
    "elr_el1" = 0xdead_beef_0123_4567, 0x0f0f_1e1e_2d2d_3c3c;
    "spsr_el1" = 0x6000_03c5, 0x9000_0344;
    "esr_el1" = 0x9600_0046, 0x5600_1234;
    "far_el1" = 0xffff_8000_1234_5678, 0x1357_9bdf_0246_8ace;
    "afsr0_el1" = 0x11, 0x22;
    "afsr1_el1" = 0x33, 0x44;
    "contextidr_el1" = 0x1234_5678, 0x8765_4321;
    "cntkctl_el1" = 0x2a1, 0x142;
    "cntv_cval_el0" = 0x1111_2222_3333_4444, 0x5555_6666_7777_8888;
    "cntv_ctl_el0" = 2, 0;
    "sp_el0" = 0xaaaa_0000_1111_2220, 0xbbbb_3333_4444_5550;
    "tpidr_el0" = 0x1010_2020_3030_4040, 0x5050_6060_7070_8080;
    "tpidrro_el0" = 0x0101_0202_0303_0404, 0x0505_0606_0707_0808;
    "tpidr_el1" = 0xf0e0_d0c0_b0a0_9080, 0x7060_5040_3020_1000;
    "par_el1" = 0x5678_9000, 0x1234_5000;
    "csselr_el1" = 2, 1;
    "fpcr" = 1 << 24, 1 << 22 | 1 << 25;
    "fpsr" = 0x1f, 1 << 27;
}

registers! { KEYS, write_keys, read_keys:
    "S3_0_C2_C1_0" = 0x1001_1111, 0x2001_1111;
    "S3_0_C2_C1_1" = 0x1002_1111, 0x2002_1111;
    "S3_0_C2_C1_2" = 0x1003_1111, 0x2003_1111;
    "S3_0_C2_C1_3" = 0x1004_1111, 0x2004_1111;
    "S3_0_C2_C2_0" = 0x1005_1111, 0x2005_1111;
    "S3_0_C2_C2_1" = 0x1006_1111, 0x2006_1111;
    "S3_0_C2_C2_2" = 0x1007_1111, 0x2007_1111;
    "S3_0_C2_C2_3" = 0x1008_1111, 0x2008_1111;
    "S3_0_C2_C3_0" = 0x1009_1111, 0x2009_1111;
    "S3_0_C2_C3_1" = 0x100a_1111, 0x200a_1111;
}
