//! Instructions that the tests need besides those that the hypervisor has.

use phalanx_arch_api::Gpa;

/// Reads a system register.
macro_rules! mrs {
    ($name:expr) => {{
        let value: u64;
        // SAFETY: the registers that the tests read have no side effect.
        unsafe { ::core::arch::asm!(concat!("mrs {}, ", $name), out(reg) value, options(nomem, nostack)) };
        value
    }};
}
pub(crate) use mrs;

/// Writes a system register, and waits until it counts.
macro_rules! msr {
    ($name:expr, $value:expr) => {{
        let value: u64 = $value;
        // SAFETY: the registers that the tests write concern guests, and timers that nobody else uses.
        unsafe { ::core::arch::asm!(concat!("msr ", $name, ", {}"), "isb", in(reg) value, options(nostack)) };
    }};
}
pub(crate) use msr;

/// Result of an address translation instruction (Arm ARM, D24.2, PAR_EL1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// The frame.
    Frame(u64),
    /// No translation; the level and stage of the tables at which the walk ended.
    Translation {
        /// Level, counted as Arm does.
        level: u8,
        /// In the guests' tables.
        stage2: bool,
    },
    /// The access is not allowed.
    Permission {
        /// Level, counted as Arm does.
        level: u8,
        /// In the guests' tables.
        stage2: bool,
    },
    /// Something else: the fault status.
    Other(u8),
}

fn decode(par: u64) -> Found {
    let (status, level, stage2) = ((par >> 1 & 0x3f) as u8, (par >> 1 & 3) as u8, par & 1 << 9 != 0);
    match (par & 1, status >> 2) {
        (0, _) => Found::Frame(par & 0x000f_ffff_ffff_f000),
        (_, 1) => Found::Translation { level, stage2 },
        (_, 3) => Found::Permission { level, stage2 },
        _ => Found::Other(status),
    }
}

macro_rules! translate {
    ($($(#[$doc:meta])+ $function:ident($address:ident: $kind:ty) = $operation:literal, $bits:expr;)+) => {
        $(
            $(#[$doc])+
            pub(crate) fn $function($address: $kind) -> Found {
                let par: u64;
                // SAFETY: translates an address; accesses nothing behind it.
                unsafe {
                    ::core::arch::asm!(
                        concat!("at ", $operation, ", {0}"), "isb", "mrs {0}, par_el1",
                        inout(reg) $bits => par, options(nostack)
                    );
                }
                decode(par)
            }
        )+
    };
}

translate! {
    /// What a load of the hypervisor would find.
    own_read(address: u64) = "s1e2r", address;
    /// What a store of the hypervisor would find.
    own_write(address: u64) = "s1e2w", address;
    /// What a load of a guest's EL1 would find through both stages.
    guest_read(address: Gpa) = "s12e1r", address.as_u64();
    /// What a store of a guest's EL1 would find through both stages.
    guest_write(address: Gpa) = "s12e1w", address.as_u64();
}

/// Makes all CPUs forget all translations of the guest in VTTBR_EL2.
pub(crate) fn forget_guest() {
    // SAFETY: the processor looks up again what it forgets.
    unsafe { core::arch::asm!("dsb ishst", "tlbi vmalls12e1is", "dsb ish", "isb", options(nostack)) };
}
