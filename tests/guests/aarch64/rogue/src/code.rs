//! One instruction at a time, made from its bits.

use core::arch::asm;
use guest_arm_rt::racy::Racy;
use guest_arm_rt::trap::{Fault, attempt, last_elr};
use guest_arm_rt::{cpu, println, start_info, user};

const RET: u32 = 0xd65f_03c0;
const SVC: u32 = 0xd400_0001;

/// An instruction and the way back.
#[repr(C, align(64))]
struct Code([u32; 2]);

static CODE: Racy<Code> = Racy::new(Code([0; 2]));

fn place(instruction: u32, way_back: u32) -> u64 {
    if start_info::has_word("trace") {
        println!("# try {instruction:#010x}");
    }
    // SAFETY: a page of this guest that is executed by the callers only, after the caches agree.
    unsafe { CODE.get().write_volatile(Code([instruction, way_back])) };
    cpu::synchronise_code(CODE.get() as u64, size_of::<Code>() as u64);
    CODE.get() as u64
}

/// Runs one instruction at EL1 with X0 = `x0`; returns X0, or the fault.
///
/// # Safety
/// Should the instruction run, it changes caller-saved registers only and leaves the guest usable.
pub(crate) unsafe fn execute(instruction: u32, x0: u64) -> Result<u64, Fault> {
    let start = place(instruction, RET);
    attempt(|| {
        let result;
        // SAFETY: as the caller promises.
        unsafe { asm!("blr {}", in(reg) start, inout("x0") x0 => result, clobber_abi("C")) };
        result
    })
}

/// Runs one instruction at EL0 with X0 = `x0`; returns X0, or the fault.
///
/// # Safety
/// As for [`execute`].
pub(crate) unsafe fn execute_at_el0(instruction: u32, x0: u64) -> Result<u64, Fault> {
    let start = place(instruction, SVC);
    // SAFETY: as the caller promises.
    unsafe { user::run(start as *const u8, [x0, 0, 0, 0]) }
}

/// Whether the last fault named the instruction that was tried.
pub(crate) fn fault_was_there() -> bool {
    last_elr() == CODE.get() as u64
}

/// A system register or instruction: op0, op1, CRn, CRm, op2.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Encoding(pub(crate) u32, pub(crate) u32, pub(crate) u32, pub(crate) u32, pub(crate) u32);

impl Encoding {
    const fn bits(self) -> u32 {
        self.0 << 19 | self.1 << 16 | self.2 << 12 | self.3 << 8 | self.4 << 5
    }

    /// MRS X0.
    pub(crate) const fn mrs(self) -> u32 {
        0xd520_0000 | self.bits()
    }

    /// MSR X0, or SYS with X0.
    pub(crate) const fn msr(self) -> u32 {
        0xd500_0000 | self.bits()
    }

    /// Reads it.
    pub(crate) fn read(self) -> Result<u64, Fault> {
        // SAFETY: reading a system register changes nothing that the guest lives on.
        unsafe { execute(self.mrs(), 0) }
    }

    /// Writes it.
    ///
    /// # Safety
    /// Should the write happen, it leaves the guest usable.
    pub(crate) unsafe fn write(self, value: u64) -> Result<u64, Fault> {
        // SAFETY: as the caller promises.
        unsafe { execute(self.msr(), value) }
    }

    /// All encodings of an op0.
    pub(crate) fn all(op0: u32) -> impl Iterator<Item = Self> {
        (0..1 << 14).map(move |n: u32| Self(op0, n >> 11, n >> 7 & 15, n >> 3 & 15, n & 7))
    }
}

impl core::fmt::Display for Encoding {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "S{}_{}_C{}_C{}_{}", self.0, self.1, self.2, self.3, self.4)
    }
}
