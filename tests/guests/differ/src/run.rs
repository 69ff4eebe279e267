//! Runs a piece: puts its code in place, enters it by IRETQ with its registers, and is back at the first trap.

use core::arch::{asm, naked_asm};
use core::mem::offset_of;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use guest_rt::descriptors::{KERNEL_CODE, KERNEL_DATA, TablePointer};
use guest_rt::paging::USER_ALIAS;
use guest_rt::racy::{Racy, Stack};
use guest_rt::trap::Frame;
use guest_rt::{apic, cpu, irq};

use crate::outcome::{self, Outcome};
use crate::state::{COMPATIBLE_CODE, Mode, Piece, RSP};
use crate::sync;

/// The vector by which a piece ends: rings 0 and 3 may use it.
const END: u8 = 0x80;
/// A spurious interrupt gets no EOI.
const SPURIOUS: u8 = 0xff;
/// Two pages of code, of which a piece may cross the edge.
#[repr(C, align(4096))]
struct Pages([u8; 2 * 4096]);

static CODE: Racy<Pages> = Racy::new(Pages([0x90; 2 * 4096]));
static STACK: Racy<Stack<0x1000>> = Racy::new(Stack::EMPTY);
static OUTCOME: Racy<Outcome> =
    Racy::new(Outcome { registers: [0; 16], vector: 0, error: 0, rip: 0, rflags: 0, detail: 0 });
/// RSP of the runner while a piece runs.
static RUNNER: AtomicU64 = AtomicU64::new(0);

/// Bits of a page-table entry: present, accessed and dirty, large.
const PRESENT: u64 = 1;
const USED: u64 = 3 << 5;
const LARGE: u64 = 1 << 7;

/// DR6 and DR7 after RESET.
const DR6_RESET: u64 = 0xffff_0ff0;
const DR7_RESET: u64 = 0x400;

/// Takes over the traps, and adds a segment for 32-bit code.
pub(crate) fn init() {
    for vector in (0..32).chain([END]).filter(|vector| *vector != irq::NMI) {
        irq::set_handler(vector, on_end);
    }
    irq::set_handler(irq::NMI, outcome::note_nmi);
    for vector in (32..=SPURIOUS).filter(|vector| *vector != END) {
        irq::set_handler(vector, on_interrupt);
    }
    let mut gdtr = TablePointer { limit: 0, base: 0 };
    // SAFETY: the runtime leaves this entry of its GDT free.
    unsafe {
        asm!("sgdt [{}]", in(reg) &raw mut gdtr, options(nostack));
        ((gdtr.base + u64::from(COMPATIBLE_CODE)) as *mut u64).write_volatile(0x00cf_9b00_0000_ffff);
    }
    use_all_pages(cpu::read_cr3(), 4);
}

/// Sets the accessed and dirty bits in all entries of the page table at `table`: which of them a walk sets that ends in a
/// fault is the processor's choice, and they are memory that is hashed.
fn use_all_pages(table: u64, level: u32) {
    for index in 0..512 {
        let slot = (table + index * 8) as *mut u64;
        // SAFETY: the runtime's tables lie in the identity map.
        let entry = unsafe { slot.read_volatile() };
        if entry & PRESENT == 0 {
            continue;
        }
        // SAFETY: as above; the bits change no translation.
        unsafe { slot.write_volatile(entry | USED) };
        if level > 1 && entry & LARGE == 0 {
            use_all_pages(entry & 0x000f_ffff_ffff_f000, level - 1);
        }
    }
}

/// A trap ends the piece: its frame is the outcome, and the way back is the runner's stack.
fn on_end(frame: &mut Frame) {
    if frame.vector == u64::from(END) {
        outcome::forget_resume_flag(frame);
    }
    // SAFETY: nobody else uses it while a piece runs.
    unsafe { OUTCOME.get().write_volatile(Outcome::of(frame)) };
    frame.rip = resume as *const () as u64;
    frame.cs = u64::from(KERNEL_CODE);
    frame.ss = u64::from(KERNEL_DATA);
    frame.rsp = RUNNER.load(Relaxed);
    frame.rflags = 2;
}

fn on_interrupt(frame: &mut Frame) {
    outcome::note_interrupt(frame);
    if frame.vector != u64::from(SPURIOUS) {
        apic::end_of_interrupt();
    }
}

/// What a piece starts with, as [`enter`] loads it.
#[repr(C)]
struct Start {
    registers: [u64; 16],
    rip: u64,
    cs: u64,
    rflags: u64,
    rsp: u64,
    ss: u64,
}

/// Runs pieces and tells what became of them.
#[derive(Default)]
pub(crate) struct Runner {
    done: u64,
}

impl Runner {
    /// Pieces so far.
    pub(crate) const fn done(&self) -> u64 {
        self.done
    }

