//! The APIC-access page: the page of a guest's address space whose accesses the processor answers from the virtual-APIC page
//! (Intel SDM vol. 3C, section 31.4).
//!
//! The second-level tables of a domain map it for all its vCPUs, but it means something only to those in xAPIC mode: to any
//! other it would be memory. So it is there while all vCPUs are in xAPIC mode, and is taken away when the first one leaves.
//! The others go on without the processor's help then: their accesses fault, and software answers them.

use core::sync::atomic::{AtomicU64, Ordering};

use alloc::boxed::Box;
use phalanx_arch_api::table::{Entry, Level, Mapping, MemoryType, Permissions, TableFormat};
use phalanx_arch_api::{Gpa, Hpa};
use spin::Once;

use super::ept::ExtendedPaging;
use crate::apic_window::ApicWindow;
use crate::host::direct_map;
use crate::physical::physical_address;
use crate::vlapic::DEFAULT_BASE;

/// Whose contents nobody reads or writes: the processor only compares addresses with it.
#[repr(C, align(4096))]
struct AccessPage([u8; 4096]);

static PAGE: Once<Hpa> = Once::new();

/// The APIC-access page, one for all guests. Allocated by the first call, at boot.
pub(super) fn page() -> Hpa {
    *PAGE.call_once(|| physical_address(&raw const *Box::leak(Box::new(AccessPage([0; 4096])))))
}

/// How a domain's tables map it.
pub(super) fn mapping() -> Mapping<Gpa> {
    Mapping {
        input: Gpa::new(DEFAULT_BASE),
        output: page(),
        bytes: 4096,
        permissions: Permissions::RW,
        memory_type: MemoryType::WriteBack,
    }
}

/// Finds the entry that maps the page in the tables at `root`; `None` where they do not map it.
///
/// # Safety
/// `root` is the root of complete extended page tables that live for ever, and nobody else changes that entry.
pub(super) unsafe fn find(root: Hpa) -> Option<ApicWindow> {
    let (mut table, mut level) = (root, Level::L4);
    loop {
        let entry = direct_map(table).cast::<AtomicU64>().wrapping_add(level.index(DEFAULT_BASE));
        // SAFETY: the caller's promise: `table` is a table, all of which lie in the direct map.
        let entry: &'static AtomicU64 = unsafe { &*entry };
        match ExtendedPaging::decode(level, entry.load(Ordering::Relaxed)) {
            Entry::Table(next) => (table, level) = (next, level.below()?),
            // SAFETY: the caller's promise, and the page is the APIC-access page.
            Entry::Leaf { output, .. } => return (output == page()).then(|| unsafe { ApicWindow::new(entry) }),
            Entry::Absent => return None,
        }
    }
}
