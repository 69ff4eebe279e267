//! The interrupt controller (bindings `arm,gic` and `arm,gic-v3`).

use arrayvec::ArrayVec;
use phalanx_arch_api::Hpa;
use phalanx_handoff::PhysRange;
use phalanx_handoff::board::{Gic, MAX_REDISTRIBUTOR_REGIONS};

use super::device::{Device, GicVersion};
use super::survey::Survey;
use crate::error::{BootError, Part};
use crate::fdt::{Node, Path, interrupts, number, registers, specifier_cells, translated};

/// Bytes of a GICv2 CPU interface: two pages, of which the second holds GICC_DIR.
const CPU_INTERFACE_BYTES: u64 = 0x2000;
/// Where the two pages of a CPU interface meet if each fills 64 KiB with copies of itself.
const SPREAD_START: u64 = 0xf000;
/// Bytes of such a CPU interface.
const SPREAD_BYTES: u64 = 0x2_0000;

impl Survey<'_> {
    /// The interrupt controller and its maintenance interrupt.
    pub(super) fn gic(&self) -> Result<(Gic, Option<u32>), BootError> {
        let path = self.gic.as_ref().ok_or(BootError::Missing(Part::Gic))?;
        let garbled = BootError::Garbled(Part::Gic);
        let cells = self.interrupt_cells().ok_or(garbled)?;
        let gic = path.last().and_then(|node| gic(path, node)).ok_or(garbled)?;
        let maintenance = interrupts(path, cells).next().and_then(|interrupt| interrupt.intid);
        Ok((gic, maintenance))
    }

    /// The GIC's `#interrupt-cells`.
    pub(super) fn interrupt_cells(&self) -> Option<usize> {
        specifier_cells(self.gic.as_ref()?.last()?)
    }

    /// The GIC's phandle.
    pub(super) fn gic_phandle(&self) -> Option<u64> {
        let node = self.gic.as_ref()?.last()?;
        number(node.property(b"phandle")?)
    }
}

fn gic(path: &Path<'_>, node: &Node<'_>) -> Option<Gic> {
    let mut frames = registers(path).map(|range| translated(path, range?).filter(|range| !range.is_empty()));
    let gicd = frames.next()??;
    match Device::of(node)? {
        Device::Gic(GicVersion::V2) => {
            let gicc = cpu_interface(frames.next()??)?;
            let gich = frames.next();
            let gicv = frames.next();
            let gicv = gicv.map(|frame| cpu_interface(frame?));
            Some(Gic::V2 { gicd, gicc, gich: given(gich)?, gicv: given(gicv)? })
        }
        Device::Gic(GicVersion::V3) => {
            let regions = node.property(b"#redistributor-regions").map_or(Some(1), number)?;
            let mut redistributors = ArrayVec::<PhysRange, MAX_REDISTRIBUTOR_REGIONS>::new();
            for _ in 0..regions {
                redistributors.try_push(frames.next()??).ok()?;
            }
            let stride = node.property(b"redistributor-stride").map(number);
            (!redistributors.is_empty()).then_some(Gic::V3 { gicd, redistributors, stride: given(stride)? })
        }
        _ => None,
    }
}

/// What may be left out, but not garbled.
#[expect(clippy::option_option, reason = "the outer one fails, the inner one is absent")]
fn given<T>(value: Option<Option<T>>) -> Option<Option<T>> {
    match value {
        Some(None) => None,
        Some(value) => Some(value),
        None => Some(None),
    }
}

/// The two pages of a CPU interface, side by side.
///
/// Where 64 KiB pages are to separate them, each is repeated through 64 KiB: the last copy of the first and the first
/// copy of the second are neighbours (Arm Server Base System Architecture, DEN 0029, appendix on GICv2 systems).
fn cpu_interface(frame: PhysRange) -> Option<PhysRange> {
    if frame.len() != SPREAD_BYTES {
        return Some(frame);
    }
    let start = frame.start().checked_add(SPREAD_START)?;
    PhysRange::new(Hpa::new(start.as_u64()), CPU_INTERFACE_BYTES)
}
