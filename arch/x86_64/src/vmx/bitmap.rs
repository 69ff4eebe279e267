//! The MSR bitmap: which MSRs a guest reaches without an exit (Intel SDM vol. 3C, section 26.6.9).

use core::ops::RangeInclusive;

use alloc::boxed::Box;

use phalanx_arch_api::Hpa;
use spin::Once;

use crate::physical::physical_address;

/// Four quarters of 1 KiB: reads of low MSRs, reads of high ones (C000_0000H and up), writes of low, writes of high.
#[repr(C, align(4096))]
#[derive(Clone)]
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

    fn and_apic_reads(mut self) -> Self {
        APIC_READS.into_iter().flatten().for_each(|msr| self.pass_read(msr));
        self
    }

    fn and_apic_writes(mut self) -> Self {
        APIC_WRITES.into_iter().for_each(|msr| self.pass_write(msr));
        self
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

/// Which MSRs a guest reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Msrs {
    /// Those that are its own.
    Usual,
    /// And the registers of its local APIC that can be read.
    ApicReads,
    /// And those of them that the processor can write, while it delivers interrupts. Otherwise they would be the host's.
    Apic,
}

static MAPS: Once<[Hpa; 3]> = Once::new();

/// The bitmap, the same for all guests. All of them are built by the first call, at boot.
pub fn of(msrs: Msrs, tsc_aux: bool) -> Hpa {
    let place = |map: MsrBitmap| physical_address(&raw const *Box::leak(Box::new(map)));
    let [usual, reads, apic] = *MAPS.call_once(|| {
        let usual = MsrBitmap::usual(tsc_aux);
        let reads = usual.clone().and_apic_reads();
        let apic = reads.clone().and_apic_writes();
        [place(usual), place(reads), place(apic)]
    });
    match msrs {
        Msrs::Usual => usual,
        Msrs::ApicReads => reads,
        Msrs::Apic => apic,
    }
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
        let apic = map.clone().and_apic_reads().and_apic_writes();
        assert_eq!(apic.0[0x808 / 8], 0b0101_1010, "EOI cannot be read, LDR and SVR can");
        assert_eq!((apic.0[2048 + 0x808 / 8], apic.0[2048 + 0x838 / 8]), (0b1111_0110, 0b0111_1111));
        assert_eq!(map.and_apic_reads().0[2048 + 0x808 / 8], 0xff, "no write without delivery");
        assert_eq!(MsrBitmap::usual(false).0[1024 + 0x100 / 8], 0b1111_1000);
    }
}
