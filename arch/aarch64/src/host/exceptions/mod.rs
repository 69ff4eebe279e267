//! Exceptions of the hypervisor itself: each is a bug or a broken machine, and ends in the crash card.
//!
//! The vectors (`vectors.rs`) come to `phalanx_crash` with the vector's number in X0 and the old X0 in TPIDRRO_EL0. The
//! stack pointer may be what went wrong, so the registers are saved on the CPU's emergency stack.

#[cfg(target_arch = "aarch64")]
mod entry;

#[cfg(target_arch = "aarch64")]
pub use entry::on_exception;

/// Which vector an exception of the hypervisor took (Arm ARM, D1.3.1.2 "Exception vectors").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An instruction caused it; ESR_EL2 says how.
    Synchronous,
    /// An IRQ, although they are masked.
    Irq,
    /// An FIQ, although they are masked.
    Fiq,
    /// A system error that the memory system reported.
    SError,
}

impl Kind {
    /// The kind with the number that the vectors pass.
    #[must_use]
    pub const fn from_number(number: u64) -> Self {
        match number {
            0 => Self::Synchronous,
            1 => Self::Irq,
            2 => Self::Fiq,
            _ => Self::SError,
        }
    }
}

/// The registers when the exception happened.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(16))]
pub struct ExceptionFrame {
    /// X0 to X30.
    pub x: [u64; 31],
    /// Stack pointer.
    pub sp: u64,
    /// ELR_EL2: the instruction.
    pub elr: u64,
    /// SPSR_EL2: program status.
    pub spsr: u64,
    /// ESR_EL2: syndrome.
    pub esr: u64,
    /// FAR_EL2: the address, where the syndrome has to do with one.
    pub far: u64,
}

const _: () = assert!(size_of::<ExceptionFrame>() == 288 && core::mem::offset_of!(ExceptionFrame, elr) == 256);
