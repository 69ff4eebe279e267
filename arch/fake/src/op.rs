//! What a simulated guest can do: one table from which the operations and their encoding come.

use phalanx_arch_api::{AccessSize, FaultReason};

/// Bytes of an instruction: number and up to three operands, each a little-endian 64-bit word.
pub(crate) const LENGTH: u64 = 32;

/// A fault that a guest can bring about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// What resets a PC.
    Triple,
    /// A machine check.
    MachineCheck,
    /// An exit that nobody knows.
    Unknown,
}

impl FaultKind {
    pub(crate) const fn reason(self) -> FaultReason {
        match self {
            Self::Triple => FaultReason::TripleFault,
            Self::MachineCheck => FaultReason::MachineCheck,
            Self::Unknown => FaultReason::UnknownExit(0x77),
        }
    }
}

/// An operand as a word of the instruction.
trait Operand: Sized {
    fn to_word(self) -> u64;
    fn from_word(word: u64) -> Option<Self>;
}

macro_rules! integer_operands {
    ($($integer:ty),+) => {$(
        impl Operand for $integer {
            fn to_word(self) -> u64 {
                self.into()
            }

            fn from_word(word: u64) -> Option<Self> {
                word.try_into().ok()
            }
        }
    )+};
}

integer_operands!(u8, u16, u32, u64);

impl Operand for AccessSize {
    fn to_word(self) -> u64 {
        self.bytes().into()
    }

    fn from_word(word: u64) -> Option<Self> {
        Self::from_bytes(word.try_into().ok()?)
    }
}

impl Operand for bool {
    fn to_word(self) -> u64 {
        self.into()
    }

    fn from_word(word: u64) -> Option<Self> {
        [false, true].get(usize::try_from(word).ok()?).copied()
    }
}

impl Operand for FaultKind {
    fn to_word(self) -> u64 {
        self as u64
    }

    fn from_word(word: u64) -> Option<Self> {
        [Self::Triple, Self::MachineCheck, Self::Unknown].get(usize::try_from(word).ok()?).copied()
    }
}

/// Builds [`Op`], its encoding and its decoding from one table.
macro_rules! operations {
    ($($(#[$doc:meta])+ $number:literal = $name:ident { $($(#[$field_doc:meta])+ $field:ident: $type:ty = $word:literal,)* })+) => {
        /// One operation of a guest. `A` is the vCPU's accumulator.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Op {
            $($(#[$doc])+ $name { $($(#[$field_doc])+ $field: $type,)* },)+
        }

        impl Op {
            /// The instruction. Number 0 is none: zeroed RAM is no program.
            #[must_use]
            pub fn encode(self) -> [u64; 4] {
                let mut words = [0; 4];
                match self {
                    $(Self::$name { $($field,)* } => {
                        words[0] = $number;
                        $(words[$word] = Operand::to_word($field);)*
                    })+
                }
                words
            }

            /// The operation of an instruction.
            #[must_use]
            pub fn decode(words: [u64; 4]) -> Option<Self> {
                match words[0] {
                    $($number => Some(Self::$name { $($field: Operand::from_word(words[$word])?,)* }),)+
                    _ => None,
                }
            }
        }
    };
}

operations! {
    /// Computes, on the vCPU's own time.
    1 = Compute { /** How long, in ticks. */ ticks: u64 = 1, }
    /// Reads a port into A.
    2 = In { /** First port. */ port: u16 = 1, /** Width. */ size: AccessSize = 2, }
    /// Writes a port.
    3 = Out { /** First port. */ port: u16 = 1, /** Width. */ size: AccessSize = 2, /** What. */ value: u64 = 3, }
    /// Writes the low byte of A to a port.
    4 = OutA { /** The port. */ port: u16 = 1, }
    /// Reads guest-physical memory into A.
    5 = Load { /** A multiple of the width. */ gpa: u64 = 1, /** Width. */ size: AccessSize = 2, }
    /// Writes guest-physical memory.
    6 = Store { /** A multiple of the width. */ gpa: u64 = 1, /** Width. */ size: AccessSize = 2, /** What. */ value: u64 = 3, }
    /// Fills RAM with words that depend on pattern and address; pattern 0 is zeroes.
    7 = Fill { /** A multiple of 8. */ gpa: u64 = 1, /** How many words of 8 bytes. */ words: u64 = 2, /** Which pattern. */ pattern: u64 = 3, }
    /// Fails unless RAM holds what [`Op::Fill`] wrote there.
    8 = Check { /** A multiple of 8. */ gpa: u64 = 1, /** How many words of 8 bytes. */ words: u64 = 2, /** Which pattern. */ pattern: u64 = 3, }
    /// Fails unless A has this value.
    9 = Expect { /** The value. */ value: u64 = 1, }
    /// A hypercall; A becomes its result.
    10 = Hypercall { /** Its number. */ number: u64 = 1, /** Its first argument. */ argument: u64 = 2, /** Whether kernel mode asks. */ privileged: bool = 3, }
    /// The hypercall that reads the dirty log, from kernel mode; A becomes its result.
    26 = DirtyLog { /** The first frame. */ first: u64 = 1, /** How many frames. */ frames: u64 = 2, /** Where the bitmap goes. */ buffer: u64 = 3, }
    /// Halts until one of these vectors is pending; takes those that are. A becomes their set.
    11 = Wait { /** A set: bit n is vector n. */ vectors: u64 = 1, }
    /// As [`Op::Wait`], but busy: computes until one of these vectors is pending.
    25 = Spin { /** A set: bit n is vector n. */ vectors: u64 = 1, }
    /// Arms the vCPU's timer, which raises vector 0 once.
    12 = Timer { /** From now on, in ticks. */ ticks: u64 = 1, }
    /// Sends a vector to a vCPU of the domain.
    13 = Ipi { /** The target. */ vcpu: u8 = 1, /** 1 to 31. */ vector: u8 = 2, }
    /// Starts a vCPU of the domain that waits to be started.
    14 = Start { /** Which. */ vcpu: u8 = 1, /** Where its program lies. */ address: u64 = 2, }
    /// Sets a counter.
    15 = Set { /** 0 to 3. */ counter: u8 = 1, /** Its value. */ value: u64 = 2, }
    /// Counts down, and jumps while the counter is not 0.
    16 = Loop { /** 0 to 3. */ counter: u8 = 1, /** Where to. */ address: u64 = 2, }
    /// Jumps.
    17 = Jump { /** Where to. */ address: u64 = 1, }
    /// Jumps if A has a bit of the mask.
    18 = JumpIfAny { /** The mask. */ mask: u64 = 1, /** Where to. */ address: u64 = 2, }
    /// Tells the observer a number.
    19 = Mark { /** The number. */ value: u64 = 1, }
    /// Tells the observer A.
    20 = MarkA {}
    /// Switches the domain off.
    21 = PowerOff {}
    /// Resets the domain.
    22 = Reset {}
    /// Resets the domain unless it has been reset so often.
    23 = ResetUntil { /** How often. */ resets: u32 = 1, }
    /// Faults.
    24 = Fault { /** How. */ kind: FaultKind = 1, }
}
