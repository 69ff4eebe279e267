//! Where an exit brings the processor: the host-state area (Intel SDM vol. 3C, section 26.5).

use core::arch::asm;

use x86_64::instructions::segmentation::{CS, DS, ES, FS, GS, SS, Segment};
use x86_64::instructions::tables::{sgdt, sidt};
use x86_64::registers::control::{Cr0, Cr3, Cr4};

use super::enter::exited;
use super::field as f;
use crate::host::instr::{self, Msr};

/// Writes this CPU's state, as it is now, into the current VMCS. RSP follows the vCPU's registers.
///
/// # Safety
/// Called by the CPU that will enter the guest, with its final page tables, GDT, IDT, TSS and GS base.
pub(super) unsafe fn write_state() {
    let cr3 = Cr3::read_raw();
    // SAFETY: these are the values that the host runs with right now, and it goes on at `exited`.
    unsafe {
        f::HOST_CR0.write(Cr0::read_raw());
        f::HOST_CR3.write(cr3.0.start_address().as_u64() | u64::from(cr3.1));
        f::HOST_CR4.write(Cr4::read_raw());
        f::HOST_PAT.write(instr::rdmsr(Msr::PAT));
        f::HOST_EFER.write(instr::rdmsr(Msr::EFER));
        f::HOST_SYSENTER_CS.write(0);
        f::HOST_SYSENTER_ESP.write(0);
        f::HOST_SYSENTER_EIP.write(0);
        f::HOST_RIP.write(exited as unsafe extern "C" fn() as *const () as u64);
        write_segments();
    }
}

/// The selectors and bases.
///
/// # Safety
/// As for [`write_state`].
unsafe fn write_segments() {
    // SAFETY: the caller's promise.
    unsafe {
        f::HOST_CS_SELECTOR.write(CS::get_reg().0);
        f::HOST_SS_SELECTOR.write(SS::get_reg().0);
        f::HOST_DS_SELECTOR.write(DS::get_reg().0);
        f::HOST_ES_SELECTOR.write(ES::get_reg().0);
        f::HOST_FS_SELECTOR.write(FS::get_reg().0);
        f::HOST_GS_SELECTOR.write(GS::get_reg().0);
        f::HOST_FS_BASE.write(instr::rdmsr(Msr::FS_BASE));
        f::HOST_GS_BASE.write(instr::rdmsr(Msr::GS_BASE));
        let task = task_selector();
        f::HOST_TR_SELECTOR.write(task);
        let gdt = sgdt().base.as_u64();
        f::HOST_GDTR_BASE.write(gdt);
        f::HOST_IDTR_BASE.write(sidt().base.as_u64());
        f::HOST_TR_BASE.write(task_base(gdt, task));
    }
}

fn task_selector() -> u16 {
    let selector;
    // SAFETY: reading the register has no effect.
    unsafe { asm!("str {:x}", out(reg) selector, options(nomem, nostack, preserves_flags)) };
    selector
}

/// The base in a 64-bit TSS descriptor (vol. 3A, "TSS Descriptor in 64-Bit Mode").
///
/// # Safety
/// `gdt` is the table in use, and `task` selects a TSS descriptor in it.
unsafe fn task_base(gdt: u64, task: u16) -> u64 {
    let descriptor = (gdt + u64::from(task & !7)) as *const [u64; 2];
    // SAFETY: the caller's promise; the table's descriptors are 8 bytes aligned and 16 bytes long here.
    let [low, high] = unsafe { descriptor.read() };
    low >> 16 & 0xff_ffff | low >> 32 & 0xff00_0000 | high << 32
}
