//! Software-generated interrupts.

use phalanx_arch_api::VcpuIndex;

use super::Vgic;
use super::bits::{byte, ones_u64, word};
use super::cell::Cell;
use crate::gic::{Gic, ListRegister};

/// An SGI and where it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SgiRequest {
    /// INTID, 0 to 15.
    pub sgi: u32,
    /// The vCPUs that the request names; some of them may not exist.
    pub targets: Targets,
}

/// The vCPUs that an SGI goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Targets {
    /// Bit n: vCPU n.
    Set(u64),
    /// All except the sender.
    Others,
    /// The sender.
    Sender,
}

impl SgiRequest {
    /// ICC_SGI1R_EL1 and ICC_SGI0R_EL1 (IHI 0069 12.2.21): Aff1 and a list of Aff0 below 16, or all others (IRM).
    /// Affinities that no vCPU has name nobody.
    #[inline(always)]
    #[must_use]
    pub const fn from_system_register(value: u64) -> Self {
        /// IRM.
        const ALL_OTHERS: u64 = 1 << 40;
        /// Aff3, RS, Aff2, and all of Aff1 except for 0 to 3.
        const ELSEWHERE: u64 = 0xff << 48 | 0xf << 44 | 0xff << 32 | 0xfc << 16;
        let targets = if value & ALL_OTHERS != 0 {
            Targets::Others
        } else if value & ELSEWHERE != 0 {
            Targets::Set(0)
        } else {
            Targets::Set((value & 0xffff) << (16 * (value >> 16 & 3)))
        };
        Self { sgi: word(value >> 24 & 0xf), targets }
    }

    /// GICD_SGIR (IHI 0048 4.3.15): a list of CPUs, all others, or the sender. The reserved filter names nobody.
    #[inline(always)]
    #[must_use]
    pub const fn from_sgir(value: u32) -> Self {
        let targets = match value >> 24 & 3 {
            0 => Targets::Set((value >> 16 & 0xff) as u64),
            1 => Targets::Others,
            2 => Targets::Sender,
            _ => Targets::Set(0),
        };
        Self { sgi: value & 0xf, targets }
    }
}

impl Vgic {
    /// Sends an SGI for `sender`, which is loaded here. Returns the vCPUs to wake (bit n: vCPU n).
    ///
    /// HOT: to itself, where nothing stands in the way, it is in a list register at once.
    #[inline(always)]
    #[must_use = "vCPUs have to be woken"]
    pub fn send_sgi<G: Gic>(&self, sender: VcpuIndex, request: SgiRequest) -> u64 {
        let me = 1 << (sender.0 & 63);
        let named = match request.targets {
            Targets::Set(set) => set,
            Targets::Others => !me,
            Targets::Sender => me,
        };
        let targets = named & self.everybody;
        if targets & me == 0 {
            return self.post_sgi::<G>(sender, request.sgi, targets);
        }
        let own = self.send_to_itself::<G>(sender, request.sgi);
        if targets == me { own } else { own | self.post_sgi::<G>(sender, request.sgi, targets & !me) }
    }

    #[inline(always)]
    fn send_to_itself<G: Gic>(&self, sender: VcpuIndex, sgi: u32) -> u64 {
        match self.cell(sender) {
            Some(cell) if inject_sgi::<G>(cell, sgi, sender.0) => 0,
            _ => self.send_by_software::<G>(sender, sgi),
        }
    }

    #[inline(never)]
    fn send_by_software<G: Gic>(&self, sender: VcpuIndex, sgi: u32) -> u64 {
        self.change::<G>(sender, |private, _| private.post_sgi(sgi & 15, 1 << source::<G>(sender)))
    }

    #[inline]
    fn post_sgi<G: Gic>(&self, sender: VcpuIndex, sgi: u32, targets: u64) -> u64 {
        for target in ones_u64(targets) {
            if let Some(cell) = self.cells.get(target) {
                cell.post_sgi(G::VERSION, sgi, sender.0);
            }
        }
        targets
    }

    /// Moves SGIs of other vCPUs straight into list registers. Those that cannot are posted again.
    #[inline(always)]
    pub(super) fn take_sgis_directly<G: Gic>(&self, cell: &Cell) -> bool {
        let Some(sgis) = cell.take_only_sgis() else { return false };
        let mut complete = true;
        for sgi in super::bits::ones(sgis) {
            let mut sources = cell.take_sources(G::VERSION, sgi);
            let first = byte(sources.trailing_zeros());
            if sources.is_power_of_two() && inject_sgi::<G>(cell, sgi, first) {
                continue;
            }
            complete &= sources == 0;
            while sources != 0 {
                cell.post_sgi(G::VERSION, sgi, byte(sources.trailing_zeros()));
                sources &= sources - 1;
            }
        }
        complete
    }
}

/// The source in a list register: GICv3 knows none.
#[inline(always)]
const fn source<G: Gic>(sender: VcpuIndex) -> u8 {
    match G::VERSION {
        crate::gic::Version::V2 => sender.0 & 7,
        crate::gic::Version::V3 => 0,
    }
}

#[inline(always)]
fn inject_sgi<G: Gic>(cell: &Cell, sgi: u32, sender: u8) -> bool {
    let source = source::<G>(VcpuIndex(sender));
    cell.inject::<G>(sgi as usize, G::encode(ListRegister { source, ..ListRegister::default() }))
}
