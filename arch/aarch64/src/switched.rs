//! The registers that a guest uses directly and that change hands with the vCPU.
//!
//! | group | when |
//! |---|---|
//! | EL1 system registers, thread pointers, stack pointers | [`El1State`], at every change of the vCPU |
//! | FP and SIMD | [`crate::fp::FpState`], likewise; the hypervisor itself uses none of them |
//! | pointer authentication keys | [`crate::keys::Keys`], where the processor has them |
//!
//! Reset values: Arm ARM, D24.2 (each register's "reset" paragraph); what is UNKNOWN after a reset is zero here, so that
//! nothing of an earlier life is left.

use crate::register::{mrs, msr};

/// Builds [`El1State`] from one table: field, name at EL1, encoding when VHE is in use, reset value.
macro_rules! el1_state {
    ($($(#[$doc:meta])+ $field:ident = $plain:literal, $vhe:literal, $reset:expr;)+) => {
        /// The EL1 and EL0 system registers of a vCPU that is not loaded.
        #[derive(Clone, Copy, Debug)]
        pub struct El1State {
            $($(#[$doc])+ pub $field: u64,)+
        }

        impl El1State {
            /// As after a reset.
            pub const RESET: Self = Self { $($field: $reset,)+ };

            /// Reads the registers of the vCPU that is loaded.
            pub fn save(&mut self, vhe: bool) {
                if vhe {
                    $(self.$field = mrs!($vhe);)+
                } else {
                    $(self.$field = mrs!($plain);)+
                }
            }

            /// Writes the registers.
            pub fn load(&self, vhe: bool) {
                if vhe {
                    $(msr!($vhe, self.$field);)+
                } else {
                    $(msr!($plain, self.$field);)+
                }
            }
        }
    };
}

/// SCTLR_EL1 with MMU and caches off: the bits that are RES1 in Armv8.0 (Arm ARM, D24.2.151).
const SCTLR_RESET: u64 = 0x30c5_0838;

el1_state! {
    /// System control.
    sctlr = "SCTLR_EL1", "S3_5_C1_C0_0", SCTLR_RESET;
    /// Access to FP and SIMD.
    cpacr = "CPACR_EL1", "S3_5_C1_C0_2", 0;
    /// Table base, lower half.
    ttbr0 = "TTBR0_EL1", "S3_5_C2_C0_0", 0;
    /// Table base, upper half.
    ttbr1 = "TTBR1_EL1", "S3_5_C2_C0_1", 0;
    /// Translation control.
    tcr = "TCR_EL1", "S3_5_C2_C0_2", 0;
    /// Program status before the last exception.
    spsr = "SPSR_EL1", "S3_5_C4_C0_0", 0;
    /// Return address of the last exception.
    elr = "ELR_EL1", "S3_5_C4_C0_1", 0;
    /// Auxiliary fault status.
    afsr0 = "AFSR0_EL1", "S3_5_C5_C1_0", 0;
    /// Auxiliary fault status.
    afsr1 = "AFSR1_EL1", "S3_5_C5_C1_1", 0;
    /// Syndrome of the last exception.
    esr = "ESR_EL1", "S3_5_C5_C2_0", 0;
    /// Faulting address of the last exception.
    far = "FAR_EL1", "S3_5_C6_C0_0", 0;
    /// Memory attributes.
    mair = "MAIR_EL1", "S3_5_C10_C2_0", 0;
    /// Auxiliary memory attributes.
    amair = "AMAIR_EL1", "S3_5_C10_C3_0", 0;
    /// Vector base.
    vbar = "VBAR_EL1", "S3_5_C12_C0_0", 0;
    /// Context for debuggers.
    contextidr = "CONTEXTIDR_EL1", "S3_5_C13_C0_1", 0;
    /// What EL0 may do with the timers.
    cntkctl = "CNTKCTL_EL1", "S3_5_C14_C1_0", 0;
    /// The virtual timer's comparator.
    cntv_cval = "CNTV_CVAL_EL0", "S3_5_C14_C3_2", 0;
    /// The virtual timer's control.
    cntv_ctl = "CNTV_CTL_EL0", "S3_5_C14_C3_1", 0;
    /// Stack pointer of EL0.
    sp_el0 = "SP_EL0", "SP_EL0", 0;
    /// Stack pointer of EL1.
    sp_el1 = "SP_EL1", "SP_EL1", 0;
    /// Thread pointer of EL0.
    tpidr_el0 = "TPIDR_EL0", "TPIDR_EL0", 0;
    /// Thread pointer of EL0 that only EL1 writes.
    tpidrro_el0 = "TPIDRRO_EL0", "TPIDRRO_EL0", 0;
    /// Thread pointer of EL1.
    tpidr_el1 = "TPIDR_EL1", "TPIDR_EL1", 0;
    /// Result of an address translation instruction.
    par = "PAR_EL1", "PAR_EL1", 0;
    /// Which cache CCSIDR describes.
    csselr = "CSSELR_EL1", "CSSELR_EL1", 0;
}

/// Builds functions that read one register of the loaded guest.
macro_rules! readers {
    ($($(#[$doc:meta])+ $read:ident = $plain:literal, $vhe:literal;)+) => {
        $(
            $(#[$doc])+
            pub(crate) fn $read(vhe: bool) -> u64 {
                if vhe { mrs!($vhe) } else { mrs!($plain) }
            }
        )+
    };
}

/// Builds functions that write one register of the loaded guest.
macro_rules! writers {
    ($($(#[$doc:meta])+ $write:ident = $plain:literal, $vhe:literal;)+) => {
        $(
            $(#[$doc])+
            pub(crate) fn $write(vhe: bool, value: u64) {
                if vhe { msr!($vhe, value) } else { msr!($plain, value) }
            }
        )+
    };
}

readers! {
    /// System control.
    sctlr = "SCTLR_EL1", "S3_5_C1_C0_0";
    /// Vector base.
    vbar = "VBAR_EL1", "S3_5_C12_C0_0";
    /// The virtual timer's comparator.
    cntv_cval = "CNTV_CVAL_EL0", "S3_5_C14_C3_2";
    /// The virtual timer's control.
    cntv_ctl = "CNTV_CTL_EL0", "S3_5_C14_C3_1";
}

writers! {
    /// Program status before the guest's last exception.
    set_spsr = "SPSR_EL1", "S3_5_C4_C0_0";
    /// Return address of the guest's last exception.
    set_elr = "ELR_EL1", "S3_5_C4_C0_1";
    /// Syndrome of the guest's last exception.
    set_esr = "ESR_EL1", "S3_5_C5_C2_0";
    /// Faulting address of the guest's last exception.
    set_far = "FAR_EL1", "S3_5_C6_C0_0";
    /// The virtual timer's control.
    set_cntv_ctl = "CNTV_CTL_EL0", "S3_5_C14_C3_1";
}
