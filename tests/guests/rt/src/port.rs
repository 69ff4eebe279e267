//! Port I/O. Nothing behind a port of this machine reaches memory by itself, so the functions are safe.

use core::arch::asm;

macro_rules! port {
    ($read:ident, $write:ident, $type:ty, $register:tt) => {
        #[doc = concat!("IN of ", stringify!($type), ".")]
        #[inline(always)]
        pub fn $read(port: u16) -> $type {
            let value: $type;
            // SAFETY: see the module's first line.
            unsafe { asm!(concat!("in ", $register, ", dx"), in("dx") port, out($register) value, options(nostack)) };
            value
        }

        #[doc = concat!("OUT of ", stringify!($type), ".")]
        #[inline(always)]
        pub fn $write(port: u16, value: $type) {
            // SAFETY: see the module's first line.
            unsafe { asm!(concat!("out dx, ", $register), in("dx") port, in($register) value, options(nostack)) };
        }
    };
}

port!(read8, write8, u8, "al");
port!(read16, write16, u16, "ax");
port!(read32, write32, u32, "eax");

/// Masks both 8259s, which a PC's firmware may leave running; without them the writes go nowhere.
pub(crate) fn mask_pics() {
    write8(0x21, 0xff);
    write8(0xa1, 0xff);
}
