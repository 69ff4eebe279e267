//! The four page-directory pointers of PAE paging (Intel SDM vol. 3A, section 5.4.1).
//!
//! The processor keeps them in registers and reads them again at MOV to CR3 and at some writes to CR0 and CR4. Those writes are
//! carried out by the hypervisor, and so is the reading.
#![forbid(unsafe_code)]

use phalanx_arch_api::{Gpa, GuestMemory};

use crate::registers::{CR0_PG, CR4_PAE};
use crate::vcpu::{Control, Injection, Vcpu};

/// Where CR3 points to in PAE paging.
const TABLE: u64 = 0xffff_ffe0;
const PRESENT: u64 = 1;
/// Bits 2:1 and 8:6 are reserved, and those above the physical address; and bit 5, but QEMU's TCG sets it when it walks.
const RESERVED: u64 = 0x1c6;

/// Whether paging is PAE paging with these registers, outside of IA-32e mode.
pub(super) const fn are_used(cr0: u64, cr4: u64) -> bool {
    cr0 & CR0_PG != 0 && cr4 & CR4_PAE != 0
}

/// Reads the pointers at CR3 into the processor.
///
/// # Errors
/// #GP where a present one has reserved bits set; a table outside RAM reads as all-ones, as on an empty bus.
pub(super) fn load<C: Control>(vcpu: &mut Vcpu<C>, memory: &impl GuestMemory) -> Result<(), Injection> {
    let table = vcpu.control.cr3() & TABLE;
    let mut entries = [u64::MAX; 4];
    for (entry, offset) in entries.iter_mut().zip((0..).step_by(8)) {
        *entry = memory.read_u64(Gpa::new(table + offset)).unwrap_or(u64::MAX);
    }
    let reserved = RESERVED | u64::MAX.checked_shl(u32::from(vcpu.cpuid.physical_address_bits())).unwrap_or(0);
    if entries.iter().any(|entry| entry & PRESENT != 0 && entry & reserved != 0) {
        return Err(Injection::general_protection());
    }
    vcpu.control.set_page_directory_pointers(entries);
    Ok(())
}
