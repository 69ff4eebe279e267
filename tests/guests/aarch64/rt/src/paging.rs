//! The guest's own translation tables: 4 KiB granule, 48-bit addresses (Arm ARM, D8.3).
//!
//! Identity map of 512 GiB in 1 GiB blocks: the first is Device memory, the others Normal. The same blocks serve EL0 at
//! [`USER_ALIAS`]. A window of 4 KiB pages shows any physical address. All of it but the window is written when the guest
//! is linked, so that nothing has to be stored before the caches are on.

use core::arch::{asm, global_asm};

/// EL0 sees physical address `a` at `USER_ALIAS + a`.
pub const USER_ALIAS: u64 = 2 << 39;
/// Where the window begins.
const WINDOW: u64 = 1 << 39;
/// Number of 4 KiB pages in the window.
pub const WINDOW_PAGES: usize = 512;
/// First physical address that the identity map does not reach.
pub const IDENTITY_END: u64 = 512 << 30;

/// Descriptor of a page: valid, accessed, executable and writable at EL1, Device-nGnRnE.
pub const DEVICE: u64 = 0x403 | UXN;
/// The same, Normal memory without caches.
pub const UNCACHED: u64 = 0x40b | UXN;
/// The same, Normal memory with caches, inner shareable.
pub const NORMAL: u64 = 0x707 | UXN;
/// Guarded: indirect branches land on BTI only.
pub const GUARDED: u64 = 1 << 50;
const UXN: u64 = 1 << 54;
const OUTPUT: u64 = 0xffff_ffff_f000;

// MAIR_EL1: 0 Device-nGnRnE, 1 Normal write-back, 2 Normal non-cacheable.
// Blocks: AF (0x400), inner shareable (0x300), attribute index in bits 2-4, AP[1] (0x40), PXN bit 53, UXN bit 54.
// SAFETY: data only.
global_asm!(
    r#"
    .section .data.tables, "aw"
    .p2align 12
    .globl guest_arm_root, guest_arm_window
guest_arm_root:
    .quad identity + 3
    .quad window_1 + 3
    .quad user + 3
    .skip 4096 - 24
identity:
    .quad 0x0060000000000401
    .set block, 1
    .rept 511
    .quad (block << 30) + 0x0040000000000705
    .set block, block + 1
    .endr
user:
    .quad 0
    .set block, 1
    .rept 511
    .quad (block << 30) + 0x0020000000000745
    .set block, block + 1
    .endr
window_1:
    .quad window_2 + 3
    .skip 4096 - 8
window_2:
    .quad guest_arm_window + 3
    .skip 4096 - 8
guest_arm_window:
    .skip 4096
    .text
"#
);

// Turns the MMU and the caches on with these tables; changes X0 and X1, stores nothing.
// TCR_EL1: T0SZ 16, write-back, inner shareable, 4 KiB; no TTBR1; IPS as ID_AA64MMFR0_EL1.PARange, 48 bits at most.
// SCTLR_EL1: the RES1 bits of Armv8.0, SP alignment checks, I, C, M.
// SAFETY: the tables map everything where it is.
global_asm!(
    r#"
    .section .text.entry, "ax"
    .globl guest_arm_mmu_on
guest_arm_mmu_on:
    adrp x0, guest_arm_root
    msr ttbr0_el1, x0
    msr ttbr1_el1, xzr
    mov x0, #0xff00
    movk x0, #0x44, lsl #16
    msr mair_el1, x0
    mrs x1, id_aa64mmfr0_el1
    and x1, x1, #7
    cmp x1, #5
    mov x0, #5
    csel x1, x1, x0, lo
    mov x0, #0x3510
    movk x0, #0x90, lsl #16
    orr x0, x0, x1, lsl #32
    msr tcr_el1, x0
    mov x0, #0x183d
    movk x0, #0x30d5, lsl #16
    tlbi vmalle1
    ic iallu
    dsb nsh
    isb
    msr sctlr_el1, x0
    isb
    ret
    .text
"#
);

unsafe extern "C" {
    static mut guest_arm_window: [u64; WINDOW_PAGES];
    static guest_arm_root: u8;
}

/// Physical address of the root table.
pub fn root() -> u64 {
    &raw const guest_arm_root as u64
}

/// Drops all translations of this CPU.
pub fn invalidate() {
    // SAFETY: drops copies of tables that stay as they are.
    unsafe { asm!("dsb ishst", "tlbi vmalle1is", "dsb ish", "isb", options(nostack)) };
}

/// Sets a raw descriptor in `slot` of the window, for tests of malformed ones too; returns the page's address.
pub fn raw_window(slot: usize, descriptor: u64) -> *mut u8 {
    let slot = slot % WINDOW_PAGES;
    let va = WINDOW + slot as u64 * 4096;
    // SAFETY: the window is written by one CPU at a time; the old translation is gone before the new one is used.
    unsafe {
        let entry = (&raw mut guest_arm_window).cast::<u64>().add(slot);
        entry.write_volatile(0);
        asm!("dsb ishst", "tlbi vaae1is, {}", "dsb ish", in(reg) va >> 12, options(nostack));
        entry.write_volatile(descriptor);
        asm!("dsb ishst", "isb", options(nostack));
    }
    va as *mut u8
}

/// Shows the page of physical address `pa` in `slot` of the window with `attributes` ([`DEVICE`] and so on); returns where
/// `pa` is seen.
pub fn window(slot: usize, pa: u64, attributes: u64) -> *mut u8 {
    let page = raw_window(slot, (pa & OUTPUT) | attributes);
    page.wrapping_add((pa & 0xfff) as usize)
}

/// Removes what `slot` of the window shows.
pub fn close_window(slot: usize) {
    raw_window(slot, 0);
}

/// Bits of a physical address here (Arm ARM, D24.2 "ID_AA64MMFR0_EL1", PARange), 48 at most.
pub fn physical_bits() -> u32 {
    [32, 36, 40, 42, 44, 48].get(crate::read_register!("id_aa64mmfr0_el1") as usize & 7).copied().unwrap_or(48)
}
