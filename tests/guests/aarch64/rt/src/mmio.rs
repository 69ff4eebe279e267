//! Device registers: each access is one load or store without write-back, which a hypervisor can tell from its syndrome
//! (Arm ARM, D24.2 "ESR_EL2", ISV).

use core::arch::asm;

macro_rules! access {
    ($read:ident, $write:ident, $type:ty, $load:literal, $store:literal) => {
        #[doc = concat!("Reads a `", stringify!($type), "` at `address`.")]
        #[inline(always)]
        pub fn $read(address: u64) -> $type {
            let value: u64;
            // SAFETY: a device register, or an address behind which nothing is; no memory of the guest.
            unsafe { asm!($load, out(reg) value, in(reg) address, options(nostack)) };
            value as $type
        }

        #[doc = concat!("Writes a `", stringify!($type), "` at `address`.")]
        #[inline(always)]
        pub fn $write(address: u64, value: $type) {
            // SAFETY: as above.
            unsafe { asm!($store, in(reg) u64::from(value), in(reg) address, options(nostack)) };
        }
    };
}

access!(read8, write8, u8, "ldrb {:w}, [{}]", "strb {:w}, [{}]");
access!(read16, write16, u16, "ldrh {:w}, [{}]", "strh {:w}, [{}]");
access!(read32, write32, u32, "ldr {:w}, [{}]", "str {:w}, [{}]");
access!(read64, write64, u64, "ldr {}, [{}]", "str {}, [{}]");
