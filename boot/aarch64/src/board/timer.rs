//! The generic timer (binding `arm,arch_timer`).

use super::survey::Survey;
use crate::error::{BootError, Part};
use crate::fdt::{interrupts, strings};

/// The interrupts of the timers that the kernel uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Timers {
    /// The EL1 virtual timer.
    pub(super) virtual_timer: u32,
    /// The EL2 physical timer.
    pub(super) hypervisor: u32,
}

impl Survey<'_> {
    /// The timers' interrupts.
    pub(super) fn timers(&self) -> Result<Timers, BootError> {
        let path = self.timer.as_ref().ok_or(BootError::Missing(Part::Timer))?;
        let cells = self.interrupt_cells().ok_or(BootError::Missing(Part::Gic))?;
        let names = path.last().and_then(|node| node.property(b"interrupt-names"));
        let intid = |name: &[u8], place| {
            let named = names.map_or(Some(place), |names| strings(names).position(|text| text == name));
            interrupts(path, cells).nth(named?)?.intid
        };
        let timers = intid(b"virt", 2).zip(intid(b"hyp-phys", 3));
        let (virtual_timer, hypervisor) = timers.ok_or(BootError::Garbled(Part::Timer))?;
        Ok(Timers { virtual_timer, hypervisor })
    }
}
