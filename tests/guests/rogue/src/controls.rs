//! CR0, CR3 and CR4: what CPUID offers can be set, everything else is #GP.

use core::arch::asm;
use guest_rt::report::{Hex, Sweep};
use guest_rt::trap::{Fault, GP, attempt};
use guest_rt::{cpu, cpuid, start_info};

const CR0_PG: u64 = 1 << 31;
const CR0_CD: u64 = 1 << 30;
const CR0_NW: u64 = 1 << 29;
const CR0_WP: u64 = 1 << 16;
const CR0_AM: u64 = 1 << 18;
const CR0_TS: u64 = 1 << 3;
const CR0_PE: u64 = 1;
const CR4_PAE: u64 = 1 << 5;
const CR4_OSXSAVE: u64 = 1 << 18;

pub(crate) fn run() {
    if start_info::has_word("strict") {
        cr3();
    }
    cr4();
}

/// Writes CR0 and puts it back; the answer is the value that was read in between.
fn set_cr0(value: u64) -> Result<u64, Fault> {
    let before = cpu::read_cr0();
    // SAFETY: each value either faults or keeps paging and protection on.
    attempt(|| unsafe {
        cpu::write_cr0(value);
        let now = cpu::read_cr0();
        cpu::write_cr0(before);
        now
    })
}

fn set_cr4(value: u64) -> Result<u64, Fault> {
    let before = cpu::read_cr4();
    // SAFETY: each value either faults or keeps 4-level paging; no page that is used is a user page.
    attempt(|| unsafe {
        cpu::write_cr4(value);
        let now = cpu::read_cr4();
        cpu::write_cr4(before);
        now
    })
}

/// CR0, a group of its own: a processor that takes a wrong value here does not go on.
pub(crate) fn cr0() {
    let mut sweep = Sweep::new("cr0");
    let cr0 = cpu::read_cr0();
    // Where only selected CR0 writes are intercepted, the processor alone checks the upper half.
    let reserved = if start_info::has_word("strict") { 32..64 } else { 0..0 };
    for bit in reserved {
        sweep.expect(Hex(1 << bit), set_cr0(cr0 | 1 << bit), Err(GP));
    }
    for (name, value) in [
        ("PG without PE", cr0 & !CR0_PE),
        ("no PG in 64-bit mode", cr0 & !CR0_PG),
        ("NW without CD", cr0 & !CR0_CD | CR0_NW),
        ("0", 0),
    ] {
        sweep.expect(name, set_cr0(value), Err(GP));
    }
    for bits in [CR0_CD, CR0_CD | CR0_NW, CR0_WP, CR0_AM, CR0_TS] {
        let value = cr0 & !(CR0_CD | CR0_NW | CR0_WP | CR0_AM | CR0_TS) | bits;
        sweep.expect(Hex(bits), set_cr0(value), Ok(value));
    }
    // SAFETY: LMSW sets TS (nothing uses the FPU here), CLTS clears it.
    unsafe { asm!("lmsw {:x}", in(reg) (cr0 | CR0_TS) as u16, options(nostack)) };
    sweep.expect("LMSW", cpu::read_cr0(), cr0 | CR0_TS);
    // SAFETY: as above.
    unsafe { asm!("clts", options(nostack)) };
    sweep.expect("CLTS", cpu::read_cr0(), cr0 & !CR0_TS);
    // SAFETY: as it was.
    unsafe { cpu::write_cr0(cr0) };
    sweep.finish();
}

/// Bits above the physical address width are reserved. With nested paging the processor alone checks it.
fn cr3() {
    let mut sweep = Sweep::new("cr3");
    let cr3 = cpu::read_cr3();
    for bit in cpuid::physical_bits()..63 {
        // SAFETY: a reserved bit faults before the register changes.
        let got = attempt(|| unsafe { cpu::write_cr3(cr3 | 1 << bit) });
        sweep.expect(Hex(1 << bit), got, Err(GP));
        // SAFETY: as it was, should the write have been taken.
        unsafe { cpu::write_cr3(cr3) };
    }
    sweep.finish();
}

/// CPUID leaf (subleaf 0), register (0 = EAX … 3 = EDX) and bit that each CR4 bit needs.
const CR4_FEATURES: [(u32, u32, usize, u32); 24] = [
    (0, 1, 3, 1),
    (1, 1, 3, 1),
    (2, 1, 3, 4),
    (3, 1, 3, 2),
    (4, 1, 3, 3),
    (6, 1, 3, 7),
    (7, 1, 3, 13),
    (8, 1, 3, 5),
    (9, 1, 3, 24),
    (10, 1, 3, 25),
    (11, 7, 2, 2),
    (13, 1, 2, 5),
    (14, 1, 2, 6),
    (16, 7, 1, 0),
    (17, 1, 2, 17),
    (18, 1, 2, 26),
    (20, 7, 1, 7),
    (21, 7, 1, 20),
    (22, 7, 2, 3),
    (23, 7, 2, 7),
    (24, 7, 2, 31),
    (25, 7, 3, 5),
    (27, 0x1000_0007, 0, 6),
    (28, 0x1000_0007, 0, 26),
];

fn offered(leaf: u32, register: usize, bit: u32) -> bool {
    // The upper half of the number stands for subleaf 1.
    let l = cpuid::read(leaf & 0xff, leaf >> 28);
    [l.eax, l.ebx, l.ecx, l.edx][register] >> bit & 1 != 0
}

fn cr4() {
    let mut sweep = Sweep::new("cr4");
    let cr4 = cpu::read_cr4();
    for bit in (0..64).filter(|bit| 1_u64 << bit != CR4_PAE) {
        let feature = CR4_FEATURES.iter().find(|entry| entry.0 == bit);
        let allowed = feature.is_some_and(|&(_, leaf, register, at)| offered(leaf, register, at));
        let want = if allowed { Ok(cr4 ^ 1 << bit) } else { Err(GP) };
        sweep.expect(Hex(1 << bit), set_cr4(cr4 ^ 1 << bit), want);
    }
    sweep.expect("no PAE in 64-bit mode", set_cr4(cr4 & !CR4_PAE), Err(GP));
    sweep.expect("all ones", set_cr4(u64::MAX), Err(GP));
    let (on, off) = (cpuid::read(1, 0).ecx, set_osxsave_and_read());
    sweep.expect("OSXSAVE in CPUID", off, on ^ 1 << 27);
    sweep.finish();
}

/// Leaf 1 ECX while CR4.OSXSAVE is the opposite of what it is now; unchanged but for bit 27 where there is no XSAVE.
fn set_osxsave_and_read() -> u32 {
    let cr4 = cpu::read_cr4();
    if !cpuid::has_xsave() {
        return cpuid::read(1, 0).ecx ^ 1 << 27;
    }
    // SAFETY: no XSAVE instruction runs in between.
    unsafe { cpu::write_cr4(cr4 ^ CR4_OSXSAVE) };
    let ecx = cpuid::read(1, 0).ecx;
    // SAFETY: as it was.
    unsafe { cpu::write_cr4(cr4) };
    ecx
}
