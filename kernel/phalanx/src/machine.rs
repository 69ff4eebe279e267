//! The one machine, for all CPUs to find.

use phalanx_arch_x86_64::svm::Svm;
use phalanx_arch_x86_64::x86::X86;
use phalanx_core::Machine;
use spin::Once;

/// The machine on AMD SVM.
pub(crate) type SvmMachine = Machine<X86<Svm>>;

static MACHINE: Once<SvmMachine> = Once::new();

/// Lets the other CPUs go.
pub(crate) fn publish(machine: SvmMachine) -> &'static SvmMachine {
    MACHINE.call_once(|| machine)
}

/// Waits for [`publish`].
pub(crate) fn wait() -> &'static SvmMachine {
    loop {
        if let Some(machine) = MACHINE.get() {
            return machine;
        }
        core::hint::spin_loop();
    }
}

/// The name of a domain. Takes no lock.
pub(crate) fn domain_name(domain: u32) -> Option<&'static str> {
    MACHINE.get()?.domain_name(domain as usize)
}
