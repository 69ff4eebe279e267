//! What the vCPUs of a domain left their guest for, told when it ends.

use core::fmt;

use phalanx_abi::exit::ExitCounter;
use phalanx_arch_api::Arch;

use crate::domain::Domain;
use crate::machine::Machine;

/// The counters of a vCPU that are not zero.
struct Counts<'a, A: Arch>(&'a A::Vcpu);

impl<A: Arch> fmt::Display for Counts<'_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for counter in ExitCounter::ALL {
            let count = A::exit_count(self.0, *counter);
            if count != 0 {
                write!(f, " {}={count}", counter.name())?;
            }
        }
        Ok(())
    }
}

impl<A: Arch> Machine<A> {
    /// Prints the exit counters of `domain`, a line a vCPU. The caller holds no vCPU's lock.
    pub(crate) fn show_counters(&self, domain: &Domain<A>) {
        for (index, slot) in domain.vcpus.iter().enumerate() {
            let vcpu = slot.state.lock();
            let counts = Counts::<A>(&vcpu.arch);
            self.console.note(format_args!("phalanx: domain {}: vCPU {index}:{counts}\n", domain.name));
        }
    }
}
