//! Whether the guest would be interrupted: what ends its WFI.

use phalanx_arch_api::VcpuIndex;

use super::Vgic;
use super::bank::Groups;
use super::bits::{low, ones};
use super::choice::MOST_REGISTERS;
use crate::gic::{Gic, InterfaceState, ListRegister, LrState};

/// VMCR.VCBPR: group 1 uses the binary point of group 0.
const COMMON_BINARY_POINT: u32 = 1 << 4;

impl Vgic {
    /// Whether the interface signals an interrupt to this vCPU, which is loaded here, or others did something to it that
    /// may: then a WFI does not wait. Call [`Vgic::sync`] before.
    #[must_use]
    pub fn wakes<G: Gic>(&self, vcpu: VcpuIndex) -> bool {
        self.needs_sync(vcpu) || signals::<G>()
    }
}

/// Whether a list register's interrupt is signalled. (IHI 0048 5.2, IHI 0069 4.8: enabled group, above the priority mask,
/// above the running priority.)
fn signals<G: Gic>() -> bool {
    let used = !G::empty() & low(G::list_registers().min(MOST_REGISTERS));
    if used == 0 {
        return false;
    }
    let state = G::save();
    ones(used).any(|n| is_signalled(&state, G::read(n as usize)))
}

fn is_signalled(state: &InterfaceState, register: ListRegister) -> bool {
    let mask = state.vmcr >> 24 & 0xff;
    let priority = u32::from(register.priority);
    let preempted = u32::from(register.priority) & preemption_mask(state.vmcr, register.group1);
    register.state == LrState::Pending
        && Groups::from_bits(state.vmcr).has(register.group1)
        && priority < mask
        && preempted < running_priority(state)
}

/// The running priority: bit n of the active priorities is priority 8 n. 0x100 where nothing runs.
fn running_priority(state: &InterfaceState) -> u32 {
    (state.apr0 | state.apr1).trailing_zeros() * 8
}

/// The bits of a priority that decide about preemption (IHI 0069 4.8.2 "Priority grouping").
const fn preemption_mask(vmcr: u32, group1: bool) -> u32 {
    let (one, zero) = (vmcr >> 18 & 7, vmcr >> 21 & 7);
    let unused = if group1 && vmcr & COMMON_BINARY_POINT == 0 { one } else { zero + 1 };
    0xff << unused & 0xff
}
