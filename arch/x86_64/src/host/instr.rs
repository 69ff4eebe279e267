//! Instructions that have no Rust spelling, each wrapped once.
//!
//! Reads are safe: the worst that a read of an absent register does is a fault, and a fault in the kernel ends in the
//! crash card. Whatever can change how memory is seen or what the processor does next is `unsafe`.

use core::arch::asm;
use core::arch::x86_64::{__cpuid_count, _rdtsc, CpuidResult};

use x86_64::registers::control::{Cr2, Cr3};
use x86_64::registers::model_specific::Msr as Register;

/// A model-specific register by its number (Intel SDM vol. 4; AMD APM vol. 2, appendix A).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Msr(pub u32);

impl Msr {
    /// Base address and mode of the local APIC.
    pub const APIC_BASE: Self = Self(0x1b);
    /// Page attribute table.
    pub const PAT: Self = Self(0x277);
    /// TSC value at which the local APIC timer fires in TSC-deadline mode.
    pub const TSC_DEADLINE: Self = Self(0x6e0);
    /// First register of the x2APIC; register `offset` of the xAPIC page is at `0x800 + offset / 16`.
    pub const X2APIC_FIRST: Self = Self(0x800);
    /// Extended features: long mode, NX, SVM.
    pub const EFER: Self = Self(0xc000_0080);
    /// Base of FS in 64-bit mode.
    pub const FS_BASE: Self = Self(0xc000_0100);
    /// Base of GS in 64-bit mode.
    pub const GS_BASE: Self = Self(0xc000_0101);
    /// What SWAPGS would exchange with the base of GS.
    pub const KERNEL_GS_BASE: Self = Self(0xc000_0102);
}

/// Reads a model-specific register.
#[inline]
#[must_use]
pub fn rdmsr(msr: Msr) -> u64 {
    // SAFETY: a read changes no memory; an unknown register faults, which the kernel reports and stops at.
    unsafe { Register::new(msr.0).read() }
}

/// Writes a model-specific register.
///
/// # Safety
/// The caller knows what the register does with this value, and that it breaks no mapping or base in use.
#[inline]
pub unsafe fn wrmsr(msr: Msr, value: u64) {
    // SAFETY: passed on to the caller.
    unsafe { Register::new(msr.0).write(value) }
}

/// One leaf of CPUID.
#[inline]
#[must_use]
pub fn cpuid(leaf: u32, subleaf: u32) -> CpuidResult {
    __cpuid_count(leaf, subleaf)
}

/// The counter, not ordered with what stands around it.
#[inline]
#[must_use]
pub fn rdtsc() -> u64 {
    // SAFETY: every x86_64 processor has it, and CR4.TSD does not concern the kernel.
    unsafe { _rdtsc() }
}

/// The counter, read after all earlier loads and before all later instructions.
#[inline]
#[must_use]
pub fn rdtsc_ordered() -> u64 {
    let (low, high): (u32, u32);
    // SAFETY: fences and a counter read; no memory is touched.
    unsafe { asm!("lfence", "rdtsc", "lfence", out("eax") low, out("edx") high, options(nostack, preserves_flags)) };
    u64::from(high) << 32 | u64::from(low)
}

/// Hints that this is a spin loop; an emulator gives its other processors a turn.
#[inline]
pub fn pause() {
    core::hint::spin_loop();
}

/// Disables interrupts.
#[inline]
pub fn cli() {
    x86_64::instructions::interrupts::disable();
}

/// Enables interrupts after the next instruction, waits for one, and disables them again.
///
/// The shadow of STI covers HLT, so an interrupt that arrives between a check made with interrupts disabled and this
/// call ends the wait (Intel SDM vol. 2B, STI).
#[inline]
pub fn sti_hlt_cli() {
    // SAFETY: the handlers of the host touch only their own flags; the block is a compiler barrier for those.
    unsafe { asm!("sti", "hlt", "cli", options(nostack)) };
}

