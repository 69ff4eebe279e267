//! Guest-virtual addresses, translated as the vCPU's registers say at this moment.
#![forbid(unsafe_code)]

use phalanx_arch_api::{Gpa, GuestMemory, Gva};

use crate::cpuid::Feature;
use crate::registers::RFLAGS_AC;
use crate::vcpu::{Control, Injection, Vcpu};
use crate::walk::{self, Access, AccessKind, Limits, Paging, PagingRegisters, WalkError, error_code};

/// What an access is for.
pub use crate::walk::AccessKind as Intent;

/// Vector of a page fault.
const PAGE_FAULT: u8 = 14;

/// The paging mode that the vCPU is in.
pub fn paging<C: Control>(vcpu: &Vcpu<C>) -> Paging {
    let control = &vcpu.control;
    let registers =
        PagingRegisters { cr0: control.cr0(), cr3: control.cr3(), cr4: control.cr4(), efer: control.efer() };
    let limits = Limits {
        physical_bits: vcpu.cpuid.physical_address_bits(),
        gigabyte_pages: vcpu.cpuid.has(Feature::GIGABYTE_PAGES),
    };
    Paging::new(&registers, limits)
}

/// The guest-physical address of `linear`, with the rights of the code that runs.
///
/// # Errors
/// The exception that the guest takes; CR2 is set where it is a page fault.
pub fn translate<C: Control>(
    vcpu: &mut Vcpu<C>,
    memory: &impl GuestMemory,
    linear: u64,
    kind: AccessKind,
) -> Result<Gpa, Injection> {
    let access =
        Access { kind, user: vcpu.control.cpl() == 3, alignment_check: vcpu.control.rflags() & RFLAGS_AC != 0 };
    walk::translate(memory, &paging(vcpu), Gva::new(linear), access).map_err(|error| exception(vcpu, error, linear))
}

/// The exception for a walk that failed at `linear`.
///
/// A table outside RAM reads as all-ones, as on an empty bus: an entry that is present and has reserved bits set.
pub fn exception<C: Control>(vcpu: &mut Vcpu<C>, error: WalkError, linear: u64) -> Injection {
    let (address, code) = match error {
        WalkError::Fault(fault) => (fault.address.as_u64(), fault.error_code),
        WalkError::Unbacked(_) => (linear, error_code::PRESENT | error_code::RESERVED),
        WalkError::NonCanonical => return Injection::general_protection(),
    };
    vcpu.control.set_cr2(address);
    Injection::fault_with_code(PAGE_FAULT, code)
}
