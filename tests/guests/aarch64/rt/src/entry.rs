//! First instructions.

use crate::racy::{Racy, Stack};
use crate::{gic, power, report, serial, start_info, vectors};
use core::arch::global_asm;

/// Bytes of the boot CPU's stack.
const STACK_BYTES: usize = 0x1_0000;
static BOOT_STACK: Racy<Stack<STACK_BYTES>> = Racy::new(Stack::EMPTY);

unsafe extern "C" {
    fn guest_main();
}

// The ELF entry: EL1h, MMU off, X0 = device tree. The counter is read first: that is when the guest began. Nothing is
// stored before the caches are on.
// SAFETY: jumped to once by a loader; sets up stacks and never returns.
global_asm!(
    r#"
    .section .text.entry, "ax"
    .globl _start
_start:
    mrs x21, cntpct_el0
    mov x20, x0
    msr daifset, #15
    bl guest_arm_mmu_on
    adrp x0, {vectors}
    add x0, x0, :lo12:{vectors}
    msr vbar_el1, x0
    adrp x0, {handler_stack}
    add x0, x0, :lo12:{handler_stack}
    mov x1, #{handler_bytes}
    add sp, x0, x1
    msr spsel, #0
    adrp x0, {stack}
    add x0, x0, :lo12:{stack}
    mov x1, #{bytes}
    add sp, x0, x1
    msr tpidr_el1, xzr
    msr cpacr_el1, xzr
    isb
    mov x29, xzr
    mov x30, xzr
    mov x0, x20
    mov x1, x21
    b {start}
    .text
"#,
    vectors = sym vectors::guest_arm_vectors,
    handler_stack = sym vectors::STACKS,
    handler_bytes = const vectors::STACK_BYTES,
    stack = sym BOOT_STACK,
    bytes = const STACK_BYTES,
    start = sym start,
);

/// Takes the machine over from the loader, runs the guest and powers off.
extern "C" fn start(tree: u64, began: u64) -> ! {
    start_info::keep(tree, began);
    serial::init();
    gic::reset();
    // SAFETY: `entry!` defines it in the guest crate with this signature.
    unsafe { guest_main() };
    report::done();
    power::off()
}
