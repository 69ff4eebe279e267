//! Exceptions, and a way to try something and learn which exception it raised.
//!
//! [`attempt`] notes the stack pointer of a resume point, then calls the closure. If an exception comes first, the
//! trap table records it and returns to the resume point instead of the faulting instruction.

pub use crate::fault::*;

use crate::smp::MAX_CPUS;
use crate::{cpu, irq, report};
use core::arch::naked_asm;
use core::mem::{ManuallyDrop, MaybeUninit, needs_drop};
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What the vectors leave on the handlers' stack.
#[repr(C)]
pub struct Frame {
    /// X0 to X30.
    pub registers: [u64; 31],
    /// Address of the interrupted instruction.
    pub elr: u64,
    /// Interrupted program status.
    pub spsr: u64,
    /// Syndrome.
    pub esr: u64,
    /// Faulting address.
    pub far: u64,
    /// SP_EL0.
    pub sp: u64,
    /// Number of the vector: its offset in the table divided by 128.
    pub vector: u64,
    reserved: u64,
}

/// EL1t with everything masked: where [`recover`] returns to.
const EL1T_MASKED: u64 = 0x3c4;
/// SPSR: illegal execution state.
const ILLEGAL: u64 = 1 << 20;

/// One CPU's latest attempt.
struct Slot {
    resume: AtomicU64,
    esr: AtomicU64,
    elr: AtomicU64,
    far: AtomicU64,
    x0: AtomicU64,
    spsr: AtomicU64,
}

static SLOTS: [Slot; MAX_CPUS] = [const {
    Slot {
        resume: AtomicU64::new(0),
        esr: AtomicU64::new(0),
        elr: AtomicU64::new(0),
        far: AtomicU64::new(0),
        x0: AtomicU64::new(0),
        spsr: AtomicU64::new(0),
    }
}; MAX_CPUS];

fn slot() -> &'static Slot {
    &SLOTS[cpu::index() % MAX_CPUS]
}

/// ESR_EL1 of the last exception that [`attempt`] reported on this CPU.
pub fn last_esr() -> u64 {
    slot().esr.load(Relaxed)
}

/// ELR_EL1 of the last exception that [`attempt`] reported on this CPU.
pub fn last_elr() -> u64 {
    slot().elr.load(Relaxed)
}

/// FAR_EL1 of the last exception that [`attempt`] reported on this CPU.
pub fn last_far() -> u64 {
    slot().far.load(Relaxed)
}

/// SPSR_EL1 of the last exception that [`attempt`] reported on this CPU.
pub fn last_spsr() -> u64 {
    slot().spsr.load(Relaxed)
}

/// X0 at the last exception that [`attempt`] reported on this CPU.
pub(crate) fn last_x0() -> u64 {
    slot().x0.load(Relaxed)
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
        return Err(Fault::from_esr(slot.esr.load(Relaxed)));
    }
    // SAFETY: `run` returned, so it wrote the result.
    Ok(unsafe { call.result.assume_init() })
}

/// Calls `f(data)`; returns 0 when it returns, 1 when [`recover`] comes instead.
///
/// # Safety
/// `f` is an `extern "C"` function that may be called with `data`.
// SAFETY: saves what the ABI wants kept; `recover` restores SP to the noted value and jumps to the marked place.
#[unsafe(naked)]
unsafe extern "C" fn attempt_raw(f: u64, data: *mut u8, resume: &AtomicU64) -> u64 {
    naked_asm!(
        "sub sp, sp, #112",
        "stp x19, x20, [sp]",
        "stp x21, x22, [sp, #16]",
        "stp x23, x24, [sp, #32]",
        "stp x25, x26, [sp, #48]",
        "stp x27, x28, [sp, #64]",
        "stp x29, x30, [sp, #80]",
        "mrs x3, daif",
        "str x3, [sp, #96]",
        "mov x3, sp",
        "str x3, [x2]",
        "mov x3, x0",
        "mov x0, x1",
        "blr x3",
        "mov x0, xzr",
        "2: ldr x3, [sp, #96]",
        "msr daif, x3",
        "ldp x29, x30, [sp, #80]",
        "ldp x27, x28, [sp, #64]",
        "ldp x25, x26, [sp, #48]",
        "ldp x23, x24, [sp, #32]",
        "ldp x21, x22, [sp, #16]",
        "ldp x19, x20, [sp]",
        "add sp, sp, #112",
        "ret",
        ".globl guest_arm_resume",
        "guest_arm_resume: mov x0, #1",
        "b 2b",
    )
}

/// Called by the vectors.
pub(crate) extern "C" fn entry(frame: &mut Frame) {
    let from_handler = frame.vector / 4 == 1;
    match frame.vector % 4 {
        0 if !from_handler && slot().resume.load(Relaxed) != 0 => recover(frame),
        1 | 2 => irq::handle(frame),
        _ => unexpected(frame),
    }
}

/// Notes the exception and sends the CPU to the resume point.
fn recover(frame: &mut Frame) {
    unsafe extern "C" {
        static guest_arm_resume: u8;
    }
    let slot = slot();
    slot.esr.store(frame.esr, Relaxed);
    slot.elr.store(frame.elr, Relaxed);
    slot.far.store(frame.far, Relaxed);
    slot.x0.store(frame.registers[0], Relaxed);
    slot.spsr.store(frame.spsr & !ILLEGAL, Relaxed);
    frame.elr = &raw const guest_arm_resume as u64;
    frame.spsr = EL1T_MASKED;
    frame.sp = slot.resume.swap(0, Relaxed);
}

fn unexpected(frame: &Frame) -> ! {
    let fault = Fault::from_esr(frame.esr);
    let Frame { elr, esr, far, vector, .. } = *frame;
    report::abort(format_args!("{fault:?}_vector={vector}_elr={elr:#x}_esr={esr:#x}_far={far:#x}"), "no-trap")
}
