//! System registers of the host: each has one safe wrapper.
//!
//! What the crate `aarch64-cpu` knows is used from there. The table below holds what it lacks: the CPU interface and the
//! virtual CPU interface of a GICv3 (IHI 0069, 12.2 to 12.4) and two timers, by their encodings, so that no assembler
//! feature is needed.

use aarch64_cpu::registers::{CurrentEL, Readable};

/// Builds a type for each register: name = encoding, access.
macro_rules! system_registers {
    ($($(#[$doc:meta])+ $name:ident = $encoding:literal, $access:ident;)+) => {
        $(
            $(#[$doc])+
            #[derive(Clone, Copy, Debug)]
            pub(super) struct $name;

            impl $name {
                system_registers!($access $encoding);
            }
        )+
    };
    (rw $encoding:literal) => {
        system_registers!(r $encoding);
        system_registers!(w $encoding);
    };
    (r $encoding:literal) => {
        /// The register's value.
        #[inline(always)]
        pub(super) fn read(self) -> u64 {
            let value: u64;
            // SAFETY: reading changes at most the state of an interrupt, and the host owns the interrupt controller.
            unsafe {
                core::arch::asm!(concat!("mrs {}, ", $encoding), out(reg) value, options(nostack, preserves_flags));
            }
            value
        }
    };
    (w $encoding:literal) => {
        /// Writes the register. The caller sees to barriers.
        #[inline(always)]
        pub(super) fn write(self, value: u64) {
            // SAFETY: decides only which interrupts are signalled and when; the host owns the interrupt controller and
            // runs with interrupts masked.
            unsafe {
                core::arch::asm!(concat!("msr ", $encoding, ", {}"), in(reg) value, options(nostack, preserves_flags));
            }
        }
    };
}

system_registers! {
    /// Takes a pending interrupt of group 1.
    IccIar1 = "S3_0_C12_C12_0", r;
    /// Drops the running priority.
    IccEoir1 = "S3_0_C12_C12_1", w;
    /// Deactivates an interrupt.
    IccDir = "S3_0_C12_C11_1", w;
    /// Sends an SGI of group 1.
    IccSgi1r = "S3_0_C12_C11_5", w;
    /// Priority mask.
    IccPmr = "S3_0_C4_C6_0", w;
    /// Binary point of group 1.
    IccBpr1 = "S3_0_C12_C12_3", w;
    /// Control: EOImode.
    IccCtlr = "S3_0_C12_C12_4", w;
    /// Enables group 1.
    IccIgrpen1 = "S3_0_C12_C12_7", w;
    /// Active priorities of group 1.
    IccAp1r0 = "S3_0_C12_C9_0", w;
    /// Whether the system registers are in use.
    IccSreEl2 = "S3_4_C12_C9_5", rw;
    /// Control of the virtual CPU interface.
    IchHcr = "S3_4_C12_C11_0", rw;
    /// What the virtual CPU interface has.
    IchVtr = "S3_4_C12_C11_1", r;
    /// List registers that hold nothing.
    IchElrsr = "S3_4_C12_C11_5", r;
    /// The guest's view of its CPU interface.
    IchVmcr = "S3_4_C12_C11_7", rw;
    /// Active virtual priorities, group 0.
    IchAp0r0 = "S3_4_C12_C8_0", rw;
    /// Active virtual priorities, group 1.
    IchAp1r0 = "S3_4_C12_C9_0", rw;
    /// Shape of the caches.
    CtrEl0 = "CTR_EL0", r;
    /// Comparator of the EL2 physical timer.
    CnthpCval = "CNTHP_CVAL_EL2", w;
    /// Control of the EL1 physical timer without E2H.
    CntpCtl = "CNTP_CTL_EL0", w;
    /// Control of the EL1 physical timer with E2H.
    CntpCtlEl02 = "S3_5_C14_C2_1", w;
    /// Control of the EL1 virtual timer with E2H.
    CntvCtlEl02 = "S3_5_C14_C3_1", w;
}

/// Whether this runs at EL2. Usable at every exception level but EL0.
#[must_use]
pub(super) fn is_at_el2() -> bool {
    CurrentEL.read(CurrentEL::EL) == 2
}
