//! The firmware's power interface (PSCI, DEN 0022; binding `arm/psci`).

use phalanx_handoff::board::{Conduit, Psci};

use super::device::{Device, PsciNumbers};
use super::survey::Survey;
use crate::error::{BootError, Part};
use crate::fdt::{Node, number};

/// CPU_ON with 64-bit arguments (DEN 0022, section 5.1.4).
const CPU_ON: u32 = 0xc400_0003;
/// SYSTEM_OFF (DEN 0022, section 5.1.9).
const SYSTEM_OFF: u32 = 0x8400_0008;
/// SYSTEM_RESET (DEN 0022, section 5.1.11).
const SYSTEM_RESET: u32 = 0x8400_0009;

impl Survey<'_> {
    /// The firmware's power interface, if there is one.
    pub(super) fn psci(&self) -> Result<Option<Psci>, BootError> {
        self.psci.map(|node| psci(&node).ok_or(BootError::Garbled(Part::Psci))).transpose()
    }
}

fn psci(node: &Node<'_>) -> Option<Psci> {
    let conduit = match node.text(b"method")? {
        b"smc" => Conduit::Smc,
        b"hvc" => Conduit::Hvc,
        _ => return None,
    };
    if Device::of(node)? == Device::Psci(PsciNumbers::Standard) {
        let (cpu_on, system_off, system_reset) = (Some(CPU_ON), Some(SYSTEM_OFF), Some(SYSTEM_RESET));
        return Some(Psci { conduit, cpu_on, system_off, system_reset });
    }
    let cpu_on = match node.property(b"cpu_on") {
        Some(value) => Some(u32::try_from(number(value)?).ok()?),
        None => None,
    };
    Some(Psci { conduit, cpu_on, system_off: None, system_reset: None })
}
