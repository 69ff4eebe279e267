//! One walk through the tree, which notes where everything of interest is.

use arrayvec::ArrayVec;
use phalanx_handoff::board::{Cpu, MAX_CPUS};
use phalanx_handoff::{MAX_REGIONS, MemoryKind, MemoryRegion, PhysRange};

use super::cpus;
use super::device::Device;
use crate::error::{BootError, Part};
use crate::fdt::{Fdt, Node, Path, registers};

/// The nodes of interest of one device tree.
#[derive(Clone, Debug)]
pub struct Survey<'a> {
    fdt: Fdt<'a>,
    root: Option<Node<'a>>,
    pub(super) chosen: Option<Node<'a>>,
    pub(super) aliases: Option<Node<'a>>,
    /// The CPUs, as far as they fit.
    pub(super) cpus: ArrayVec<Cpu, MAX_CPUS>,
    /// How many more there are.
    pub(super) ignored_cpus: u32,
    /// Whether a CPU's node contradicts itself or another one.
    pub(super) cpus_garbled: bool,
    pub(super) psci: Option<Node<'a>>,
    pub(super) gic: Option<Path<'a>>,
    pub(super) timer: Option<Path<'a>>,
    /// The first UART that the kernel can drive.
    pub(super) first_uart: Option<Path<'a>>,
    /// Memory and reservations as the tree's nodes report them.
    pub(super) memory: ArrayVec<MemoryRegion, MAX_REGIONS>,
    /// What went wrong with them.
    pub(super) memory_error: Option<BootError>,
}

impl<'a> Survey<'a> {
    /// Walks through the tree.
    ///
    /// # Errors
    /// [`BootError::BadTree`]; what is wrong with single parts is said when they are asked for.
    pub fn new(fdt: Fdt<'a>) -> Result<Self, BootError> {
        let mut survey = Self {
            fdt,
            root: None,
            chosen: None,
            aliases: None,
            cpus: ArrayVec::new(),
            ignored_cpus: 0,
            cpus_garbled: false,
            psci: None,
            gic: None,
            timer: None,
            first_uart: None,
            memory: ArrayVec::new(),
            memory_error: None,
        };
        fdt.walk(|path| survey.note(path))?;
        Ok(survey)
    }

    pub(super) const fn fdt(&self) -> &Fdt<'a> {
        &self.fdt
    }

    pub(super) const fn root(&self) -> Option<&Node<'a>> {
        self.root.as_ref()
    }

    fn note(&mut self, path: &Path<'a>) {
        match path.as_slice() {
            [root] => self.root = Some(*root),
            [_, node] if node.name == b"chosen" => self.chosen = Some(*node),
            [_, node] if node.name == b"aliases" => self.aliases = Some(*node),
            [_, node] if is_memory(node) => self.note_memory(path, MemoryKind::Usable, Part::Memory),
            [_, parent, node] if parent.name == b"reserved-memory" && node.is_enabled() => {
                self.note_memory(path, MemoryKind::Reserved, Part::Reservations);
            }
            [_, parent, node] if parent.name == b"cpus" && cpus::is_cpu(node) => self.note_cpu(path),
            [.., node] if !node.compatible.is_empty() => self.note_device(path, node),
            _ => {}
        }
    }

    fn note_cpu(&mut self, path: &Path<'a>) {
        match cpus::cpu(path) {
            Some(cpu) if self.cpus.iter().all(|other| other.mpidr != cpu.mpidr) => {
                if self.cpus.try_push(cpu).is_err() {
                    self.ignored_cpus = self.ignored_cpus.saturating_add(1);
                }
            }
            _ => self.cpus_garbled = true,
        }
    }

    fn note_device(&mut self, path: &Path<'a>, node: &Node<'a>) {
        match Device::of(node) {
            Some(Device::Psci(_)) => {
                self.psci.get_or_insert(*node);
            }
            Some(Device::Timer) => {
                self.timer.get_or_insert_with(|| path.clone());
            }
            Some(Device::Gic(_)) => {
                self.gic.get_or_insert_with(|| path.clone());
            }
            Some(Device::Uart(_)) if self.first_uart.is_none() && node.is_enabled() => {
                self.first_uart = Some(path.clone());
            }
            Some(Device::Uart(_)) | None => {}
        }
    }

    fn note_memory(&mut self, path: &Path<'a>, kind: MemoryKind, part: Part) {
        for range in registers(path) {
            let result = range.ok_or(BootError::Garbled(part)).and_then(|range| self.add_memory(range, kind));
            if let Err(error) = result {
                self.memory_error.get_or_insert(error);
            }
        }
    }

    fn add_memory(&mut self, range: PhysRange, kind: MemoryKind) -> Result<(), BootError> {
        if range.is_empty() {
            return Ok(());
        }
        let region = MemoryRegion { start: range.start(), len: range.len(), kind };
        self.memory.try_push(region).map_err(|_| BootError::TooManyRegions)
    }
}

/// A disabled memory node is the secure world's.
fn is_memory(node: &Node<'_>) -> bool {
    node.base_name() == b"memory" && node.text(b"device_type") == Some(b"memory") && node.is_enabled()
}
