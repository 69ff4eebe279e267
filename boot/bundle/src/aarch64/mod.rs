//! The virtual board: what lies where in its memory, and how kernels start on it.
//!
//! Every kernel starts as "Booting AArch64 Linux" has it: EL1, MMU and caches off, interrupts masked, X0 = device tree.
//!
//! | module | does |
//! |---|---|
//! | `load` | recognises a kernel, unpacks it, and puts it where it wants to be |
//! | `tree` | the device tree, once for each interrupt controller that a machine may have |
//! | `layout` | fixed addresses, and where RAM is |

mod layout;
mod load;
mod tree;

use phalanx_abi::bundle::{ArmEntryRecord, Device, EntrySpec, ONLY_GICV2, ONLY_GICV3};
use zerocopy::FromZeros;

use crate::domain::Furnished;
use crate::program::{About, Program, Refusal};
use crate::ram::Ram;
use layout::{INITRD_LIMIT, RAM, TREE_ROOM, UART, UART_INTID};
use tree::{Board, Gic};

/// Puts a program and what it needs into `memory` bytes of RAM, and `flash` bytes at address 0.
pub(crate) fn furnish(program: &Program<'_>, memory: u64, flash: u64) -> Result<Furnished, Refusal> {
    let mut ram = Ram::new(layout::map(memory, flash));
    let start = load::load(program, &mut ram)?;
    let initrd = program.place_initrd(INITRD_LIMIT, &mut ram)?;
    let board = Board { memory, flash, vcpus: program.vcpus, cmdline: program.cmdline, initrd };
    let tree = place_tree(&board, &mut ram)?;
    let mut entry = ArmEntryRecord { pc: start.into(), ..ArmEntryRecord::new_zeroed() };
    entry.x[0] = tree.into();
    let devices = vec![Device::Pl011 { base: UART.0, irq: UART_INTID }];
    Ok(Furnished { ram, entry: EntrySpec::Arm(entry), devices })
}

/// Puts the device tree at the start of RAM, or as high as possible where the kernel is there; returns its address.
fn place_tree(board: &Board<'_>, ram: &mut Ram) -> Result<u64, Refusal> {
    let contents = vec![(ONLY_GICV2, tree::write(board, Gic::V2)?), (ONLY_GICV3, tree::write(board, Gic::V3)?)];
    let size = contents.iter().map(|(_, bytes)| bytes.len() as u64).fold(TREE_ROOM, u64::max);
    let address = if ram.is_free(&(RAM..RAM + size)) { Some(RAM) } else { ram.highest_gap(size, 4096, u64::MAX) };
    let address = address.ok_or_else(|| {
        Refusal::new(About::Memory, "there is no room for the device tree")
            .label(format!("{size} bytes besides kernel and initrd"))
            .help("raise `memory`")
    })?;
    ram.reserve_alternatives(About::Memory, "the device tree", address, contents, size)?;
    Ok(address)
}
