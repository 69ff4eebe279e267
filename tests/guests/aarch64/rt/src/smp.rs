//! Further CPUs: PSCI CPU_ON, and the way from the first instruction to Rust.

use crate::racy::{Racy, Stack};
use crate::{clock, cpu, gic, psci, vectors};
use core::arch::global_asm;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

/// CPUs that a guest can have.
pub const MAX_CPUS: usize = 16;
/// Bytes of a stack.
const STACK_BYTES: usize = 0x4000;

static STACKS: [Racy<Stack<STACK_BYTES>>; MAX_CPUS] = [const { Racy::new(Stack::EMPTY) }; MAX_CPUS];
static ONLINE: [AtomicBool; MAX_CPUS] = [const { AtomicBool::new(false) }; MAX_CPUS];
static ENTRY: [AtomicUsize; MAX_CPUS] = [const { AtomicUsize::new(0) }; MAX_CPUS];

/// Whether CPU `index` has reached its function.
pub fn is_online(index: usize) -> bool {
    ONLINE[index].load(SeqCst)
}

/// Address of the first instruction of a CPU that is started.
pub fn entry_address() -> u64 {
    unsafe extern "C" {
        static guest_arm_secondary: u8;
    }
    &raw const guest_arm_secondary as u64
}

/// Starts the CPU with `affinity` as CPU `index`, which then runs `main(index)`; `Err` holds what PSCI answers, or
/// [`psci::ON_PENDING`] if it did not come up within a second.
pub fn start(affinity: u64, index: usize, main: fn(usize)) -> Result<(), i64> {
    ENTRY[index].store(main as usize, SeqCst);
    ONLINE[index].store(false, SeqCst);
    match psci::call(psci::CPU_ON_64, [affinity, entry_address(), index as u64]) {
        psci::SUCCESS if clock::within(1_000_000, || is_online(index)) => Ok(()),
        psci::SUCCESS => Err(psci::ON_PENDING),
        error => Err(error),
    }
}

/// First Rust code on another CPU.
extern "C" fn secondary_main(index: usize) -> ! {
    gic::init_cpu();
    // SAFETY: `start` stored a function of this type.
    let main: fn(usize) = unsafe { core::mem::transmute(ENTRY[index].load(SeqCst)) };
    ONLINE[index].store(true, SeqCst);
    main(index);
    cpu::stop()
}

// A CPU begins at EL1h with the MMU off and X0 = its index (DEN 0022, 6.4). Nothing is stored before the caches are on.
// SAFETY: it touches only its registers and the stacks that its index gives it.
global_asm!(
    r#"
    .section .text.entry, "ax"
    .globl guest_arm_secondary
guest_arm_secondary:
    mov x20, x0
    msr daifset, #15
    bl guest_arm_mmu_on
    adrp x0, {vectors}
    add x0, x0, :lo12:{vectors}
    msr vbar_el1, x0
    add x2, x20, #1
    adrp x0, {handler_stacks}
    add x0, x0, :lo12:{handler_stacks}
    mov x1, #{handler_bytes}
    madd x0, x1, x2, x0
    mov sp, x0
    msr spsel, #0
    adrp x0, {stacks}
    add x0, x0, :lo12:{stacks}
    mov x1, #{bytes}
    madd x0, x1, x2, x0
    mov sp, x0
    msr tpidr_el1, x20
    msr cpacr_el1, xzr
    isb
    mov x29, xzr
    mov x30, xzr
    mov x0, x20
    b {main}
    .text
"#,
    vectors = sym vectors::guest_arm_vectors,
    handler_stacks = sym vectors::STACKS,
    handler_bytes = const vectors::STACK_BYTES,
    stacks = sym STACKS,
    bytes = const STACK_BYTES,
    main = sym secondary_main,
);
