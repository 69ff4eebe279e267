//! Operations that leave the guest and come back.

use crate::batch::{Batch, OPERATIONS};
use core::arch::asm;
use guest_arm_rt::gic::{self, gicd, v3};
use guest_arm_rt::{hypercall as phalanx, psci, serial};

/// An address behind which nothing is.
const NOWHERE: u64 = 0x1000_0000;

/// A function that runs `$body` [`OPERATIONS`] times between two readings of the counter. The loop itself is SUBS and
/// B.NE; the reading and the entry of the loop add 1 instruction to the whole batch. Free in the body: X0 to X17; X27
/// holds `$argument`.
macro_rules! exit_loop {
    ($(#[$doc:meta])* $name:ident, $argument:expr, $($body:literal),+) => {
        $(#[$doc])*
        #[inline(never)]
        pub(crate) fn $name() -> Batch {
            let ticks: u64;
            // SAFETY: the operation changes no memory and none of the machine's state; a call from the guest changes X0
            // to X17 only (Arm DEN 0028, 2.6).
            unsafe {
                asm!(
                    "isb", "mrs x20, cntvct_el0",
                    ".p2align 4", "2:", $($body,)+ "subs x21, x21, #1", "b.ne 2b",
                    "mrs x0, cntvct_el0", "sub x20, x0, x20",
                    out("x20") ticks, inout("x21") OPERATIONS => _, in("x27") $argument,
                    out("x0") _, out("x1") _, out("x2") _, out("x3") _, out("x4") _, out("x5") _, out("x6") _,
                    out("x7") _, out("x8") _, out("x9") _, out("x10") _, out("x11") _, out("x12") _, out("x13") _,
                    out("x14") _, out("x15") _, out("x16") _, out("x17") _, options(nostack),
                );
            }
            Batch { ticks, missed: 0 }
        }
    };
}

exit_loop!(
    /// PSCI_VERSION by HVC; the loop is 4 instructions.
    hypercall, u64::from(psci::VERSION), "mov w0, w27", "hvc #0"
);
exit_loop!(
    /// Phalanx's null hypercall; the loop is 4 instructions.
    phalanx_hypercall, phalanx::NULL, "mov w0, w27", "hvc #0x5048"
);
exit_loop!(
    /// ID_AA64PFR0_EL1; the loop is 3 instructions.
    trap, 0_u64, "mrs x0, id_aa64pfr0_el1"
);
exit_loop!(
    /// GICD_TYPER; the loop is 3 instructions.
    gicd_typer, gic::distributor() + gicd::TYPER, "ldr w0, [x27]"
);
exit_loop!(
    /// GICR_TYPER, all 64 bits; the loop is 3 instructions.
    gicr_typer, v3::redistributors() + v3::gicr::TYPER, "ldr x0, [x27]"
);
exit_loop!(
    /// The PL011's flag register; the loop is 3 instructions.
    pl011_flags, serial::FR, "ldr w0, [x27]"
);
exit_loop!(
    /// An address that nobody owns; the loop is 3 instructions.
    unowned, NOWHERE, "ldr w0, [x27]"
);
