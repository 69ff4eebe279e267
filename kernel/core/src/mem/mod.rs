//! Physical memory: who owns which frame, guest RAM, and the second-level tables that show it to a guest.
//!
//! | module | what |
//! |---|---|
//! | `frame` | frames with their state in the type; the only unsafe code of this crate |
//! | `allocator` | free extents: allocate, free, merge, account |
//! | `guest_ram` | a domain's RAM: bounds-checked copies, never a borrow |
//! | `table_pool` | a domain's quota of second-level tables |
//! | `second_level` | the second-level address space of a domain |

mod allocator;
#[allow(unsafe_code)]
mod frame;
mod guest_ram;
mod second_level;
mod table_pool;

#[cfg(test)]
pub(crate) mod tests;

pub use allocator::{AllocError, FrameAllocator, Memory};
pub use frame::{Extent, Free, Guest, Hypervisor, PhysMap, State};
pub use guest_ram::{GuestRam, MAX_REGIONS, Placement, RamError};
pub use second_level::{AddressSpace, BuildError};
