//! From a guest-virtual to a guest-physical address, by the guest's own page tables.
//!
//! The processor does this for every access of the guest; software has to do it only to fetch an instruction that
//! exited, and for the memory operand of a string instruction whose other operand is a device.
//!
//! Reading only: the accessed and dirty bits are left as they are. For the instruction itself, and for every operand
//! that the processor has touched before the exit, hardware has set them already. To set them for the rest, the
//! hypervisor would have to change tables under a running guest with the processor's own atomicity, for operands
//! that drivers keep in pinned memory.
//!
//! The walk visits each level of a constant list once, so it ends whatever the tables say.
//! Source: Intel SDM vol. 3A, chapter 5; AMD APM vol. 2, chapter 5.
#![forbid(unsafe_code)]

mod entry;
mod fetch;
mod paging;
mod path;
#[cfg(test)]
mod tests;

pub use fetch::{Fetched, fetch};
pub use paging::{Limits, Paging, PagingRegisters};
pub use path::Path;

use entry::{Rights, Step};
use phalanx_arch_api::{Gpa, GuestMemory, Gva, Unbacked};

/// Bits of a page fault's error code (Intel SDM vol. 3A, figure 5-12).
pub mod error_code {
    /// The page is present: a right was missing, or a reserved bit set.
    pub const PRESENT: u32 = 1 << 0;
    /// A write.
    pub const WRITE: u32 = 1 << 1;
    /// From CPL 3.
    pub const USER: u32 = 1 << 2;
    /// A reserved bit was set in a table.
    pub const RESERVED: u32 = 1 << 3;
    /// An instruction fetch, on processors that tell.
    pub const FETCH: u32 = 1 << 4;
}

/// What an access wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessKind {
    /// Read data.
    Read,
    /// Write data.
    Write,
    /// Fetch code.
    Fetch,
}

/// An access, with the rights it is made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// What it does.
    pub kind: AccessKind,
    /// From CPL 3.
    pub user: bool,
    /// RFLAGS.AC is set: supervisor data accesses to user pages are let through SMAP.
    pub alignment_check: bool,
}

/// A page fault to be injected; CR2 is the address that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageFault {
    /// CR2.
    pub address: Gva,
    /// Bits of [`error_code`].
    pub error_code: u32,
}

/// Why there is no translation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WalkError {
    /// #PF.
    Fault(PageFault),
    /// The address is not canonical: #GP(0), or #SS(0) for a stack access.
    NonCanonical,
    /// A table, or the page that was to be copied, is not RAM of this domain.
    Unbacked(Gpa),
}

/// The guest-physical address of `address` for this access.
///
/// # Errors
/// [`WalkError`]; the fault is the one that the processor would raise.
pub fn translate<M: GuestMemory>(memory: &M, paging: &Paging, address: Gva, access: Access) -> Result<Gpa, WalkError> {
    let linear = paging.linear(address.as_u64()).ok_or(WalkError::NonCanonical)?;
    let mut table = paging.root();
    let mut rights = Rights::ALL;
    for level in paging.levels() {
        let location = level.entry_address(table, linear);
        let entry = read_entry(memory, paging, location)?;
        let fault = |cause| WalkError::Fault(paging.fault(address, access, cause));
        match level.step(entry, &paging.rules).map_err(fault)? {
            Step::Table { next, grants } => {
                table = next;
                rights = rights.and(grants);
            }
            Step::Page { start, grants } => {
                if !rights.and(grants).allow(access, &paging.rules) {
                    return Err(fault(error_code::PRESENT));
                }
                return Ok(Gpa::new(start | linear & level.offset_mask()));
            }
        }
    }
    Ok(Gpa::new(linear))
}

fn read_entry<M: GuestMemory>(memory: &M, paging: &Paging, at: u64) -> Result<u64, WalkError> {
    let gpa = Gpa::new(at);
    let entry = if paging.has_wide_entries() { memory.read_u64(gpa) } else { memory.read_u32(gpa).map(u64::from) };
    entry.map_err(|Unbacked| WalkError::Unbacked(gpa))
}
