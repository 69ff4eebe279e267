//! Frames with their state in the type.
//!
//! ```text
//! PhysMap::claim ──▶ Extent<Free> ──into_hypervisor──▶ Extent<Hypervisor> ──release (scrubs)──▶ Extent<Free>
//!      (boot)             └────────into_guest────────▶ Extent<Guest> ───────release (scrubs)──▶ Extent<Free>
//! ```
//!
//! An [`Extent`] is the only name of its frames: it cannot be copied, and safe code can only split it, join it and
//! change its state. So two owners of one frame do not compile, whatever the allocator does.
//!
//! # Why this is sound
//! 1. [`PhysMap::claim`] is the only source of extents; its caller promises that the frames are RAM, mapped in the
//!    direct map for ever, and used by nobody else. [`Extent::split`] and [`Extent::join`] keep extents disjoint.
//! 2. Memory of the hypervisor's own extents is reached as [`core::sync::atomic::AtomicU64`] or given away for good.
//! 3. Guest memory is only copied, with relaxed atomic accesses that neither a guest nor another CPU can race with in
//!    a way that the language leaves undefined. While a domain is loaded none of its vCPUs runs and only the loader,
//!    under its lock, touches its memory: [`Extent::scrub_block`] and [`Extent::load_block`] write it as a whole.
//!
//! Dropping an extent loses its frames; they stay allocated in the accounts and nobody ever gets them again.

mod extent;
mod guest;
mod hypervisor;
mod phys_map;

pub use extent::{Extent, Free, Guest, Hypervisor, State};
pub use phys_map::PhysMap;
