//! `/cpus` (Devicetree Specification 0.4, section 3.8; binding `arm/cpus`).

use arrayvec::ArrayVec;
use phalanx_arch_api::Hpa;
use phalanx_handoff::board::{Cpu, Enable, MAX_CPUS};

use super::survey::Survey;
use crate::error::{BootError, Part};
use crate::fdt::{Node, Path, number, registers, strings};

/// MPIDR_EL1's affinity fields: Aff3 in bits 32-39, Aff2 to Aff0 in bits 0-23 (Arm ARM, section D24.2).
pub const AFFINITY: u64 = 0xff_00ff_ffff;

impl Survey<'_> {
    /// The CPUs. `boot` is the one that runs.
    pub(super) fn checked_cpus(&self, boot: u64) -> Result<ArrayVec<Cpu, MAX_CPUS>, BootError> {
        if self.cpus_garbled {
            return Err(BootError::Garbled(Part::Cpus));
        }
        if self.cpus.is_empty() {
            return Err(BootError::Missing(Part::Cpus));
        }
        if self.cpus.iter().any(|cpu| cpu.mpidr == boot) {
            Ok(self.cpus.clone())
        } else {
            Err(BootError::BootCpuNotListed(boot))
        }
    }
}

/// Whether a child of `/cpus` is a CPU that can run.
///
/// One that is `disabled` waits to be enabled; one that failed its test is not used.
pub(super) fn is_cpu(node: &Node<'_>) -> bool {
    let failed = || node.text(b"status").is_some_and(|status| status.starts_with(b"fail"));
    node.base_name() == b"cpu" && !failed()
}

/// What the last node of `path` says about a CPU.
pub(super) fn cpu(path: &Path<'_>) -> Option<Cpu> {
    let [.., parent, node] = path.as_slice() else { return None };
    let mpidr = registers(path).next()??.start().as_u64();
    let enable = enable(parent, node)?;
    (mpidr & !AFFINITY == 0).then_some(Cpu { mpidr, enable })
}

/// A property that all CPUs share may stand in their parent.
fn enable(parent: &Node<'_>, node: &Node<'_>) -> Option<Enable> {
    let methods = node.property(b"enable-method").or_else(|| parent.property(b"enable-method"));
    let known = strings(methods.unwrap_or_default()).find(|method| matches!(*method, b"psci" | b"spin-table"));
    match known {
        Some(b"psci") => Some(Enable::Psci),
        Some(_) => {
            let release = node.property(b"cpu-release-addr").and_then(number)?;
            Some(Enable::SpinTable { release: Hpa::new(release) }).filter(|_| release.is_multiple_of(8))
        }
        None => Some(Enable::Unknown),
    }
}
