//! What makes a guest exit.
//!
//! Ports all exit. MSRs exit unless they are switched by VMLOAD/VMSAVE or with the vCPU and mean nothing to the host.

use alloc::boxed::Box;

use phalanx_arch_api::Hpa;
use spin::Once;

use super::vmcb::{misc1, misc2};
use crate::physical::physical_address;

/// Exceptions that exit: #DB and #AC (their delivery can loop in microcode for ever), #MC (it is the host's).
pub const EXCEPTIONS: u32 = 1 << 1 | 1 << 17 | 1 << 18;
/// So many PAUSEs, none more than [`PAUSE_GAP`] cycles behind the one before, are a spinning loop (AMD APM vol. 2, section
/// 15.14.4).
pub const PAUSES: u16 = 3000;
/// See [`PAUSES`]. Processors without the threshold count all PAUSEs since the entry.
pub const PAUSE_GAP: u16 = 128;
/// Writes of CR4.
pub const CONTROL_REGISTER_WRITES: u16 = 1 << 4;

/// First group of instructions and events.
pub const MISC_1: u32 = misc1::INTR
    | misc1::NMI
    | misc1::INIT
    | misc1::CR0_SELECTIVE_WRITE
    | misc1::RDPMC
    | misc1::CPUID
    | misc1::RSM
    | misc1::INVD
    | misc1::HLT
    | misc1::INVLPGA
    | misc1::IOIO
    | misc1::MSR
    | misc1::SHUTDOWN;

/// Second group. VMRUN has to be among them (AMD APM vol. 2, section 15.5.1).
pub const MISC_2: u32 = misc2::VMRUN
    | misc2::VMMCALL
    | misc2::VMLOAD
    | misc2::VMSAVE
    | misc2::STGI
    | misc2::CLGI
    | misc2::SKINIT
    | misc2::WBINVD
    | misc2::MONITOR
    | misc2::MWAIT
    | misc2::MWAIT_CONDITIONAL
    | misc2::XSETBV
    | misc2::RDPRU;

/// One bit a port, for 64 K ports and the bytes that an access at the last one touches.
#[repr(C, align(4096))]
struct PortMap([u8; 3 * 4096]);

/// Two bits an MSR (read, write), in three ranges of 2 KiB (AMD APM vol. 2, section 15.11).
#[repr(C, align(4096))]
struct MsrMap([u8; 2 * 4096]);

/// Reads and writes of these do not exit: SYSENTER_CS, ESP, EIP; STAR, LSTAR, CSTAR, SFMASK; FS, GS and kernel GS base.
const PASSED: [u32; 10] =
    [0x174, 0x175, 0x176, 0xc000_0081, 0xc000_0082, 0xc000_0083, 0xc000_0084, 0xc000_0100, 0xc000_0101, 0xc000_0102];
/// Switched with the vCPU, where the processor has it.
const TSC_AUX: u32 = 0xc000_0103;
/// Only reads do not exit: the hardware adds the offset.
const TSC: u32 = 0x10;

impl MsrMap {
    const fn new() -> Self {
        Self([0xff; 2 * 4096])
    }

    /// Lets reads, and writes if `write`, through.
    fn pass(&mut self, msr: u32, write: bool) {
        let base = match msr {
            0..0x2000 => 0,
            0xc000_0000..0xc000_2000 => 0x800,
            _ => 0x1000,
        };
        let bit = (msr & 0x1fff) as usize * 2;
        let mask = if write { 0b11 } else { 0b01 };
        self.0[base + bit / 8] &= !(mask << (bit % 8));
    }
}

static MAPS: Once<(Hpa, Hpa)> = Once::new();

/// The port map and the MSR map, the same for all guests. Built by the first call, at boot.
pub fn maps(tsc_aux: bool) -> (Hpa, Hpa) {
    *MAPS.call_once(|| {
        let ports = Box::leak(Box::new(PortMap([0xff; 3 * 4096])));
        let msrs = Box::leak(Box::new(MsrMap::new()));
        for msr in PASSED {
            msrs.pass(msr, true);
        }
        if tsc_aux {
            msrs.pass(TSC_AUX, true);
        }
        msrs.pass(TSC, false);
        (physical_address(&raw const *ports), physical_address(&raw const *msrs))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn msr_bits_are_where_the_manual_puts_them() {
        let mut map = MsrMap::new();
        map.pass(0x174, true);
        map.pass(TSC, false);
        map.pass(0xc000_0081, true);
        assert_eq!(map.0[0x5d], 0b1111_1100);
        assert_eq!(map.0[4], 0xfe);
        assert_eq!(map.0[0x820], 0b1111_0011);
    }

    #[test]
    fn efer_exits() {
        let mut map = MsrMap::new();
        for msr in PASSED {
            map.pass(msr, true);
        }
        let bit = 0x80 * 2;
        assert_eq!(map.0[0x800 + bit / 8] >> (bit % 8) & 3, 3);
    }
}
