//! Rare things that a guest does, worth a line when somebody asks what it did last.

use core::fmt;

use crate::Gpa;

/// One rare thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TraceEvent {
    /// A read of a model-specific or system register that was refused.
    RegisterReadRefused {
        /// The register's number.
        register: u32,
    },
    /// A write of a model-specific or system register that was refused.
    RegisterWriteRefused {
        /// The register's number.
        register: u32,
        /// What was to be written.
        value: u64,
    },
    /// An access to an I/O port that nobody owns.
    UnownedPort {
        /// The first port.
        port: u16,
        /// A write.
        write: bool,
    },
    /// An access to a physical address behind which nothing is.
    UnbackedAddress {
        /// The first byte.
        gpa: Gpa,
        /// A write.
        write: bool,
    },
    /// An instruction that was answered with an exception.
    InstructionRefused {
        /// Vector of the exception.
        vector: u8,
        /// Address of the instruction.
        instruction: u64,
    },
}

impl fmt::Display for TraceEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = |write: bool| if write { "write" } else { "read" };
        match *self {
            Self::RegisterReadRefused { register } => write!(f, "read of register {register:#x} refused"),
            Self::RegisterWriteRefused { register, value } => {
                write!(f, "write of {value:#x} to register {register:#x} refused")
            }
            Self::UnownedPort { port, write } => write!(f, "{} of port {port:#x}, which nobody owns", way(write)),
            Self::UnbackedAddress { gpa, write } => write!(f, "{} at {gpa}, where nothing is", way(write)),
            Self::InstructionRefused { vector, instruction } => {
                write!(f, "instruction at {instruction:#x} refused with exception {vector}")
            }
        }
    }
}
