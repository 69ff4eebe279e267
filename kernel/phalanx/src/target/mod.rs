//! What the kernel's start-up needs from the machine that it was built for: one file each, with the same names.
//!
//! | name | what |
//! |---|---|
//! | `crash` | the crash card |
//! | `Port`, `open` | the console's serial port, and how it is found |
//! | `host` | the machine under the hypervisor: memory, CPUs, interrupts |
//! | `start` | finds the backend that fits the machine, and starts on it |
//! | `crc32` | the bundle's checksum, by the fastest means |
//! | `Missing` | why a processor cannot run guests |
//! | `stop` | the end of the run |

use phalanx_arch_api::Arch;
use phalanx_core::Machine;
use spin::Once;

#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(target_arch = "x86_64")]
mod x86_64;

#[cfg(target_arch = "aarch64")]
pub(crate) use aarch64::*;
#[cfg(target_arch = "x86_64")]
pub(crate) use x86_64::*;

use host::PerCpu;

/// A backend of this machine.
pub(crate) trait Backend: Arch {
    /// The one machine on this backend.
    fn machine() -> &'static Once<Machine<Self>>;

    /// Makes the CPU that calls this ready to run guests.
    ///
    /// # Errors
    /// [`Missing`] where its processor cannot.
    fn enable(per_cpu: &'static PerCpu) -> Result<Self::Cpu, Missing>;
}