    /// Runs one piece.
    pub(crate) fn run(&mut self, piece: &Piece) {
        self.done += 1;
        let (cr0, cr4) = (cpu::read_cr0(), cpu::read_cr4());
        let rip = place(piece);
        let (cs, ss) = piece.segments();
        let mut start = Start {
            registers: piece.registers,
            rip,
            cs: u64::from(cs),
            rflags: piece.flags,
            rsp: STACK.top() + piece.alias() - 64,
            ss: u64::from(ss),
        };
        start.registers[RSP] = 0;
        // SAFETY: whatever the piece does ends in a trap, which comes back here.
        unsafe { enter(&start, &RUNNER) };
        restore(cr0, cr4);
        // SAFETY: the piece has ended.
        sync::tell(self.done, unsafe { &*OUTCOME.get() });
    }
}

/// Writes the piece and its end; returns its address.
fn place(piece: &Piece) -> u64 {
    let start = CODE.get() as u64 + piece.offset;
    let bytes = piece.code.bytes();
    // SAFETY: the offset is below a page, and a piece is shorter than one.
    unsafe {
        core::ptr::copy_nonoverlapping(bytes.as_ptr(), start as *mut u8, bytes.len());
        let end = (start + bytes.len() as u64) as *mut u8;
        end.write_volatile(0xcd);
        end.wrapping_add(1).write_volatile(END);
    }
    start + piece.alias()
}

/// Puts back what a piece may have changed, and lets interrupts come that it left pending.
fn restore(cr0: u64, cr4: u64) {
    if cpu::read_cr0() != cr0 {
        // SAFETY: the value from before.
        unsafe { cpu::write_cr0(cr0) };
    }
    if cpu::read_cr4() != cr4 {
        // SAFETY: the value from before.
        unsafe { cpu::write_cr4(cr4) };
    }
    // SAFETY: no breakpoints, all priorities.
    unsafe {
        cpu::write_dr7(DR7_RESET);
        cpu::write_dr6(DR6_RESET);
        cpu::write_cr8(0);
        // Some emulators change it without a page fault.
        cpu::write_cr2(0);
    }
    cpu::enable_interrupts();
    cpu::disable_interrupts();
}

/// Loads `start` with the runner's stack pointer kept in `runner`; returns when [`resume`] is reached.
// SAFETY: saves what the ABI wants kept; `resume` restores it.
#[unsafe(naked)]
unsafe extern "C" fn enter(start: &Start, runner: &AtomicU64) {
    naked_asm!(
        "push rbx", "push rbp", "push r12", "push r13", "push r14", "push r15",
        "mov [rsi], rsp",
        // The way to ring 3 took them away, and 32-bit code wants them.
        "mov eax, {data}", "mov ds, eax", "mov es, eax",
        "push [rdi + {ss}]", "push [rdi + {rsp}]", "push [rdi + {rflags}]", "push [rdi + {cs}]", "push [rdi + {rip}]",
        "mov rax, [rdi]", "mov rcx, [rdi + 8]", "mov rdx, [rdi + 16]", "mov rbx, [rdi + 24]",
        "mov rbp, [rdi + 40]", "mov rsi, [rdi + 48]",
        "mov r8, [rdi + 64]", "mov r9, [rdi + 72]", "mov r10, [rdi + 80]", "mov r11, [rdi + 88]",
        "mov r12, [rdi + 96]", "mov r13, [rdi + 104]", "mov r14, [rdi + 112]", "mov r15, [rdi + 120]",
        "mov rdi, [rdi + 56]",
        "iretq",
        data = const KERNEL_DATA,
        ss = const offset_of!(Start, ss),
        rsp = const offset_of!(Start, rsp),
        rflags = const offset_of!(Start, rflags),
        cs = const offset_of!(Start, cs),
        rip = const offset_of!(Start, rip),
    )
}

/// Where a trap that ends a piece returns to.
// SAFETY: reached with the stack that `enter` noted.
#[unsafe(naked)]
unsafe extern "C" fn resume() {
    naked_asm!("pop r15", "pop r14", "pop r13", "pop r12", "pop rbp", "pop rbx", "ret")
}

/// Memory that pieces may use: a page, and one that an operand at its end reaches into.
#[repr(C, align(4096))]
struct Data([u8; 2 * 4096]);

static DATA: Racy<Data> = Racy::new(Data([0x5a; 2 * 4096]));

/// Where a piece in `mode` finds its data.
pub(crate) fn data(mode: Mode) -> u64 {
    DATA.get() as u64 + if mode == Mode::User { USER_ALIAS } else { 0 }
}

/// Where the code of a piece without offset lies.
pub(crate) fn code_address() -> u64 {
    CODE.get() as u64
}
