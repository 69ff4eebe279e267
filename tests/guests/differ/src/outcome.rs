//! How a piece ended, and which interrupts came meanwhile.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use guest_rt::cpu;
use guest_rt::trap::Frame;

/// How a piece ended.
#[derive(Clone, Copy, Default)]
pub(crate) struct Outcome {
    /// By register number; RSP among them.
    pub(crate) registers: [u64; 16],
    pub(crate) vector: u64,
    pub(crate) error: u64,
    pub(crate) rip: u64,
    pub(crate) rflags: u64,
    /// CR2 after #PF, DR6 after #DB, else 0.
    pub(crate) detail: u64,
}

const PAGE_FAULT: u64 = 14;
const DEBUG: u64 = 1;

impl Outcome {
    /// What the processor left behind.
    pub(crate) fn of(frame: &Frame) -> Self {
        let [r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx] = frame.registers;
        let registers = [frame.rax, rcx, rdx, rbx, frame.rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15];
        let detail = match frame.vector {
            PAGE_FAULT => cpu::read_cr2(),
            DEBUG => cpu::read_dr6(),
            _ => 0,
        };
        Self { registers, vector: frame.vector, error: frame.error, rip: frame.rip, rflags: frame.rflags, detail }
    }
}

/// A digest of all interrupts so far: their vectors, and where they came between instructions.
static INTERRUPTS: AtomicU64 = AtomicU64::new(0);

/// RFLAGS.RF. QEMU sets it in what an interrupt pushes, and clears it after some instructions and not after each: what is
/// pushed by interrupts and INT n is read without, also by IRET and by whoever hashes the stack.
const RF: u64 = 1 << 16;

/// Forgets RF in what an interrupt pushed.
pub(crate) fn forget_resume_flag(frame: &mut Frame) {
    frame.rflags &= !RF;
}

/// Adds one interrupt.
pub(crate) fn note_interrupt(frame: &mut Frame) {
    forget_resume_flag(frame);
    for word in [frame.vector, frame.rip, frame.rflags, frame.rsp, cpu::read_cr8()] {
        let digest = INTERRUPTS.load(Relaxed);
        INTERRUPTS.store((digest ^ word).wrapping_mul(0x0100_0000_01b3).rotate_left(7), Relaxed);
    }
}

/// An NMI, which gets no EOI.
pub(crate) fn note_nmi(frame: &mut Frame) {
    note_interrupt(frame);
}

/// The digest.
pub(crate) fn interrupts() -> u64 {
    INTERRUPTS.load(Relaxed)
}
