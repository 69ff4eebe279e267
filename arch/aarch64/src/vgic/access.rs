//! Accesses to the registers in memory.

use phalanx_arch_api::{Access, AccessSize, Direction, VcpuIndex};

use super::bits::word;
use super::identity::redistributor_typer;
use super::map::{GICD_BASE, GICD_BYTES, GICR_BASE, GICR_FRAME_BYTES, Register, offset};
use super::{SgiRequest, Vgic};
use crate::gic::{Gic, Version};

/// The answer to an access.
#[must_use]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GicAnswer {
    /// What a read finds.
    pub value: u64,
    /// The vCPUs to wake (bit n: vCPU n).
    pub wake: u64,
}

impl GicAnswer {
    /// What a read finds, and nobody to wake.
    pub(super) const fn value(value: u64) -> Self {
        Self { value, wake: 0 }
    }

    /// A write, after which these vCPUs have to look.
    pub(super) const fn wake(wake: u64) -> Self {
        Self { value: 0, wake }
    }

    /// Reads as zero, ignores writes.
    pub(super) const IGNORED: Self = Self { value: 0, wake: 0 };
}

impl Vgic {
    /// An access of `vcpu`, which is loaded here. `None`: the address is not one of the interrupt controller.
    ///
    /// Registers that do not exist, widths that a register does not have and accesses that are not aligned read as zero
    /// and ignore writes. HOT: GICD_TYPER, GICR_TYPER (constants, no lock), and GICD_SGIR.
    #[inline(always)]
    pub fn access<G: Gic>(&self, vcpu: VcpuIndex, access: Access) -> Option<GicAnswer> {
        let offset = access.gpa.as_u64().wrapping_sub(GICD_BASE);
        if offset < GICD_BYTES {
            return Some(self.access_distributor::<G>(vcpu, offset, access));
        }
        if G::VERSION == Version::V2 {
            return None;
        }
        let offset = access.gpa.as_u64().wrapping_sub(GICR_BASE);
        let index = offset / GICR_FRAME_BYTES;
        if index >= self.cells.len() as u64 {
            return None;
        }
        Some(self.access_redistributor::<G>(vcpu, index, offset % GICR_FRAME_BYTES, access))
    }

    #[inline(always)]
    fn access_distributor<G: Gic>(&self, vcpu: VcpuIndex, offset: u64, access: Access) -> GicAnswer {
        if access.size == AccessSize::B4 {
            match access.direction {
                Direction::Read if offset == u64::from(offset::GICD_TYPER) => {
                    return GicAnswer::value(u64::from(self.typer));
                }
                Direction::Write(value) if G::VERSION == Version::V2 && offset == u64::from(offset::GICD_SGIR) => {
                    return GicAnswer::wake(self.send_sgi::<G>(vcpu, SgiRequest::from_sgir(word(value))));
                }
                _ => {}
            }
        }
        match Register::new(offset, access) {
            Some(register) => self.distributor::<G>(vcpu, register),
            None => GicAnswer::IGNORED,
        }
    }

    #[inline(always)]
    fn access_redistributor<G: Gic>(&self, vcpu: VcpuIndex, index: u64, offset: u64, access: Access) -> GicAnswer {
        let typer = offset == u64::from(offset::GICR_TYPER);
        if typer && access.direction == Direction::Read && access.size == AccessSize::B8 {
            return GicAnswer::value(redistributor_typer(index, index + 1 == self.cells.len() as u64));
        }
        match Register::new(offset, access) {
            Some(register) => self.redistributor::<G>(vcpu, index, register),
            None => GicAnswer::IGNORED,
        }
    }
}
