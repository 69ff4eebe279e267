//! The exit counters that every vCPU keeps: one number a reason, in names that all architectures share.

/// Builds [`ExitCounter`] and everything derived from it from one table.
macro_rules! exit_counters {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// Why a vCPU left its guest, for counting. The discriminant is the ABI's counter index.
        ///
        /// An architecture that has no such exit leaves the counter at zero.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum ExitCounter {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl ExitCounter {
            /// All counters, in the order of their indices.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name that tools print.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// What is counted, in one sentence.
            #[must_use]
            pub const fn summary(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+),)+ }
            }
        }
    };
}

exit_counters! {
    /// CPUID.
    Cpuid = "cpuid",
    /// A read of a model-specific or system register.
    MsrRead = "msr-read",
    /// A write of a model-specific or system register.
    MsrWrite = "msr-write",
    /// An access to the I/O port space.
    PortIo = "port",
    /// A register of the CPU's own interrupt controller part (local APIC, GIC CPU interface).
    ApicAccess = "apic",
    /// A register of the machine's interrupt controller (IO-APIC, GIC distributor).
    IoApicAccess = "ioapic",
    /// A physical address behind which nothing is: reads all-ones, drops writes.
    UnbackedAccess = "unbacked",
    /// A fault of the second-level translation that was none of the accesses above.
    SecondLevelFault = "second-level-fault",
    /// A physical interrupt arrived while the guest ran.
    Interrupt = "interrupt",
    /// The guest became able to take an interrupt that was waiting.
    InterruptWindow = "interrupt-window",
    /// The guest became able to take an NMI that was waiting.
    NmiWindow = "nmi-window",
    /// The guest waits for an interrupt (HLT, WFI).
    Halt = "halt",
    /// A hypercall.
    Hypercall = "hypercall",
    /// An access to a control register.
    ControlRegister = "control-register",
    /// An access to a debug register.
    DebugRegister = "debug-register",
    /// A privileged instruction that the guest may not execute itself.
    PrivilegedInstruction = "privileged-instruction",
    /// XSETBV.
    Xsetbv = "xsetbv",
    /// An exception that is intercepted.
    Exception = "exception",
    /// A triple fault.
    Shutdown = "shutdown",
    /// An INIT signal.
    Init = "init",
    /// A physical NMI.
    Nmi = "nmi",
    /// A timer that the hypervisor runs for the guest expired.
    Timer = "timer",
    /// A doorbell of a channel was rung.
    Doorbell = "doorbell",
    /// Everything else.
    Other = "other",
    /// An instruction that was answered with an exception: an absent register, a value that is not allowed.
    Refused = "refused",
    /// The guest spins: PAUSE in a loop, WFE.
    Spin = "spin",
    /// A read of a register of the local APIC, in memory or as an MSR.
    ApicRead = "apic-read",
}

impl ExitCounter {
    /// Number of counters.
    pub const COUNT: usize = Self::ALL.len();

    /// The place of this counter in an array of [`Self::COUNT`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The counter with this index, or `None` at [`Self::COUNT`] and above.
    #[must_use]
    pub fn from_index(index: u64) -> Option<Self> {
        let index = usize::try_from(index).ok()?;
        Self::ALL.get(index).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_and_counters_are_one_to_one() {
        for (index, counter) in ExitCounter::ALL.iter().enumerate() {
            assert_eq!(counter.index(), index);
            assert_eq!(ExitCounter::from_index(index as u64), Some(*counter));
        }
        assert_eq!(ExitCounter::from_index(ExitCounter::COUNT as u64), None);
        assert_eq!(ExitCounter::from_index(u64::MAX), None);
    }

    #[test]
    fn names_are_unique() {
        let mut names: alloc::vec::Vec<_> = ExitCounter::ALL.iter().map(|c| c.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ExitCounter::COUNT);
    }
}
