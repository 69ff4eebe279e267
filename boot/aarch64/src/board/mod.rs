//! What a device tree says, on the way to a [`BootInfo`].
//!
//! [`Survey`] walks the tree once and notes the nodes of interest; the other modules read them.
#![forbid(unsafe_code)]

mod chosen;
mod cpus;
mod device;
mod gic;
mod memory;
mod psci;
mod survey;
mod timer;
mod uart;

pub use survey::Survey;

pub use cpus::AFFINITY;

use phalanx_handoff::board::{Board, ExceptionLevel};
use phalanx_handoff::{BootInfo, Loader, PhysRange, Text};

use crate::error::BootError;

/// How the kernel was entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entered {
    /// By which protocol.
    pub loader: Loader,
    /// At which exception level.
    pub level: ExceptionLevel,
    /// The affinity fields of this CPU.
    pub mpidr: u64,
    /// Where the kernel's image lies.
    pub kernel_image: PhysRange,
}

impl Survey<'_> {
    /// Checks the whole and makes the kernel's view of it.
    ///
    /// # Errors
    /// Where something that the kernel needs is missing or garbled.
    pub fn boot_info(&self, entered: Entered) -> Result<BootInfo, BootError> {
        let bundle = self.bundle()?;
        if bundle.is_some_and(|bundle| bundle.overlaps(entered.kernel_image)) {
            return Err(BootError::BundleOverlapsKernel);
        }
        let board = self.board(entered)?;
        Ok(BootInfo {
            loader: entered.loader,
            memory: self.memory_map(&board, bundle)?,
            bundle,
            extra_modules: 0,
            command_line: self.command_line(),
            rsdp: None,
            board: Some(board),
            kernel_image: entered.kernel_image,
        })
    }

    fn board(&self, entered: Entered) -> Result<Board, BootError> {
        let (gic, maintenance) = self.gic()?;
        let timers = self.timers()?;
        Ok(Board {
            model: self.model(),
            entered_at: entered.level,
            cpus: self.checked_cpus(entered.mpidr)?,
            ignored_cpus: self.ignored_cpus,
            boot_mpidr: entered.mpidr,
            psci: self.psci()?,
            gic,
            maintenance,
            uart: self.uart(),
            virtual_timer: timers.virtual_timer,
            hypervisor_timer: timers.hypervisor,
        })
    }

    fn model(&self) -> Text<64> {
        let root = self.root();
        let compatible = || root.and_then(|root| crate::fdt::strings(root.compatible).next());
        Text::from_c_bytes(root.and_then(|root| root.text(b"model")).or_else(compatible).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests;
