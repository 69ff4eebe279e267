//! What a vCPU's run can end with, in terms that no architecture owns.

use crate::Gpa;

/// Why [`crate::Arch::run`] returned to the core.
///
/// Starting and stopping of vCPUs (INIT/SIPI, PSCI `CPU_ON`) needs no event: the architecture posts it to the target's
/// inbox and wakes the target; a vCPU that waits to be started is one that halts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Event {
    /// A guest-physical address that nobody in the architecture owns. Answer with
    /// [`crate::Arch::complete_access`] before the vCPU runs again.
    Access(Access),
    /// A port of the x86 I/O space that nobody in the architecture owns. Answered like [`Event::Access`].
    PortAccess(PortAccess),
    /// A hypercall. Answer with [`crate::Arch::complete_hypercall`].
    Hypercall(HypercallRequest),
    /// The vCPU has nothing to do until it is woken, or until [`crate::Arch::next_timer`].
    Halt,
    /// The slice ended, or somebody kicked this CPU: ask the scheduler.
    Preempted,
    /// The guest switched its machine off.
    PowerOff,
    /// The guest asked for a reset of its machine.
    Reset,
    /// The vCPU cannot go on.
    Fault(FaultReason),
}

/// Width of one access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessSize {
    /// 8 bits.
    B1,
    /// 16 bits.
    B2,
    /// 32 bits.
    B4,
    /// 64 bits.
    B8,
}

impl AccessSize {
    /// The width in bytes.
    #[must_use]
    pub const fn bytes(self) -> u32 {
        match self {
            Self::B1 => 1,
            Self::B2 => 2,
            Self::B4 => 4,
            Self::B8 => 8,
        }
    }

    /// The width with this number of bytes.
    #[must_use]
    pub const fn from_bytes(bytes: u32) -> Option<Self> {
        match bytes {
            1 => Some(Self::B1),
            2 => Some(Self::B2),
            4 => Some(Self::B4),
            8 => Some(Self::B8),
            _ => None,
        }
    }

    /// All bits of this width set: what a bus without a device on it reads as.
    #[must_use]
    pub const fn all_ones(self) -> u64 {
        u64::MAX >> (64 - 8 * self.bytes())
    }
}

/// Which way the data moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Device to vCPU.
    Read,
    /// vCPU to device, with the value in the low bits.
    Write(u64),
}

/// An access to a guest-physical address without RAM behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// First byte.
    pub gpa: Gpa,
    /// Width.
    pub size: AccessSize,
    /// Read, or write with its value.
    pub direction: Direction,
}

/// An access to the x86 I/O space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortAccess {
    /// First port.
    pub port: u16,
    /// Width: 1, 2 or 4 bytes.
    pub size: AccessSize,
    /// Read, or write with its value.
    pub direction: Direction,
}

/// A hypercall's number and arguments as the guest's registers held them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HypercallRequest {
    /// The number (`phalanx_abi::hypercall`).
    pub number: u64,
    /// The first three arguments.
    pub arguments: [u64; 3],
    /// Whether the guest's kernel mode asked; its user mode has no right to.
    pub privileged: bool,
}

/// Why a vCPU cannot go on: fatal for its domain, harmless for every other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultReason {
    /// x86: a triple fault, which on a PC resets the machine.
    TripleFault,
    /// The guest's own page tables lie outside its RAM.
    PageTableUnbacked(Gpa),
    /// The processor refused the guest's state (a bug here, or state that the manual forbids).
    InvalidState,
    /// The hardware reported a machine check while the guest ran.
    MachineCheck,
    /// An exit reason that this version does not know.
    UnknownExit(u64),
}
