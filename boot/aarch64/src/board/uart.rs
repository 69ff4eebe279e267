//! The console's UART.

use phalanx_handoff::board::{Uart, UartKind};

use super::device::{Device, UartFamily};
use super::survey::Survey;
use crate::fdt::{Node, Path, interrupts, number, registers, translated};

/// The kind of UART that `node` is, if it is one that the kernel can drive.
fn kind(node: &Node<'_>) -> Option<UartKind> {
    match Device::of(node)? {
        Device::Uart(UartFamily::Pl011) => Some(UartKind::Pl011),
        Device::Uart(UartFamily::Cadence) => Some(UartKind::Cadence),
        Device::Uart(UartFamily::Ns16550) => {
            let small = |value| number(value).and_then(|number| u8::try_from(number).ok());
            let shift = node.property(b"reg-shift").map_or(Some(0), small).filter(|&shift| shift <= 4)?;
            let width = node.property(b"reg-io-width").map_or(Some(1), small);
            let width = width.filter(|&width| width == 1 || (width == 4 && shift >= 2))?;
            Some(UartKind::Ns16550 { shift, width })
        }
        _ => None,
    }
}

/// Bytes of registers that the driver reaches.
const fn bytes_needed(kind: UartKind) -> u64 {
    match kind {
        UartKind::Pl011 => 0x48,
        UartKind::Cadence => 0x48,
        UartKind::Ns16550 { shift, width } => (7 << shift) + width as u64,
    }
}

impl<'a> Survey<'a> {
    /// The UART that `/chosen` names, or else the first that the kernel can drive.
    #[must_use]
    pub fn uart(&self) -> Option<Uart> {
        let named = self.stdout().and_then(|path| self.describe(&path));
        named.or_else(|| self.describe(self.first_uart.as_ref()?))
    }

    /// The node of `stdout-path`: a path or an alias, up to a colon.
    fn stdout(&self) -> Option<Path<'a>> {
        let chosen = self.chosen?;
        let text = chosen.text(b"stdout-path").or_else(|| chosen.text(b"linux,stdout-path"))?;
        let name = text.split(|&byte| byte == b':').next()?;
        let path = if name.starts_with(b"/") { name } else { self.aliases?.text(name)? };
        // Mostly it is the one that is known, and the tree need not be searched.
        let known = self.first_uart.as_ref().filter(|known| has_path(known, path)).cloned();
        known.or_else(|| self.fdt().find(path))
    }

    fn describe(&self, path: &Path<'a>) -> Option<Uart> {
        let node = path.last().filter(|node| node.is_enabled())?;
        let kind = kind(node)?;
        let registers = translated(path, registers(path).next()??)?;
        let fits = registers.start().is_aligned(4) && registers.len() >= bytes_needed(kind);
        fits.then_some(Uart { kind, registers, intid: self.uart_interrupt(path) })
    }

    /// The first interrupt of a node, if it goes straight to the GIC.
    fn uart_interrupt(&self, path: &Path<'a>) -> Option<u32> {
        let interrupt = interrupts(path, self.interrupt_cells()?).next()?;
        interrupt.intid.filter(|_| self.gic_phandle() == Some(u64::from(interrupt.parent)))
    }
}

/// Whether the node is at this path, written in full.
fn has_path(nodes: &Path<'_>, path: &[u8]) -> bool {
    path.split(|&byte| byte == b'/').eq(nodes.iter().map(|node| node.name))
}
