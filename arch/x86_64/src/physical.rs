//! From a pointer into the direct map to the physical address behind it.
#![forbid(unsafe_code)]

use phalanx_arch_api::Hpa;

use crate::host::paging::DIRECT_MAP;

/// The physical address of what `pointer` points to: something in the direct map, as all of the kernel's heap is.
pub fn physical_address<T>(pointer: *const T) -> Hpa {
    Hpa::new((pointer.addr() as u64).wrapping_sub(DIRECT_MAP))
}
