//! Operations that end in the guest's interrupt handler.

use crate::batch::{Batch, OPERATIONS};
use core::arch::{asm, naked_asm};
use guest_rt::{apic, descriptors};

/// The vector of every interrupt here.
pub(crate) const VECTOR: u8 = 0x40;
/// Turns of the waiting loop in a whole batch before the interrupt counts as lost.
const PATIENCE: u64 = 10_000_000;

/// Sends [`VECTOR`] to the handler that ends interrupts by MSR.
pub(crate) fn prepare_x2apic() {
    // SAFETY: the handler ends with IRETQ, and only the loops below let it run.
    unsafe { descriptors::set_raw_handler(VECTOR, on_interrupt_x2apic as *const () as u64) };
}

/// Sends [`VECTOR`] to the handler that ends interrupts by the register page.
pub(crate) fn prepare_xapic() {
    // SAFETY: as above.
    unsafe { descriptors::set_raw_handler(VECTOR, on_interrupt_xapic as *const () as u64) };
}

/// Counts in R11 and ends the interrupt: 6 instructions. Interrupts are on in `interrupt_loop!` only, which declares
/// what this destroys.
// SAFETY: entered through an interrupt gate; RSP is as the CPU left it at the IRETQ.
#[unsafe(naked)]
unsafe extern "C" fn on_interrupt_x2apic() {
    naked_asm!("inc r11", "mov ecx, 0x80b", "xor eax, eax", "xor edx, edx", "wrmsr", "iretq")
}

/// The same for xAPIC mode: 3 instructions. RSI holds the register page's address in its loop.
// SAFETY: as above.
#[unsafe(naked)]
unsafe extern "C" fn on_interrupt_xapic() {
    naked_asm!("inc r11", "mov dword ptr [rsi + 0xb0], 0", "iretq")
}

/// A function that runs `$trigger` and waits for the handler, [`OPERATIONS`] times between two RDTSCs. Waiting is CMP and
/// JE when the interrupt comes at once; the loop adds INC, DEC and JNZ.
macro_rules! interrupt_loop {
    ($(#[$doc:meta])* $name:ident, $rsi:expr, $($trigger:literal),+) => {
        $(#[$doc])*
        #[inline(never)]
        pub(crate) fn $name() -> Batch {
            let (ticks, missed): (u64, u64);
            // SAFETY: interrupts are on inside the block only, and their handler touches only what is declared here.
            unsafe {
                asm!(
                    "xor r8d, r8d", "xor r11d, r11d",
                    "sti",
                    "rdtsc", "shl rdx, 32", "or rax, rdx", "mov rdi, rax",
                    ".p2align 4", "2:", $($trigger,)+
                    "inc r8",
                    "3: cmp r11, r8", "je 4f",
                    "pause", "dec r10", "jnz 3b", "jmp 5f",
                    "4: dec r9", "jnz 2b",
                    "5: cli",
                    "rdtsc", "shl rdx, 32", "or rax, rdx", "sub rax, rdi",
                    out("rax") ticks, out("rcx") _, out("rdx") _, out("rdi") _, in("rsi") $rsi,
                    out("r8") _, inout("r9") OPERATIONS => missed, inout("r10") PATIENCE => _, out("r11") _,
                );
            }
            Batch { ticks, missed }
        }
    };
}

interrupt_loop!(
    /// WRMSR to the self-IPI register: 4 instructions, 5 of the loop and 6 of the handler with its EOI.
    self_ipi, 0_u64, "mov ecx, 0x83f", "mov eax, 0x40", "xor edx, edx", "wrmsr"
);
interrupt_loop!(
    /// The interrupt command register in memory, shorthand "self": 1 instruction, 5 of the loop and 3 of the handler.
    self_ipi_mmio, apic::BASE, "mov dword ptr [rsi + 0x300], 0x44040"
);
interrupt_loop!(
    /// A TSC deadline that has passed (time-stamp 1): 4 instructions, 5 of the loop and 6 of the handler with its EOI.
    timer, 0_u64, "mov ecx, 0x6e0", "mov eax, 1", "xor edx, edx", "wrmsr"
);
