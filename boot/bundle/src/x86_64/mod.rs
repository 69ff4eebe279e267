//! The virtual PC: what lies where in its memory, and how kernels start on it.
//!
//! | module | does |
//! |---|---|
//! | `load` | one file for each kernel format: where things go, and how the first instruction finds the machine |
//! | `acpi` | the tables that describe the machine |
//! | `layout`, `memory_map` | fixed addresses, and where RAM is |
//! | `entry`, `paging` | the state of vCPU 0 |

mod acpi;
mod entry;
mod layout;
mod load;
mod memory_map;
mod paging;

use phalanx_abi::bundle::{Device, EntrySpec};

use crate::domain::Furnished;
use crate::program::{Program, Refusal};
use crate::ram::Ram;
use layout::{COM1_IRQ, COM1_PORT};

/// Puts a program and what it needs into `memory` bytes of RAM.
pub(crate) fn furnish(program: &Program<'_>, memory: u64) -> Result<Furnished, Refusal> {
    let mut ram = Ram::new(memory_map::map(memory));
    let entry = load::load(program, &mut ram)?;
    acpi::place(&mut ram, program.vcpus)?;
    let devices = vec![Device::Ns16550 { base_port: COM1_PORT, irq: COM1_IRQ }];
    Ok(Furnished { ram, entry: EntrySpec::X86(entry), devices })
}
