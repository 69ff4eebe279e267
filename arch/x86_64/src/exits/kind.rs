//! What a guest left for, in x86 terms: the type that VMX's and SVM's raw reasons are decoded to.

use phalanx_arch_api::{AccessSize, Gpa};

/// The kinds of exit that have a way of their own through the run loop; all others are [`ExitClass::Rare`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitClass {
    /// [`Exit::Interrupt`], [`Exit::Nmi`] and [`Exit::Init`], which wait until they are taken, and [`Exit::SliceEnd`].
    Interrupt,
    /// [`Exit::Cpuid`].
    Cpuid,
    /// [`Exit::Msr`].
    Msr,
    /// [`Exit::Hypercall`].
    Hypercall,
    /// [`Exit::SecondLevel`].
    SecondLevel,
    /// [`Exit::Port`].
    Port,
    /// [`Exit::Halt`].
    Halt,
    /// Any other.
    Rare,
}

impl Exit {
    /// Which way through the run loop it takes.
    #[must_use]
    pub const fn class(&self) -> ExitClass {
        match self {
            Self::Interrupt | Self::Nmi | Self::Init | Self::SliceEnd => ExitClass::Interrupt,
            Self::Cpuid => ExitClass::Cpuid,
            Self::Msr { .. } => ExitClass::Msr,
            Self::Hypercall => ExitClass::Hypercall,
            Self::SecondLevel(_) => ExitClass::SecondLevel,
            Self::Port(_) => ExitClass::Port,
            Self::Halt => ExitClass::Halt,
            _ => ExitClass::Rare,
        }
    }
}

/// One exit, decoded. `decode` in each backend is total: what it does not know is [`Exit::Unknown`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// A physical interrupt waits for the host.
    Interrupt,
    /// A physical NMI waits for the host.
    Nmi,
    /// The time of [`crate::vcpu::Control::end_slice_at`] has come.
    SliceEnd,
    /// The guest can take an interrupt now.
    InterruptWindow,
    /// The guest is about to execute IRET while NMIs are blocked.
    Iret,
    /// The guest can take an NMI now.
    NmiWindow,
    /// The guest lowered its task priority so far that an interrupt which waits is let through.
    TaskPriority,
    /// The guest spins with PAUSE.
    Pause,
    /// CPUID.
    Cpuid,
    /// HLT.
    Halt,
    /// VMMCALL or VMCALL.
    Hypercall,
    /// INVD or WBINVD.
    CacheFlush,
    /// RDMSR or WRMSR.
    Msr {
        /// WRMSR.
        write: bool,
    },
    /// IN, OUT, INS or OUTS.
    Port(PortExit),
    /// A write to CR0 (MOV, LMSW or CLTS), CR4 or CR8; the source register where the hardware names it.
    ControlRegisterWrite {
        /// 0, 4 or 8.
        number: u8,
        /// General-purpose register of a MOV, 0 to 15.
        source: Option<u8>,
    },
    /// An access that the second-level tables do not allow.
    SecondLevel(SecondLevelExit),
    /// The guest wrote to a register of its local APIC: the value stands in the page, and the instruction is over.
    ApicWrite {
        /// Offset in the page.
        offset: u16,
    },
    /// The guest ended an interrupt that has to be ended elsewhere too.
    EndOfInterrupt {
        /// Vector.
        vector: u8,
    },
    /// XSETBV.
    Xsetbv,
    /// An instruction that the guest's processor does not have.
    UndefinedInstruction,
    /// An instruction that exists, and that the guest may not use.
    ForbiddenInstruction,
    /// An exception of the guest that was intercepted.
    Exception {
        /// Vector.
        vector: u8,
        /// Error code, 0 where the vector has none.
        code: u32,
    },
    /// A triple fault.
    Shutdown,
    /// An INIT signal to the physical CPU.
    Init,
    /// The processor refused the guest's state.
    InvalidState,
    /// A reason without a name here.
    Unknown(u64),
}

/// An I/O instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortExit {
    /// First port.
    pub port: u16,
    /// Width.
    pub size: AccessSize,
    /// IN or INS.
    pub input: bool,
    /// INS or OUTS.
    pub string: bool,
    /// The instruction after this one, where the hardware tells.
    pub next_rip: Option<u64>,
}

/// A second-level page fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecondLevelExit {
    /// The guest-physical address.
    pub gpa: Gpa,
    /// A write.
    pub write: bool,
    /// An instruction fetch.
    pub fetch: bool,
    /// The processor was walking the guest's own page tables.
    pub table_walk: bool,
}