/// Lets pending interrupts in, and disables them again.
#[inline]
pub fn sti_nop_cli() {
    // SAFETY: as for `sti_hlt_cli`.
    unsafe { asm!("sti", "nop", "cli", options(nostack)) };
}

/// Stops this processor for good.
pub fn halt_forever() -> ! {
    loop {
        // SAFETY: nothing runs on this processor any more, and nothing depends on it doing so.
        unsafe { asm!("cli", "hlt", options(nostack, nomem)) };
    }
}

/// The linear address of the last page fault.
#[inline]
#[must_use]
pub fn cr2() -> u64 {
    Cr2::read_raw()
}

/// The page-table root and its flags.
#[inline]
#[must_use]
pub fn cr3() -> u64 {
    let (frame, flags) = Cr3::read_raw();
    frame.start_address().as_u64() | u64::from(flags)
}

/// Drops the translation of one page from this processor's TLB.
#[inline]
pub fn invlpg(address: u64) {
    // SAFETY: forgetting a translation is always allowed; the next use walks the tables.
    unsafe { asm!("invlpg [{}]", in(reg) address, options(nostack, preserves_flags)) };
}

/// Reads an extended control register; XCR0 holds the enabled state components.
#[inline]
#[must_use]
pub fn xgetbv(register: u32) -> u64 {
    let (low, high): (u32, u32);
    // SAFETY: reads a register; faults where CR4.OSXSAVE is clear.
    unsafe {
        asm!("xgetbv", in("ecx") register, out("eax") low, out("edx") high, options(nomem, nostack, preserves_flags));
    }
    u64::from(high) << 32 | u64::from(low)
}

/// Writes an extended control register.
///
/// # Safety
/// `value` must be a combination that CPUID leaf 0xd allows, or the processor faults; state of components that are
/// switched off must not be in use.
#[inline]
pub unsafe fn xsetbv(register: u32, value: u64) {
    let (low, high) = (value as u32, (value >> 32) as u32);
    // SAFETY: passed on to the caller.
    unsafe {
        asm!("xsetbv", in("ecx") register, in("eax") low, in("edx") high, options(nomem, nostack, preserves_flags));
    }
}

/// Saves the state components in `mask` (and XCR0) to `area`.
///
/// # Safety
/// `area` is writable, aligned to 64 bytes and as large as CPUID leaf 0xd says for XCR0.
#[inline]
pub unsafe fn xsave(area: *mut u8, mask: u64) {
    let (low, high) = (mask as u32, (mask >> 32) as u32);
    // SAFETY: passed on to the caller.
    unsafe { asm!("xsave64 [{}]", in(reg) area, in("eax") low, in("edx") high, options(nostack, preserves_flags)) };
}

/// Loads the state components in `mask` (and XCR0) from `area`.
///
/// # Safety
/// As for [`xsave`], and `area` holds what XSAVE wrote; the kernel itself must not use the components.
#[inline]
pub unsafe fn xrstor(area: *const u8, mask: u64) {
    let (low, high) = (mask as u32, (mask >> 32) as u32);
    // SAFETY: passed on to the caller.
    unsafe { asm!("xrstor64 [{}]", in(reg) area, in("eax") low, in("edx") high, options(nostack, preserves_flags)) };
}

/// The frame pointer of the calling function (of the function this is inlined into).
#[inline(always)]
#[must_use]
pub fn frame_pointer() -> u64 {
    let value;
    // SAFETY: copies a register.
    unsafe { asm!("mov {}, rbp", out(reg) value, options(nomem, nostack, preserves_flags)) };
    value
}

/// The stack pointer.
#[inline(always)]
#[must_use]
pub fn stack_pointer() -> u64 {
    let value;
    // SAFETY: copies a register.
    unsafe { asm!("mov {}, rsp", out(reg) value, options(nomem, nostack, preserves_flags)) };
    value
}
