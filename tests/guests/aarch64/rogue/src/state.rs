//! Processor state: alignment of SP and PC, illegal returns, exceptions of instructions that EL1 lacks.

use crate::code;
use core::arch::{asm, naked_asm};
use guest_arm_rt::report::{Hex, Sweep};
use guest_arm_rt::trap::{
    BREAKPOINT, ILLEGAL_STATE, PC_ALIGNMENT, SP_ALIGNMENT, UNDEFINED, attempt, last_elr, last_far,
};
use guest_arm_rt::{clock, cpu, gic, irq, read_register};

/// SPSR values that no return from EL1 may have: levels above, levels that do not exist, AArch32 at EL1, and PSTATE.IL.
const ILLEGAL: [u64; 15] = [0x8, 0x9, 0xc, 0xd, 0x1, 0x2, 0x3, 0x6, 0x7, 0xa, 0x12, 0x13, 0x17, 0x1a, 0x1f];
const MASKED: u64 = 0x3c0;
/// What EL1 lacks: HLT (no halting; its immediate 0xf000 is left out, by which emulators are called), DCPS1 to 3, DRPS, UDF.
const LACKING: [(&str, u32); 7] = [
    ("hlt #0", 0xd440_0000),
    ("dcps1", 0xd4a0_0001),
    ("dcps2", 0xd4a0_0002),
    ("dcps3", 0xd4a0_0003),
    ("drps", 0xd6bf_03e0),
    ("udf #0", 0),
    ("all ones", 0xffff_ffff),
];

pub(crate) fn run() {
    alignment();
    illegal_returns();
    lacking();
    no_system_error();
}

/// Loads through SP + `offset`.
// SAFETY: SP is put back, unless the load raises an exception, which brings its own.
#[unsafe(naked)]
unsafe extern "C" fn load_through_sp(offset: u64) {
    naked_asm!("mov x1, sp", "sub x2, x1, #64", "add x2, x2, x0", "mov sp, x2", "ldr x3, [sp]", "mov sp, x1", "ret")
}

fn alignment() {
    let mut sweep = Sweep::new("alignment");
    for offset in 0..16 {
        // SAFETY: raises an exception, or changes nothing.
        let got = attempt(|| unsafe { load_through_sp(offset) });
        // QEMU's TCG does not check it.
        let right = got == Ok(()) || offset != 0 && got == Err(SP_ALIGNMENT);
        sweep.judge(right, format_args!("SP + {offset}"), format_args!("{got:x?}"));
    }
    for offset in 1..4 {
        let target = alignment as *const () as u64 + offset;
        // SAFETY: raises an exception at its target.
        let entry: extern "C" fn() = unsafe { core::mem::transmute(target) };
        sweep.expect(format_args!("PC + {offset}"), attempt(|| entry()), Err(PC_ALIGNMENT));
        sweep.expect("ELR", (last_elr(), last_far()), (target, target));
    }
    sweep.finish();
}

/// ERET with an SPSR that is not allowed: the level stays, and the next instruction is an illegal state.
fn illegal_returns() {
    let mut sweep = Sweep::new("illegal-returns");
    for status in ILLEGAL.into_iter().map(|mode| mode | MASKED).chain([1 << 20 | MASKED | 4]) {
        let got = attempt(|| {
            // SAFETY: whatever the return does, it ends in the next instruction's exception.
            unsafe {
                asm!("msr spsr_el1, {}", "adr {1}, 2f", "msr elr_el1, {1}", "isb", "eret", "2: nop",
                    in(reg) status, out(reg) _);
            }
        });
        sweep.expect(Hex(status), got, Err(ILLEGAL_STATE));
        sweep.expect("level", read_register!("currentel"), 1 << 2);
    }
    sweep.finish();
}

fn lacking() {
    let mut sweep = Sweep::new("lacking");
    for (name, instruction) in LACKING {
        // SAFETY: raises an exception.
        sweep.expect(name, unsafe { code::execute(instruction, 0) }, Err(UNDEFINED));
        // SAFETY: as above.
        sweep.expect(format_args!("{name} at EL0"), unsafe { code::execute_at_el0(instruction, 0) }, Err(UNDEFINED));
    }
    // SAFETY: raises an exception.
    sweep.expect("brk", unsafe { code::execute(0xd420_0000, 0) }, Err(BREAKPOINT));
    // SAFETY: as above. ERET.
    sweep.expect("eret at EL0", unsafe { code::execute_at_el0(0xd69f_03e0, 0) }, Err(UNDEFINED));
    sweep.finish();
}

/// Nothing that a guest does makes an SError for itself: with SErrors unmasked for a while none comes, and interrupts do.
fn no_system_error() {
    let mut sweep = Sweep::new("no-serror");
    irq::forget(3);
    // SAFETY: an SError would end the guest with a failed check.
    unsafe { asm!("msr daifclr, #4", "isb") };
    gic::send_self(3);
    cpu::enable_interrupts();
    sweep.expect("SGI", clock::within(100_000, || irq::received(3) == 1), true);
    cpu::disable_interrupts();
    // SAFETY: as it was.
    unsafe { asm!("msr daifset, #4") };
    sweep.expect("ISR", read_register!("isr_el1") & 0x100, 0);
    sweep.finish();
}
