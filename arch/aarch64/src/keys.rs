//! Pointer-authentication keys: five of 128 bits, on processors that have them (Arm ARM, D8.9 "Pointer authentication").

use crate::register::{mrs, msr};

/// Builds [`Keys`] from the list of registers.
macro_rules! keys {
    ($($field:ident = $name:literal;)+) => {
        /// The keys of a vCPU that is not loaded.
        #[derive(Clone, Copy, Default)]
        pub struct Keys {
            $($field: u64,)+
        }

        impl Keys {
            /// Reads the keys of the vCPU that is loaded.
            pub fn save(&mut self) {
                $(self.$field = mrs!($name);)+
            }

            /// Writes the keys.
            pub fn load(&self) {
                $(msr!($name, self.$field);)+
            }
        }
    };
}

keys! {
    instruction_a_low = "S3_0_C2_C1_0";
    instruction_a_high = "S3_0_C2_C1_1";
    instruction_b_low = "S3_0_C2_C1_2";
    instruction_b_high = "S3_0_C2_C1_3";
    data_a_low = "S3_0_C2_C2_0";
    data_a_high = "S3_0_C2_C2_1";
    data_b_low = "S3_0_C2_C2_2";
    data_b_high = "S3_0_C2_C2_3";
    generic_low = "S3_0_C2_C3_0";
    generic_high = "S3_0_C2_C3_1";
}

impl core::fmt::Debug for Keys {
    /// Keys are secrets of the guest.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Keys")
    }
}

/// Whether the processor has pointer authentication: one of ID_AA64ISAR1_EL1.{APA, API, GPA, GPI} or
/// ID_AA64ISAR2_EL1.{APA3, GPA3} is not 0.
#[must_use]
pub fn present() -> bool {
    const ISAR1: u64 = 0xf << 4 | 0xf << 8 | 0xf << 24 | 0xf << 28;
    const ISAR2: u64 = 0xf << 8 | 0xf << 12;
    mrs!("ID_AA64ISAR1_EL1") & ISAR1 != 0 || mrs!("S3_0_C0_C6_2") & ISAR2 != 0
}
