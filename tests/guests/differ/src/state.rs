//! A processor state to start a piece of code with.

use guest_rt::descriptors::{KERNEL_CODE, KERNEL_DATA, USER_CODE, USER_DATA};
use guest_rt::paging::USER_ALIAS;

use crate::code::{Code, SIZE};
use crate::random::Random;

/// The flags that a piece may start with, chosen at random: CF, PF, AF, ZF, SF, OF.
const STATUS: u64 = 0x8d5;
pub(crate) const TF: u64 = 1 << 8;
pub(crate) const DF: u64 = 1 << 10;
pub(crate) const AC: u64 = 1 << 18;
const RESERVED: u64 = 2;

/// Register numbers as instructions encode them.
pub(crate) const RAX: usize = 0;
pub(crate) const RCX: usize = 1;
pub(crate) const RDX: usize = 2;
pub(crate) const RBX: usize = 3;
pub(crate) const RSP: usize = 4;
pub(crate) const RSI: usize = 6;
pub(crate) const RDI: usize = 7;

/// Where and how the code runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// 64-bit code at ring 0.
    Kernel,
    /// 64-bit code at ring 3.
    User,
    /// 32-bit code at ring 0, beside 64-bit code.
    Compatible,
}

/// A piece: code, and the state to start it in.
pub(crate) struct Piece {
    pub(crate) code: Code,
    /// General-purpose registers by number; RSP is the runner's.
    pub(crate) registers: [u64; 16],
    pub(crate) flags: u64,
    pub(crate) mode: Mode,
    /// Bytes from the start of the code's two pages to its first instruction.
    pub(crate) offset: u64,
}

/// A 32-bit code segment, which the runner adds to the descriptors.
pub(crate) const COMPATIBLE_CODE: u16 = 0x28;

impl Piece {
    /// Code in 64-bit mode at ring 0 with random registers and flags, sometimes over the edge of its page.
    pub(crate) fn new(random: &mut Random, code: Code) -> Self {
        let registers = core::array::from_fn(|_| random.operand());
        let offset =
            if random.once_in(4) { 4096 - random.below(1 + code.len().min(SIZE) as u64) } else { random.below(64) };
        let flags = random.next() & STATUS | RESERVED;
        Self { code, registers, flags, mode: Mode::Kernel, offset }
    }

    /// With a register set.
    pub(crate) fn with(mut self, register: usize, value: u64) -> Self {
        self.registers[register] = value;
        self
    }

    /// In another mode.
    pub(crate) fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// With more flags.
    pub(crate) fn flags(mut self, flags: u64) -> Self {
        self.flags |= flags;
        self
    }

    /// Single-stepped, once in `times`: it ends behind its first instruction.
    pub(crate) fn stepped(self, random: &mut Random, times: u64) -> Self {
        if random.once_in(times) { self.flags(TF) } else { self }
    }

    /// What is added to addresses where the piece runs.
    pub(crate) const fn alias(&self) -> u64 {
        if matches!(self.mode, Mode::User) { USER_ALIAS } else { 0 }
    }

    /// Its code and stack segments.
    pub(crate) const fn segments(&self) -> (u16, u16) {
        match self.mode {
            Mode::Kernel => (KERNEL_CODE, KERNEL_DATA),
            Mode::User => (USER_CODE, USER_DATA),
            Mode::Compatible => (COMPATIBLE_CODE, KERNEL_DATA),
        }
    }
}
