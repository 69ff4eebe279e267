//! What the hypervisor's recorder is told: after each piece its outcome in registers, now and then to hash the memory.
//!
//! All of it is the null hypercall. Its instruction is one on AMD and another on Intel, so it lies in a page that no hash
//! covers. Nothing else in the guest's memory tells the vendors apart.

use core::arch::{asm, naked_asm};

use guest_rt::hypercall::NULL;
use guest_rt::racy::Racy;

use crate::outcome::{self, Outcome};

/// First argument of the null hypercall: hash the memory.
pub(crate) const CHECKPOINT: u64 = 0x6368_6563_6b70;
/// The same, and record no more.
pub(crate) const LAST: u64 = 0x006c_6173_7400;

#[repr(C, align(4096))]
struct Page([u8; 4096]);

/// VMMCALL or VMCALL, and RET.
static CALL: Racy<Page> = Racy::new(Page([0; 4096]));
/// Bytes of stack that a checkpoint wipes: what is left there of calls that have returned.
const WIPED: usize = 4096;

/// Address of the code that makes a hypercall.
pub(crate) fn call_address() -> u64 {
    CALL.get() as u64
}

/// Writes the code. CPUID leaf 0 has `Auth` in EBX on AMD.
pub(crate) fn init() {
    // SAFETY: only registers change, and the page.
    unsafe {
        asm!(
            "push rbx",
            "xor eax, eax",
            "cpuid",
            "mov eax, 0xc3d9010f",
            "mov ecx, 0xc3c1010f",
            "cmp ebx, 0x68747541",
            "cmovne eax, ecx",
            "mov [rdi], eax",
            "xor eax, eax", "xor ecx, ecx", "xor edx, edx",
            "pop rbx",
            in("rdi") CALL.get(), out("rax") _, out("rcx") _, out("rdx") _,
        );
    }
}

/// Hashes the memory; `kind` is [`CHECKPOINT`] or [`LAST`].
pub(crate) fn checkpoint(kind: u64) {
    wipe_stack();
    // SAFETY: a hypercall that changes RAX alone.
    unsafe {
        asm!("cmp rax, rax", "call rsi", inlateout("rax") NULL => _, in("rdi") kind, in("rsi") CALL.get());
    }
}

#[inline(never)]
fn wipe_stack() {
    // SAFETY: what is below the stack pointer belongs to nobody; interrupts are off.
    unsafe {
        asm!("mov rdi, rsp", "sub rdi, {0}", "mov ecx, {0}", "xor eax, eax", "rep stosb", const WIPED,
            out("rdi") _, out("rcx") _, out("rax") _, options(nostack));
    }
}

/// Tells the outcome of piece `number`. In the hypercall's record:
///
/// | register | is |
/// |---|---|
/// | RDI | the piece's number |
/// | RSI | the vector that ended it, and its error code in the upper half |
/// | RDX, RCX | RIP and RFLAGS there |
/// | RBX, RBP, R8, R9, R10, R11, R12 | its RAX, RCX, RDX, RBX, RBP, RSI, RDI |
/// | R13 | CR2 after #PF, DR6 after #DB |
/// | R14 | its RSP and R8 to R15, folded |
/// | R15 | the interrupts so far, folded |
pub(crate) fn tell(number: u64, outcome: &Outcome) {
    let r = &outcome.registers;
    let rest = r[8..].iter().fold(r[4], |sum, value| sum.rotate_left(9) ^ value);
    let values = [
        number,
        outcome.vector | outcome.error << 32,
        outcome.rip,
        outcome.rflags,
        r[0],
        r[1],
        r[2],
        r[3],
        r[5],
        r[6],
        r[7],
        outcome.detail,
        rest,
        outcome::interrupts(),
    ];
    // SAFETY: the function reads the list and makes a null hypercall.
    unsafe { call_with(&values, CALL.get() as u64) };
}

/// Loads RDI, RSI, RDX, RCX, RBX, RBP, R8 to R15 from `values` and calls `code` with defined flags.
// SAFETY: the registers that the ABI wants kept are saved around the call.
#[unsafe(naked)]
unsafe extern "C" fn call_with(values: &[u64; 14], code: u64) {
    naked_asm!(
        "push rbx", "push rbp", "push r12", "push r13", "push r14", "push r15",
        "push rsi",
        "mov rax, rdi",
        "mov rdi, [rax]", "mov rsi, [rax + 8]", "mov rdx, [rax + 16]", "mov rcx, [rax + 24]",
        "mov rbx, [rax + 32]", "mov rbp, [rax + 40]", "mov r8, [rax + 48]", "mov r9, [rax + 56]",
        "mov r10, [rax + 64]", "mov r11, [rax + 72]", "mov r12, [rax + 80]", "mov r13, [rax + 88]",
        "mov r14, [rax + 96]", "mov r15, [rax + 104]",
        "mov eax, {null}",
        "cmp rax, rax",
        "call [rsp]",
        "pop rsi",
        "pop r15", "pop r14", "pop r13", "pop r12", "pop rbp", "pop rbx",
        "ret",
        null = const NULL,
    )
}
