//! The guest's interrupt controller: distributor, redistributors and the list registers behind them, GICv2 and GICv3.
//!
//! The guest acknowledges and ends interrupts in hardware (the virtual CPU interface, [`crate::gic::Gic`]). What is left
//! are the registers in memory, and which interrupts are in the few list registers. An interrupt is either *listed* (a
//! list register holds its state, on the CPU where its vCPU is loaded) or in software (`bank::Bank`). A slow path
//! *folds* all list registers back into software, changes what it has to, and *fills* them again by priority.
//!
//! ```text
//! lines, SGIs, MMIO ──▶ Bank (private: one a vCPU; shared: two) ──fill──▶ list registers ──▶ guest
//!                                        ▲─────────────────fold───────────────┘
//! timer, SGI, nothing in the way ──────────────────────────────direct──────────▲
//! ```
//!
//! | file | what |
//! |---|---|
//! | `bank`, `private`, `shared` | state of interrupts |
//! | `cell` | what belongs to one vCPU, and the direct way into a list register |
//! | `fold`, `fill`, `choice` | between software and list registers |
//! | `timer`, `line`, `sgi` | where interrupts come from |
//! | `switch`, `wakes` | vCPUs that come, go and sleep |
//! | `map`, `access`, `distributor`, `redistributor` | registers in memory |
//!
//! **Locks**: the private state of a vCPU, then the shared state; never two private ones at once. What one vCPU does to
//! another (SGIs, SPIs, its redistributor) is written down and flagged in the other's attention word; the caller wakes
//! the vCPUs in the returned set (bit n: vCPU n), and they [`Vgic::sync`] before they go on. Pending and active states
//! that are in the list registers of another CPU are shown as of its last fold.
//!
//! **Overflow**: where list registers do not suffice, the most important pending interrupt gets one, then active ones,
//! then other pending ones. The maintenance interrupt comes when the listed pending ones are taken (NP) and when the
//! guest ends an active one that is not listed (LRENP); the latter does not say which: it is the most important one
//! (exact with EOImode 0; with EOImode 1, the count of active interrupts is right and their order is a guess).
//!
//! What is chosen where the manuals leave a choice: PPIs are level-triggered; GICv2: SGIs are always enabled, an SPI with
//! several targets goes to the lowest one; GICv3: DS = 1, ARE = 1, no LPIs, no 1-of-N routing, all interrupts are in
//! group 1 after a reset, and a sleeping redistributor (`GICR_WAKER`) still forwards.
#![forbid(unsafe_code)]
#![deny(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation
)]

mod access;
mod bank;
mod bits;
mod cell;
mod choice;
mod distributor;
mod fill;
mod fold;
mod identity;
mod line;
mod map;
mod private;
mod redistributor;
mod sgi;
mod shared;
mod switch;
mod timer;
mod wakes;

#[cfg(test)]
mod tests;

use alloc::boxed::Box;
use core::sync::atomic::{AtomicU32, Ordering};

use phalanx_arch_api::VcpuIndex;
use spin::Mutex;

pub use access::GicAnswer;
pub use map::{GICD_BASE, GICD_BYTES, GICR_BASE, GICR_FRAME_BYTES};
pub use sgi::{SgiRequest, Targets};
pub use timer::VIRTUAL_TIMER;

use crate::gic::Version;
use cell::Cell;
use shared::Shared;

/// First INTID behind the SPIs.
pub const INTIDS: u32 = 96;

/// Most vCPUs of one domain (IHI 0048 4.3.2: GICv2 names 8 in a byte).
const fn most_vcpus(version: Version) -> usize {
    match version {
        Version::V2 => 8,
        Version::V3 => 64,
    }
}

/// The interrupt controller of one domain. Nothing is allocated after [`Vgic::new`].
#[derive(Debug)]
pub struct Vgic {
    version: Version,
    /// GICD_TYPER.
    typer: u32,
    /// The vCPUs that exist.
    everybody: u64,
    /// GICD_CTLR: EnableGrp0 and EnableGrp1.
    control: AtomicU32,
    cells: Box<[Cell]>,
    shared: Mutex<Shared>,
}

impl Vgic {
    /// The controller of a domain with this many vCPUs (at least one; 8 for GICv2, 64 for GICv3 at most), as after a reset.
    #[must_use]
    pub fn new(version: Version, vcpus: usize) -> Self {
        let vcpus = vcpus.clamp(1, most_vcpus(version));
        Self {
            version,
            typer: identity::typer(version, vcpus),
            everybody: u64::MAX >> (64 - vcpus),
            control: AtomicU32::new(0),
            cells: (0..vcpus).map(|_| Cell::new(version)).collect(),
            shared: Mutex::new(Shared::new(version, vcpus)),
        }
    }

    /// As at power-on. No vCPU is loaded.
    pub fn reset(&self) {
        self.control.store(0, Ordering::Relaxed);
        self.cells.iter().for_each(|cell| cell.reset(self.version));
        *self.shared.lock() = Shared::new(self.version, self.cells.len());
    }

    #[inline(always)]
    fn cell(&self, vcpu: VcpuIndex) -> Option<&Cell> {
        self.cells.get(usize::from(vcpu.0))
    }

    /// EnableGrp0 and EnableGrp1 of GICD_CTLR.
    fn groups(&self) -> bank::Groups {
        bank::Groups::from_bits(self.control.load(Ordering::Relaxed))
    }

    /// Flags the vCPUs in the set for a [`Vgic::sync`]; the same set, to be woken.
    fn alert(&self, vcpus: u64) -> u64 {
        for index in bits::ones_u64(vcpus) {
            if let Some(cell) = self.cells.get(index) {
                cell.alert();
            }
        }
        vcpus
    }
}
