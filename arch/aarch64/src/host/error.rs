//! Why the host could not be set up, in words for the person at the console.

use core::fmt;

use phalanx_arch_api::table::MapError;
use phalanx_arch_api::{Hpa, Hva};
use phalanx_handoff::board::ExceptionLevel;

use super::early_frames::{OutOfFrames, TooManyRanges};
use super::paging::Writable;

/// The machine cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostError {
    /// The loader handed over no device tree, or one without what every board has.
    NoBoard,
    /// The kernel was not entered at EL2.
    WrongLevel(ExceptionLevel),
    /// The memory map has too many pieces.
    TooManyRanges,
    /// Not enough free RAM for tables and stacks.
    OutOfFrames,
    /// The range at this address cannot be mapped: something else claims it, or it is beyond the tables' reach.
    Map(Hva, MapError),
    /// The final page tables have a page that is writable and executable.
    WritableCode(Hva),
    /// The processor has no translation tables of 4 KiB.
    NoSmallGranule,
    /// CNTFRQ_EL0 is 0.
    NoFrequency,
    /// The GICv2 has no registers for a hypervisor, or none for guests.
    NoVirtualInterface,
    /// The GIC is of version 3, but firmware keeps its system registers to itself.
    NoGicRegisters,
    /// The virtual CPU interface has more preemption levels than the 32 that are saved.
    TooManyPreemptionLevels,
    /// No redistributor is for the CPU with these affinity fields.
    NoRedistributor(u64),
    /// The redistributor at this address does not wake up.
    RedistributorAsleep(Hpa),
    /// The GIC's maintenance interrupt or a timer's is none of a CPU's private interrupts.
    NoPrivateInterrupt(PrivateInterrupt),
}

/// An interrupt that each CPU must have for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrivateInterrupt {
    /// The GIC's maintenance interrupt.
    Maintenance,
    /// The EL1 virtual timer's.
    VirtualTimer,
    /// The EL2 physical timer's.
    HypervisorTimer,
}

impl fmt::Display for PrivateInterrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Maintenance => "the GIC's maintenance interrupt",
            Self::VirtualTimer => "the virtual timer's interrupt",
            Self::HypervisorTimer => "the hypervisor timer's interrupt",
        })
    }
}

impl HostError {
    /// What can be done about it.
    #[must_use]
    pub const fn help(&self) -> &'static str {
        match self {
            Self::NoBoard => {
                "have the loader pass the board's device tree (QEMU does; U-Boot: `booti <image> - <dtb>`)"
            }
            Self::WrongLevel(ExceptionLevel::El1) => {
                "start the kernel at EL2 (QEMU: `-M virt,virtualization=on`; boards: a boot loader that stays at EL2)"
            }
            Self::WrongLevel(_) => "start the kernel at EL2, behind firmware that stays at EL3",
            Self::TooManyRanges => "the device tree's memory has more than 136 usable pieces",
            Self::OutOfFrames => "give the machine more memory",
            Self::Map(..) => "check `memory`, `reg` of the GIC and of the console in the device tree for overlaps",
            Self::WritableCode(_) => "this is a bug in Phalanx: report it together with this line",
            Self::NoSmallGranule => "the processor cannot be used",
            Self::NoFrequency => "firmware must write the timer's frequency to CNTFRQ_EL0",
            Self::NoVirtualInterface => {
                "the device tree must give all four register ranges of a GICv2 (QEMU: `virtualization=on`)"
            }
            Self::NoGicRegisters => "firmware must set ICC_SRE_EL3.Enable",
            Self::TooManyPreemptionLevels => "the GIC cannot be used",
            Self::NoRedistributor(_) | Self::NoPrivateInterrupt(_) => "correct the device tree",
            Self::RedistributorAsleep(_) => "firmware must not keep the GIC's power control to itself",
        }
    }
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoBoard => f.write_str("the loader gave no device tree that describes the board"),
            Self::WrongLevel(level) => write!(f, "the kernel was started at {level}, not at EL2"),
            Self::TooManyRanges => f.write_str("the memory map is too fragmented"),
            Self::OutOfFrames => f.write_str("there is not enough memory for the hypervisor itself"),
            Self::Map(address, MapError::AlreadyMapped) => write!(f, "two things are to be mapped at {address}"),
            Self::Map(address, MapError::Misaligned) => {
                write!(f, "the mapping at {address} is not aligned to 4 KiB")
            }
            Self::Map(address, _) => write!(f, "the mapping at {address} is beyond what page tables can hold"),
            Self::WritableCode(address) => write!(f, "the page at {address} is both writable and executable"),
            Self::NoSmallGranule => f.write_str("the processor has no page tables of 4 KiB"),
            Self::NoFrequency => f.write_str("the timer's frequency is unknown: CNTFRQ_EL0 is 0"),
            Self::NoVirtualInterface => f.write_str("the GICv2 has no virtual CPU interface"),
            Self::NoGicRegisters => f.write_str("the GICv3's system registers cannot be used at EL2"),
            Self::TooManyPreemptionLevels => {
                f.write_str("the GIC's virtual CPU interface has more than 32 preemption levels")
            }
            Self::NoRedistributor(mpidr) => write!(f, "no GIC redistributor belongs to the CPU with MPIDR {mpidr:#x}"),
            Self::RedistributorAsleep(address) => write!(f, "the GIC redistributor at {address} does not wake up"),
            Self::NoPrivateInterrupt(which) => write!(f, "{which} is missing, or is not private to each CPU"),
        }
    }
}

impl From<OutOfFrames> for HostError {
    fn from(_: OutOfFrames) -> Self {
        Self::OutOfFrames
    }
}

impl From<TooManyRanges> for HostError {
    fn from(_: TooManyRanges) -> Self {
        Self::TooManyRanges
    }
}

impl From<Writable> for HostError {
    fn from(Writable(address): Writable) -> Self {
        Self::WritableCode(address)
    }
}
