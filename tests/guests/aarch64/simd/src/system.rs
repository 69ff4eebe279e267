//! Patterns in the system registers of EL1 and EL0 that this guest has no use for.

use crate::pattern::Pattern;
use guest_arm_rt::report::Sweep;
use guest_arm_rt::{read_register, write_register};

/// Builds [`System`] from one table: field, register, bits that take a pattern, condition.
macro_rules! system {
    ($($field:ident = $name:literal, $bits:expr, $present:expr;)+) => {
        /// The watched registers; 0 where the processor lacks one.
        #[derive(Clone, Copy, Default)]
        pub(crate) struct System {
            $($field: u64,)+
        }

        impl System {
            pub(crate) fn from_pattern(pattern: &mut Pattern) -> Self {
                Self { $($field: if $present { pattern.next() & $bits } else { 0 },)+ }
            }

            /// Writes all of it.
            pub(crate) fn load(&self) {
                $(if $present {
                    // SAFETY: the register has no effect on this guest.
                    unsafe { write_register!($name, self.$field) };
                })+
            }

            /// Reads all of it.
            pub(crate) fn store() -> Self {
                Self { $($field: if $present { read_register!($name) & $bits } else { 0 },)+ }
            }

            /// Compares every watched bit.
            pub(crate) fn compare(&self, want: &Self, sweep: &mut Sweep) {
                $(if $present {
                    sweep.expect($name, self.$field, want.$field);
                })+
            }
        }
    };
}

/// Whether the processor has pointer authentication (ID_AA64ISAR1_EL1.APA, API, ID_AA64ISAR2_EL1.APA3).
fn has_keys() -> bool {
    read_register!("id_aa64isar1_el1") & 0xff0 != 0 || read_register!("S3_0_C0_C6_2") >> 12 & 0xf != 0
}

const ALL: u64 = u64::MAX;

// TTBR1_EL1 and the upper bytes of MAIR_EL1 are not used (TCR_EL1.EPD1); PAR_EL1 is written like any other register;
// FAR_EL1 changes at aborts only. APIAKEYLO_EL1 and its nine neighbours are S3_0_C2_C1_0 to S3_0_C2_C3_1.
system! {
    tpidr_el0 = "tpidr_el0", ALL, true;
    tpidrro_el0 = "tpidrro_el0", ALL, true;
    contextidr = "contextidr_el1", 0xffff_ffff, true;
    ttbr1 = "ttbr1_el1", 0xffff_ffff_ffff_fffe, true;
    par = "par_el1", 0xffff_f000, true;
    far = "far_el1", ALL, true;
    key_ia_low = "S3_0_C2_C1_0", ALL, has_keys();
    key_ia_high = "S3_0_C2_C1_1", ALL, has_keys();
    key_ib_low = "S3_0_C2_C1_2", ALL, has_keys();
    key_ib_high = "S3_0_C2_C1_3", ALL, has_keys();
    key_da_low = "S3_0_C2_C2_0", ALL, has_keys();
    key_da_high = "S3_0_C2_C2_1", ALL, has_keys();
    key_db_low = "S3_0_C2_C2_2", ALL, has_keys();
    key_db_high = "S3_0_C2_C2_3", ALL, has_keys();
    key_ga_low = "S3_0_C2_C3_0", ALL, has_keys();
    key_ga_high = "S3_0_C2_C3_1", ALL, has_keys();
}
