//! The processor's own switches, set the same on every CPU.

use phalanx_arch_api::Hpa;
use x86_64::registers::control::{Cr0, Cr0Flags, Cr3, Cr3Flags, Cr4, Cr4Flags, EferFlags};
use x86_64::structures::paging::PhysFrame;

use super::instr::{self, Msr};
use super::paging::Features;

/// The power-on value of the page attribute table: entry 0 is write-back, entry 3 uncached (Intel SDM vol. 3A, 13.12.4).
const POWER_ON_PAT: u64 = 0x0007_0406_0007_0406;

/// What page tables can express on this processor (CPUID 0x8000_0001, EDX).
#[must_use]
pub(super) fn paging_features() -> Features {
    let edx = instr::cpuid(0x8000_0001, 0).edx;
    Features { gigabyte_pages: edx & 1 << 26 != 0, no_execute: edx & 1 << 20 != 0 }
}

/// The CR4 of the host, given CPUID leaf 1 ECX and leaf 7 EBX and ECX.
///
/// User mode does not exist here, so SMEP, SMAP and UMIP cost nothing; they end whatever would pretend to be one.
#[must_use]
pub(super) fn control_register_4(leaf_1_ecx: u32, leaf_7_ebx: u32, leaf_7_ecx: u32) -> Cr4Flags {
    let mut flags = Cr4Flags::PHYSICAL_ADDRESS_EXTENSION
        | Cr4Flags::MACHINE_CHECK_EXCEPTION
        | Cr4Flags::PAGE_GLOBAL
        | Cr4Flags::OSFXSR
        | Cr4Flags::OSXMMEXCPT_ENABLE;
    flags.set(Cr4Flags::OSXSAVE, leaf_1_ecx & 1 << 26 != 0);
    flags.set(Cr4Flags::SUPERVISOR_MODE_EXECUTION_PROTECTION, leaf_7_ebx & 1 << 7 != 0);
    flags.set(Cr4Flags::SUPERVISOR_MODE_ACCESS_PREVENTION, leaf_7_ebx & 1 << 20 != 0);
    flags.set(Cr4Flags::USER_MODE_INSTRUCTION_PREVENTION, leaf_7_ecx & 1 << 2 != 0);
    flags
}

/// Puts the processor into the host's mode of operation with the page tables at `root`, and forgets all translations.
///
/// # Safety
/// The tables at `root` map this code, the stack in use and all that is referred to. The processor is in 64-bit mode
/// with 4-level paging.
pub(super) unsafe fn enter_host_mode(root: Hpa) {
    let leaf_7 = if instr::cpuid(0, 0).eax >= 7 {
        instr::cpuid(7, 0)
    } else {
        core::arch::x86_64::CpuidResult { eax: 0, ebx: 0, ecx: 0, edx: 0 }
    };
    let cr4 = control_register_4(instr::cpuid(1, 0).ecx, leaf_7.ebx, leaf_7.ecx);
    let no_execute = if paging_features().no_execute { EferFlags::NO_EXECUTE_ENABLE.bits() } else { 0 };
    let cr0 = Cr0Flags::PAGING
        | Cr0Flags::WRITE_PROTECT
        | Cr0Flags::NUMERIC_ERROR
        | Cr0Flags::MONITOR_COPROCESSOR
        | Cr0Flags::EXTENSION_TYPE
        | Cr0Flags::PROTECTED_MODE_ENABLE;
    // SAFETY: NX is on before tables that use it are; global pages are on after the old tables are gone. The rest
    // restricts user mode or makes errors visible, and the state that CR0 and CR4 give access to is not in use.
    unsafe {
        instr::wrmsr(Msr::EFER, instr::rdmsr(Msr::EFER) | no_execute);
        instr::wrmsr(Msr::PAT, POWER_ON_PAT);
        Cr4::write_raw((cr4 & !Cr4Flags::PAGE_GLOBAL).bits());
        Cr3::write(frame(root), Cr3Flags::empty());
        Cr0::write_raw(cr0.bits());
        Cr4::write_raw(cr4.bits());
    }
}

fn frame(root: Hpa) -> PhysFrame {
    PhysFrame::containing_address(x86_64::PhysAddr::new(root.as_u64()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_processor_has_is_switched_on() {
        let plain = control_register_4(0, 0, 0);
        assert!(plain.contains(Cr4Flags::PAGE_GLOBAL | Cr4Flags::PHYSICAL_ADDRESS_EXTENSION));
        assert!(!plain.intersects(Cr4Flags::OSXSAVE | Cr4Flags::SUPERVISOR_MODE_ACCESS_PREVENTION));
        let full = control_register_4(u32::MAX, u32::MAX, u32::MAX);
        assert!(full.contains(
            Cr4Flags::OSXSAVE
                | Cr4Flags::SUPERVISOR_MODE_EXECUTION_PROTECTION
                | Cr4Flags::SUPERVISOR_MODE_ACCESS_PREVENTION
                | Cr4Flags::USER_MODE_INSTRUCTION_PREVENTION
        ));
    }
}
