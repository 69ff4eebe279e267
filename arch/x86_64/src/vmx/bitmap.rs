//! The MSR bitmap: which MSRs a guest reaches without an exit (Intel SDM vol. 3C, section 26.6.9).

use core::ops::RangeInclusive;

use alloc::boxed::Box;

use phalanx_arch_api::Hpa;
use spin::Once;

use crate::physical::physical_address;

/// Four quarters of 1 KiB: reads of low MSRs, reads of high ones (C000_0000H and up), writes of low, writes of high.
#[repr(C, align(4096))]
struct MsrBitmap([u8; 4096]);

const WRITES: usize = 2048;
const HIGH: usize = 1024;

/// Reads and writes of these do not exit: SYSENTER_CS, ESP, EIP; STAR, LSTAR, CSTAR, FMASK; FS, GS and kernel GS base.
/// The VMCS switches some of them, the others are switched with the vCPU; none means anything to the host.
const PASSED: [u32; 10] =
    [0x174, 0x175, 0x176, 0xc000_0081, 0xc000_0082, 0xc000_0083, 0xc000_0084, 0xc000_0100, 0xc000_0101, 0xc000_0102];
/// Switched with the vCPU, where the processor has it.
const TSC_AUX: u32 = 0xc000_0103;
/// Only reads do not exit: the hardware adds the offset.
const TSC: u32 = 0x10;

impl MsrBitmap {
    /// Everything exits.
    const fn new() -> Self {
        Self([0xff; 4096])
    }

    /// Lets reads through.
    fn pass_read(&mut self, msr: u32) {
        self.pass(0, msr);
    }

    /// Lets writes through.
    fn pass_write(&mut self, msr: u32) {
        self.pass(WRITES, msr);
    }

    fn pass(&mut self, half: usize, msr: u32) {
        let quarter = if msr >= 0xc000_0000 { half + HIGH } else { half };
        let bit = (msr & 0x1fff) as usize;
        self.0[quarter + bit / 8] &= !(1 << (bit % 8));
    }

    fn usual(tsc_aux: bool) -> Self {
        let mut map = Self::new();
        for msr in PASSED.into_iter().chain(tsc_aux.then_some(TSC_AUX)) {
            map.pass_read(msr);
            map.pass_write(msr);
        }
        map.pass_read(TSC);
        map
    }

    fn with_apic(tsc_aux: bool) -> Self {
        let mut map = Self::usual(tsc_aux);
        APIC_READS.into_iter().flatten().for_each(|msr| map.pass_read(msr));
        APIC_WRITES.into_iter().for_each(|msr| map.pass_write(msr));
        map
    }
}

/// x2APIC registers that read without an exit: what the page holds is what software would answer. The others fault, do not
/// exist or count down.
const APIC_READS: [RangeInclusive<u32>; 8] = [
    0x802..=0x803,
    0x808..=0x808,
    0x80a..=0x80a,
    0x80d..=0x80d,
    0x80f..=0x828,
    0x830..=0x830,
    0x832..=0x838,
    0x83e..=0x83e,
];
/// TPR, EOI and SELF IPI: the processor carries these writes out (vol. 3C, section 31.5).
const APIC_WRITES: [u32; 3] = [0x808, 0x80b, 0x83f];

static MAP: Once<Hpa> = Once::new();

static APIC_MAP: Once<Hpa> = Once::new();

/// The bitmap for a vCPU in x2APIC mode whose registers the processor answers. Built by the first call, at boot.
pub fn with_apic(tsc_aux: bool) -> Hpa {
    *APIC_MAP.call_once(|| physical_address(&raw const *Box::leak(Box::new(MsrBitmap::with_apic(tsc_aux)))))
}

/// The usual bitmap, the same for all guests. Built by the first call, at boot.
pub fn usual(tsc_aux: bool) -> Hpa {
    *MAP.call_once(|| physical_address(&raw const *Box::leak(Box::new(MsrBitmap::usual(tsc_aux)))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_where_the_manual_puts_them() {
        let map = MsrBitmap::usual(true);
        assert_eq!(map.0[0x174 / 8], 0b1000_1111);
        assert_eq!(map.0[2048 + 0x174 / 8], 0b1000_1111);
        assert_eq!(map.0[1024 + 0x80 / 8], 0b1110_0001, "EFER exits");
        assert_eq!(map.0[3072 + 0x100 / 8], 0b1111_0000);
        assert_eq!((map.0[2], map.0[2048 + 2]), (0xfe, 0xff), "the TSC is read only");
        assert_eq!(MsrBitmap::usual(false).0[1024 + 0x100 / 8], 0b1111_1000);
    }
}
