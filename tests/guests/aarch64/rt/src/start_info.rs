//! What the loader tells: command line, RAM, CPUs, interrupt controller. Kept from the device tree.

use crate::fdt::{self, Property};
use crate::racy::Racy;
use crate::smp::MAX_CPUS;
use core::str::FromStr;

/// RAM ranges that are kept.
const MAX_RANGES: usize = 16;
/// Where QEMU leaves the tree for an ELF file, which it tells nothing.
const TREE_IF_UNTOLD: u64 = 0x4000_0000;

/// A range of physical addresses in bytes, `end` excluded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Range {
    /// First address.
    pub start: u64,
    /// First address after the range.
    pub end: u64,
}

/// The interrupt controller of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Controller {
    /// GICv2.
    V2 {
        /// Physical address of the distributor.
        distributor: u64,
        /// Physical address of the CPU interface.
        interface: u64,
    },
    /// GICv3.
    V3 {
        /// Physical address of the distributor.
        distributor: u64,
        /// Physical address of the first redistributor.
        redistributors: u64,
    },
}

struct Kept {
    cmdline: &'static str,
    ram: [Range; MAX_RANGES],
    ranges: usize,
    cpus: [u64; MAX_CPUS],
    cpu_count: usize,
    cpu_cells: usize,
    controller_is_v3: bool,
    controller: [u64; 2],
    uses_smc: bool,
    on_phalanx: bool,
    tree: u64,
    began: u64,
}

static KEPT: Racy<Kept> = Racy::new(Kept {
    cmdline: "",
    ram: [Range { start: 0, end: 0 }; MAX_RANGES],
    ranges: 0,
    cpus: [0; MAX_CPUS],
    cpu_count: 0,
    cpu_cells: 1,
    controller_is_v3: false,
    controller: [0; 2],
    uses_smc: false,
    on_phalanx: false,
    tree: 0,
    began: 0,
});

/// Keeps what the tree at physical address `tree` says; an address that holds none leaves everything empty. `began` is
/// the counter at the guest's first instruction.
pub(crate) fn keep(tree: u64, began: u64) {
    // SAFETY: called once, before any reader exists.
    let kept = unsafe { &mut *KEPT.get() };
    kept.began = began;
    kept.tree = if tree == 0 { TREE_IF_UNTOLD } else { tree };
    fdt::for_each(kept.tree, |property| keep_property(kept, property));
}

fn keep_property(kept: &mut Kept, property: &Property<'_>) {
    match (property.depth(), property.node(1), property.name) {
        (1, "chosen", "bootargs") => {
            let text = property.value.split(|&byte| byte == 0).next().unwrap_or(&[]);
            kept.cmdline = core::str::from_utf8(text).unwrap_or("");
        }
        (1, "memory", "reg") => keep_memory(kept, property),
        (1, "cpus", "#address-cells") => kept.cpu_cells = property.number(1, 0).unwrap_or(1) as usize,
        (2, "cpus", "reg") if property.node(2) == "cpu" => keep_cpu(kept, property),
        (1, "intc" | "interrupt-controller", "compatible") => kept.controller_is_v3 = property.has("arm,gic-v3"),
        (1, "intc" | "interrupt-controller", "reg") => {
            kept.controller = [0, 2].map(|index| property.number(2, index).unwrap_or(0));
        }
        (1, "psci", "method") => kept.uses_smc = property.has("smc"),
        (1, "hypervisor", "compatible") => kept.on_phalanx = property.has("phalanx,hypervisor"),
        _ => {}
    }
}

fn keep_memory(kept: &mut Kept, property: &Property<'_>) {
    for pair in 0.. {
        let (Some(start), Some(bytes)) = (property.number(2, pair * 2), property.number(2, pair * 2 + 1)) else {
            break;
        };
        if kept.ranges < MAX_RANGES {
            kept.ram[kept.ranges] = Range { start, end: start + bytes };
            kept.ranges += 1;
        }
    }
}

fn keep_cpu(kept: &mut Kept, property: &Property<'_>) {
    if let Some(affinity) = property.number(kept.cpu_cells, 0)
        && kept.cpu_count < MAX_CPUS
    {
        kept.cpus[kept.cpu_count] = affinity;
        kept.cpu_count += 1;
    }
}

fn kept() -> &'static Kept {
    // SAFETY: written only by `keep`, before the guest's main runs.
    unsafe { &*KEPT.get() }
}

/// The command line.
pub fn cmdline() -> &'static str {
    kept().cmdline
}

/// Whether `word` stands alone on the command line.
pub fn has_word(word: &str) -> bool {
    cmdline().split_ascii_whitespace().any(|w| w == word)
}

/// The text after `name=` on the command line.
pub fn text(name: &str) -> Option<&'static str> {
    let values = cmdline().split_ascii_whitespace().filter_map(|w| w.split_once('='));
    values.filter(|(key, _)| *key == name).map(|(_, value)| value).next_back()
}

/// The value after `name=` on the command line, or `default`.
pub fn value<T: FromStr>(name: &str, default: T) -> T {
    text(name).and_then(|v| v.parse().ok()).unwrap_or(default)
}

/// The RAM ranges.
pub fn ram() -> &'static [Range] {
    &kept().ram[..kept().ranges]
}

/// The affinity fields (as in MPIDR_EL1) of all CPUs.
pub fn cpus() -> &'static [u64] {
    &kept().cpus[..kept().cpu_count]
}

/// The interrupt controller.
pub fn controller() -> Controller {
    let [distributor, second] = kept().controller;
    match kept().controller_is_v3 {
        true => Controller::V3 { distributor, redistributors: second },
        false => Controller::V2 { distributor, interface: second },
    }
}

/// Whether the tree wants PSCI by SMC; else HVC.
pub fn uses_smc() -> bool {
    kept().uses_smc
}

/// Whether the tree names Phalanx as the hypervisor.
pub fn on_phalanx() -> bool {
    kept().on_phalanx
}

/// Physical address of the tree, and its bytes with the page's rest.
pub fn tree() -> Range {
    // SAFETY: the header's second word is the tree's size; an address without a tree was refused by `keep`.
    let bytes = u32::from_be(unsafe { ((kept().tree + 4) as *const u32).read() });
    Range { start: kept().tree, end: kept().tree + u64::from(bytes) }
}

/// CNTPCT_EL0 at the guest's first instruction.
pub fn began() -> u64 {
    kept().began
}

/// The bytes that the guest's own image, with its stacks and tables, takes.
pub fn image() -> Range {
    unsafe extern "C" {
        static __image_start: u8;
        static __image_end: u8;
    }
    Range { start: &raw const __image_start as u64, end: &raw const __image_end as u64 }
}
