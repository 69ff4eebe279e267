//! Further CPUs: INIT, SIPI, and the way from real mode to Rust.

use crate::apic::{self, icr};
use crate::descriptors::{self, MAX_CPUS};
use crate::racy::{Racy, Stack};
use crate::{clock, cpu, paging};
use core::arch::global_asm;
use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};

/// Where the real-mode code is copied to; the SIPI vector is this address in pages.
const TRAMPOLINE: u64 = 0x8000;

static STACKS: [Racy<Stack<0x4000>>; MAX_CPUS] = [const { Racy::new(Stack::EMPTY) }; MAX_CPUS];
static ONLINE: [AtomicBool; MAX_CPUS] = [const { AtomicBool::new(false) }; MAX_CPUS];
static ENTRY: AtomicUsize = AtomicUsize::new(0);
static STACK: AtomicU64 = AtomicU64::new(0);
static INDEX: AtomicUsize = AtomicUsize::new(0);

/// Whether CPU `index` has reached its function.
pub fn is_online(index: usize) -> bool {
    ONLINE[index].load(SeqCst)
}

/// Forgets that CPU `index` was online, before an INIT takes it away.
pub fn forget(index: usize) {
    ONLINE[index].store(false, SeqCst);
}

/// Starts the CPU with `apic_id` as CPU `index`, which then runs `main(index)`; true if it came up within a second.
pub fn start(apic_id: u32, index: usize, main: fn(usize)) -> bool {
    place_trampoline();
    ENTRY.store(main as usize, SeqCst);
    STACK.store(STACKS[index].top(), SeqCst);
    INDEX.store(index, SeqCst);
    apic::send(apic_id, icr::INIT | icr::ASSERT | icr::LEVEL);
    clock::delay(200);
    apic::send(apic_id, icr::INIT | icr::LEVEL);
    clock::delay(10_000);
    for _ in 0..2 {
        apic::send(apic_id, icr::STARTUP | icr::ASSERT | (TRAMPOLINE >> 12) as u32);
        if clock::within(500_000, || is_online(index)) {
            return true;
        }
    }
    false
}

/// Sends only a SIPI, to a CPU that may or may not wait for one.
pub fn send_startup(apic_id: u32) {
    apic::send(apic_id, icr::STARTUP | icr::ASSERT | (TRAMPOLINE >> 12) as u32);
}

fn place_trampoline() {
    unsafe extern "C" {
        static guest_rt_ap: u8;
        static guest_rt_ap_end: u8;
        static guest_rt_ap_root: u8;
    }
    let (from, end) = (&raw const guest_rt_ap, &raw const guest_rt_ap_end);
    let root = &raw const guest_rt_ap_root as u64 - from as u64 + TRAMPOLINE;
    // SAFETY: the page at TRAMPOLINE is low RAM that nothing else in a guest uses; `root` lies in the copied code.
    unsafe {
        core::ptr::copy_nonoverlapping(from, TRAMPOLINE as *mut u8, end as usize - from as usize);
        (root as *mut u32).write_unaligned(paging::root() as u32);
    }
}

/// First Rust code on another CPU.
extern "C" fn ap_main() -> ! {
    let index = INDEX.load(SeqCst);
    descriptors::init(index);
    if apic::is_x2apic() {
        apic::enable_x2apic();
    }
    apic::write(apic::reg::SVR, 0x100 | u32::from(crate::irq::SPURIOUS));
    // SAFETY: `start` stored a function of this type.
    let main: fn(usize) = unsafe { core::mem::transmute(ENTRY.load(SeqCst)) };
    ONLINE[index].store(true, SeqCst);
    main(index);
    cpu::stop()
}

// A CPU begins in real mode at TRAMPOLINE:0 after the SIPI (Intel SDM vol. 3A, 10.4.4); enters long mode directly, with
// caches on, and takes its stack from STACK. Runs from the copy: its own addresses are TRAMPOLINE plus an offset.
// SAFETY: one CPU at a time; it touches only its registers and the stack it was given.
global_asm!(
    r#"
    .section .rodata.ap, "a"
    .p2align 4
    .globl guest_rt_ap, guest_rt_ap_end, guest_rt_ap_root
guest_rt_ap:
    .code16
    cli
    cld
    xorw %ax, %ax
    movw %ax, %ds
    lgdtl {base} + 3f - guest_rt_ap
    movl %cr4, %eax
    orl $0x20, %eax
    movl %eax, %cr4
    movl {base} + guest_rt_ap_root - guest_rt_ap, %eax
    movl %eax, %cr3
    movl $0xc0000080, %ecx
    rdmsr
    orl $0x100, %eax
    wrmsr
    movl %cr0, %eax
    andl $0x9fffffff, %eax
    orl $0x80000001, %eax
    movl %eax, %cr0
    ljmpl $8, ${base} + 1f - guest_rt_ap
    .code64
1:  movl $16, %eax
    movl %eax, %ss
    movl %eax, %ds
    movl %eax, %es
    movabsq ${stack}, %rax
    movq (%rax), %rsp
    xorl %ebp, %ebp
    movabsq ${main}, %rax
    callq *%rax
    ud2
    .p2align 3
2:  .quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff
3:  .word 23
    .long {base} + 2b - guest_rt_ap
guest_rt_ap_root:
    .long 0
guest_rt_ap_end:
    .text
"#,
    base = const TRAMPOLINE,
    stack = sym STACK,
    main = sym ap_main,
    options(att_syntax)
);
