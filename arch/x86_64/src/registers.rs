//! The bits of control registers, EFER, RFLAGS and DR6 that this crate looks at, by the manuals' names (AMD APM vol. 2, sections
//! 3.1.1 to 3.1.7; Intel SDM vol. 3A, section 2.5). Plain numbers, not flags: a guest's value may hold any bits.

use x86_64::registers::control::{Cr0Flags, Cr4Flags, EferFlags};
use x86_64::registers::debug::Dr6Flags;
use x86_64::registers::rflags::RFlags;

macro_rules! bits {
    ($($name:ident = $flag:expr;)+) => {
        $(pub(crate) const $name: u64 = $flag.bits();)+
    };
}

bits! {
    CR0_PE = Cr0Flags::PROTECTED_MODE_ENABLE;
    CR0_WP = Cr0Flags::WRITE_PROTECT;
    CR0_PG = Cr0Flags::PAGING;
    CR4_PSE = Cr4Flags::PAGE_SIZE_EXTENSION;
    CR4_PAE = Cr4Flags::PHYSICAL_ADDRESS_EXTENSION;
    CR4_MCE = Cr4Flags::MACHINE_CHECK_EXCEPTION;
    CR4_PGE = Cr4Flags::PAGE_GLOBAL;
    CR4_LA57 = Cr4Flags::L5_PAGING;
    CR4_PCIDE = Cr4Flags::PCID;
    CR4_OSXSAVE = Cr4Flags::OSXSAVE;
    CR4_SMEP = Cr4Flags::SUPERVISOR_MODE_EXECUTION_PROTECTION;
    CR4_SMAP = Cr4Flags::SUPERVISOR_MODE_ACCESS_PREVENTION;
    EFER_LME = EferFlags::LONG_MODE_ENABLE;
    EFER_LMA = EferFlags::LONG_MODE_ACTIVE;
    EFER_NXE = EferFlags::NO_EXECUTE_ENABLE;
    EFER_SVME = EferFlags::SECURE_VIRTUAL_MACHINE_ENABLE;
    RFLAGS_TF = RFlags::TRAP_FLAG;
    RFLAGS_IF = RFlags::INTERRUPT_FLAG;
    RFLAGS_RF = RFlags::RESUME_FLAG;
    RFLAGS_AC = RFlags::ALIGNMENT_CHECK;
    DR6_BREAKPOINTS = Dr6Flags::TRAP;
    DR6_SINGLE_STEP = Dr6Flags::STEP;
}
