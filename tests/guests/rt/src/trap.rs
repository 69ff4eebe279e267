//! Exceptions, and a way to try something and learn which exception it raised.
//!
//! [`attempt`] notes the stack pointer of a resume point, then calls the closure. If an exception comes first, the
//! trap table records it and returns to the resume point instead of the faulting instruction.

pub use crate::fault::*;

use crate::descriptors::{KERNEL_CODE, KERNEL_DATA, MAX_CPUS, cpu_index};
use crate::{cpu, irq, report, user};
use core::arch::naked_asm;
use core::mem::{ManuallyDrop, MaybeUninit, needs_drop};
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What the stubs leave on the stack.
#[repr(C)]
pub struct Frame {
    /// R15, R14, …, R8, RBP, RDI, RSI, RDX, RCX, RBX.
    pub registers: [u64; 14],
    /// RAX.
    pub rax: u64,
    /// Vector number.
    pub vector: u64,
    /// Error code, 0 for vectors without one.
    pub error: u64,
    /// Address of the interrupted instruction.
    pub rip: u64,
    /// Interrupted code segment.
    pub cs: u64,
    /// Interrupted flags.
    pub rflags: u64,
    /// Interrupted stack pointer.
    pub rsp: u64,
    /// Interrupted stack segment.
    pub ss: u64,
}

/// One CPU's latest attempt.
struct Slot {
    resume: AtomicU64,
    fault: AtomicU64,
    rip: AtomicU64,
    cr2: AtomicU64,
    rax: AtomicU64,
}

static SLOTS: [Slot; MAX_CPUS] = [const {
    Slot {
        resume: AtomicU64::new(0),
        fault: AtomicU64::new(0),
        rip: AtomicU64::new(0),
        cr2: AtomicU64::new(0),
        rax: AtomicU64::new(0),
    }
}; MAX_CPUS];

fn slot() -> &'static Slot {
    &SLOTS[cpu_index()]
}

/// RIP at the last fault that [`attempt`] reported on this CPU.
pub fn last_rip() -> u64 {
    slot().rip.load(Relaxed)
}

/// CR2 at the last fault that [`attempt`] reported on this CPU.
pub fn last_cr2() -> u64 {
    slot().cr2.load(Relaxed)
}

/// RAX at the last trap that [`attempt`] reported on this CPU.
pub(crate) fn last_rax() -> u64 {
    slot().rax.load(Relaxed)
}

struct Call<F, R> {
    f: ManuallyDrop<F>,
    result: MaybeUninit<R>,
}

extern "C" fn run<F: FnOnce() -> R, R>(call: &mut Call<F, R>) {
    // SAFETY: `attempt` runs each call once.
    let f = unsafe { ManuallyDrop::take(&mut call.f) };
    call.result.write(f());
}

/// Runs `f` and returns its result, or the exception that ended it.
///
/// A fault leaves `f` in the middle: what it borrowed stays as it was at that moment, and neither `f` nor its result
/// may need dropping (checked when compiled). Interrupts are taken as usual. Attempts may nest.
pub fn attempt<R, F: FnOnce() -> R>(f: F) -> Result<R, Fault> {
    const { assert!(!needs_drop::<F>() && !needs_drop::<R>(), "a fault would leak it") };
    let slot = slot();
    let outer = slot.resume.load(Relaxed);
    let mut call = Call { f: ManuallyDrop::new(f), result: MaybeUninit::uninit() };
    // SAFETY: `run` takes a pointer to such a call.
    let trapped = unsafe { attempt_raw(run::<F, R> as *const () as u64, (&raw mut call).cast(), &slot.resume) };
    slot.resume.store(outer, Relaxed);
    if trapped != 0 {
        let fault = slot.fault.load(Relaxed);
        return Err(Fault(fault as u8, (fault >> 32) as u32));
    }
    // SAFETY: `run` returned, so it wrote the result.
    Ok(unsafe { call.result.assume_init() })
}

/// Calls `f(data)`; returns 0 when it returns, 1 when [`recover`] comes instead.
///
/// # Safety
/// `f` is an `extern "C"` function that may be called with `data`.
// SAFETY: saves what the ABI wants kept; `recover` restores RSP to the noted value and jumps to the marked place.
#[unsafe(naked)]
unsafe extern "C" fn attempt_raw(f: u64, data: *mut u8, resume: &AtomicU64) -> u64 {
    naked_asm!(
        "push rbx",
        "push rbp",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "pushfq",
        "mov [rdx], rsp",
        "mov rax, rdi",
        "mov rdi, rsi",
        "call rax",
        "xor eax, eax",
        "2: popfq",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbp",
        "pop rbx",
        "ret",
        ".globl guest_rt_resume",
        "guest_rt_resume: mov eax, 1",
        "jmp 2b",
    )
}

/// Called by the stubs for every vector.
pub(crate) extern "C" fn entry(frame: &mut Frame) {
    let vector = frame.vector as u8;
    if irq::handle(vector, frame) {
        return;
    }
    let is_exception = vector < 32 && vector != irq::NMI || frame.vector == user::RETURN_VECTOR as u64;
    match is_exception {
        true if slot().resume.load(Relaxed) != 0 => recover(frame),
        true => unexpected(frame),
        false => irq::count(vector),
    }
}

/// Notes the exception and sends the CPU to the resume point.
fn recover(frame: &mut Frame) {
    unsafe extern "C" {
        static guest_rt_resume: u8;
    }
    let slot = slot();
    slot.fault.store(frame.vector | frame.error << 32, Relaxed);
    slot.rip.store(frame.rip, Relaxed);
    slot.cr2.store(cpu::read_cr2(), Relaxed);
    slot.rax.store(frame.rax, Relaxed);
    frame.rip = &raw const guest_rt_resume as u64;
    frame.cs = u64::from(KERNEL_CODE);
    frame.ss = u64::from(KERNEL_DATA);
    frame.rsp = slot.resume.swap(0, Relaxed);
    frame.rflags = 2;
}

fn unexpected(frame: &Frame) -> ! {
    let fault = Fault(frame.vector as u8, frame.error as u32);
    let cr2 = cpu::read_cr2();
    let (rip, rsp) = (frame.rip, frame.rsp);
    report::abort(format_args!("{fault:?}_rip={rip:#x}_rsp={rsp:#x}_cr2={cr2:#x}"), "no-trap")
}
