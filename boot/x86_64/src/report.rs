//! What a loader reported, on the way to a [`BootInfo`].

use arrayvec::ArrayVec;
use phalanx_arch_api::Hpa;
use phalanx_handoff::{
    BootInfo, CommandLine, Loader, MAX_REGIONS, MemoryKind, MemoryMap, MemoryRegion, PhysRange, TooManyRegions,
};

use crate::error::BootError;
use crate::layout::EARLY_REACH;

/// Bytes of the ACPI root pointer's revision 2 (ACPI 6.5, table 5.3); revision 0 has the first 20 of them.
pub const RSDP_BYTES: usize = 36;

/// The ACPI root pointer, as the protocols give it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rsdp {
    /// It lies in the firmware's own memory.
    At(Hpa),
    /// The loader made a copy, in memory that will be used for something else (zeros behind revision 0's end).
    Copy([u8; RSDP_BYTES]),
}

/// What the parsers fill in. The command line comes first, so that it counts even when the rest is unusable.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The copied command line.
    pub command_line: CommandLine,
    /// Memory as reported: any order, any overlaps.
    pub memory: ArrayVec<MemoryRegion, MAX_REGIONS>,
    /// The first module.
    pub bundle: Option<PhysRange>,
    /// Modules behind the first one.
    pub extra_modules: u32,
    /// The ACPI root pointer.
    pub rsdp: Option<Rsdp>,
}

impl Report {
    /// Notes one entry of the memory map.
    ///
    /// # Errors
    /// [`TooManyRegions`] behind the last one that fits.
    pub(crate) fn add_memory(&mut self, start: u64, len: u64, e820: u32) -> Result<(), TooManyRegions> {
        let region = MemoryRegion { start: Hpa::new(start), len, kind: MemoryKind::from_e820(e820) };
        self.memory.try_push(region).map_err(|_| TooManyRegions)
    }

    /// Notes one module: the first is the bundle. An empty one counts for nothing.
    ///
    /// # Errors
    /// [`BootError::BundleTooHigh`] where the bundle ends beyond 4 GiB.
    pub(crate) fn add_module(&mut self, start: u64, len: u64) -> Result<(), BootError> {
        if len == 0 {
            return Ok(());
        }
        if self.bundle.is_some() {
            self.extra_modules = self.extra_modules.saturating_add(1);
            return Ok(());
        }
        let range = PhysRange::new(Hpa::new(start), len).filter(|range| range.end().as_u64() <= EARLY_REACH);
        self.bundle = Some(range.ok_or(BootError::BundleTooHigh)?);
        Ok(())
    }

    /// Checks the whole and makes the kernel's view of it. `rsdp` is where the root pointer lies for good.
    ///
    /// # Errors
    /// Where there is no memory map, or the bundle lies over the kernel.
    pub fn boot_info(&self, loader: Loader, kernel_image: PhysRange, rsdp: Option<Hpa>) -> Result<BootInfo, BootError> {
        if self.memory.is_empty() {
            return Err(BootError::NoMemoryMap);
        }
        if self.bundle.is_some_and(|bundle| bundle.overlaps(kernel_image)) {
            return Err(BootError::BundleOverlapsKernel);
        }
        Ok(BootInfo {
            loader,
            memory: MemoryMap::from_report(&self.memory)?,
            bundle: self.bundle,
            extra_modules: self.extra_modules,
            command_line: self.command_line.clone(),
            rsdp,
            board: None,
            kernel_image,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kernel() -> PhysRange {
        PhysRange::new(Hpa::new(0x10_0000), 0x2_0000).unwrap()
    }

    #[test]
    fn a_report_without_memory_is_refused() {
        assert_eq!(Report::default().boot_info(Loader::Pvh, kernel(), None).err(), Some(BootError::NoMemoryMap));
    }

    #[test]
    fn the_bundle_must_leave_the_kernel_alone_and_be_in_reach() {
        let mut report = Report::default();
        report.add_memory(0, 1 << 30, 1).unwrap();
        report.add_module(0x11_f000, 1).unwrap();
        let refused = report.boot_info(Loader::Pvh, kernel(), None);
        assert_eq!(refused.err(), Some(BootError::BundleOverlapsKernel));
        assert_eq!(Report::default().add_module(EARLY_REACH - 1, 2), Err(BootError::BundleTooHigh));
        assert_eq!(Report::default().add_module(u64::MAX, 2), Err(BootError::BundleTooHigh));
        assert_eq!(Report::default().add_module(EARLY_REACH - 1, 1), Ok(()));
    }
}
