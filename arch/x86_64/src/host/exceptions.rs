//! Exceptions: in the kernel each of them is a bug or a broken machine, and ends in the crash card.

use core::arch::{global_asm, naked_asm};
use core::mem::offset_of;

use super::crash;
use super::percpu::PerCpu;

/// Vector of the non-maskable interrupt.
pub const NMI: u8 = 2;
/// Vector of the double fault.
pub const DOUBLE_FAULT: u8 = 8;
/// Vector of the page fault.
pub const PAGE_FAULT: u8 = 14;
/// Vector of the machine check.
pub const MACHINE_CHECK: u8 = 18;

/// The vectors that push an error code: 8, 10-14, 17, 21, 29, 30 (Intel SDM vol. 3A, table 6-1; AMD APM vol. 2, 8.2).
const WITH_ERROR_CODE: u32 = 0x6022_7d00;

/// Bytes from one stub to the next.
const STUB_SIZE: u64 = 16;

/// The registers when the exception happened, as the stubs push them.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
#[expect(missing_docs, reason = "the fields are the registers of the same names")]
pub struct ExceptionFrame {
    pub r15: u64,
    pub r14: u64,
    pub r13: u64,
    pub r12: u64,
    pub r11: u64,
    pub r10: u64,
    pub r9: u64,
    pub r8: u64,
    pub rbp: u64,
    pub rdi: u64,
    pub rsi: u64,
    pub rdx: u64,
    pub rcx: u64,
    pub rbx: u64,
    pub rax: u64,
    pub vector: u64,
    pub error_code: u64,
    pub rip: u64,
    pub cs: u64,
    pub rflags: u64,
    pub rsp: u64,
    pub ss: u64,
}

// One stub of 16 bytes for each vector from 0 to 31, all leading to the same save sequence.
global_asm!(
    ".pushsection .text.phalanx_exceptions, \"ax\", @progbits",
    ".globl phalanx_exception_stubs",
    ".balign 16",
    "phalanx_exception_stubs:",
    ".set phalanx_vector, 0",
    ".rept 32",
    ".balign 16",
    ".if (({with_error_code} >> phalanx_vector) & 1) == 0",
    "push 0",
    ".endif",
    "push phalanx_vector",
    "jmp 2f",
    ".set phalanx_vector, phalanx_vector + 1",
    ".endr",
    "2:",
    "push rax", "push rbx", "push rcx", "push rdx", "push rsi", "push rdi", "push rbp", "push r8",
    "push r9", "push r10", "push r11", "push r12", "push r13", "push r14", "push r15",
    "cld",
    "mov rdi, rsp",
    "and rsp, -16",
    "call {entry}",
    "ud2",
    ".popsection",
    with_error_code = const WITH_ERROR_CODE,
    entry = sym exception_entry,
);

unsafe extern "C" {
    /// The first stub; only its address means something.
    static phalanx_exception_stubs: u8;
}

/// Where the stubs meet Rust.
extern "C" fn exception_entry(frame: &ExceptionFrame) -> ! {
    crash::exception(frame)
}

/// Counts a non-maskable interrupt; while another CPU prints its crash card, stops this CPU for good.
#[unsafe(naked)]
extern "C" fn nmi_entry() {
    naked_asm!(
        "cmp byte ptr [rip + {stopping}], 0",
        "jne 2f",
        "inc qword ptr gs:[{count}]",
        "iretq",
        "2: lock inc dword ptr [rip + {stopped}]",
        "3: cli",
        "hlt",
        "jmp 3b",
        stopping = sym crash::STOPPING,
        stopped = sym crash::STOPPED,
        count = const offset_of!(PerCpu, nmi_count),
    )
}

/// The address of the code for an exception's vector (0-31).
pub(super) fn handler(vector: u8) -> u64 {
    if vector == NMI {
        return nmi_entry as *const () as u64;
    }
    let first = &raw const phalanx_exception_stubs;
    first.addr() as u64 + u64::from(vector) * STUB_SIZE
}

/// What the manuals call the exception.
#[must_use]
pub const fn name(vector: u64) -> &'static str {
    match vector {
        0 => "#DE divide error",
        1 => "#DB debug",
        2 => "NMI",
        3 => "#BP breakpoint",
        4 => "#OF overflow",
        5 => "#BR bound range exceeded",
        6 => "#UD invalid opcode",
        7 => "#NM device not available",
        8 => "#DF double fault",
        10 => "#TS invalid TSS",
        11 => "#NP segment not present",
        12 => "#SS stack fault",
        13 => "#GP general protection",
        14 => "#PF page fault",
        16 => "#MF x87 floating point",
        17 => "#AC alignment check",
        18 => "#MC machine check",
        19 => "#XM SIMD floating point",
        20 => "#VE virtualization exception",
        21 => "#CP control protection",
        28 => "#HV hypervisor injection",
        29 => "#VC VMM communication",
        30 => "#SX security exception",
        _ => "reserved exception",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stubs_push_their_vector() {
        for vector in (0..32_u8).filter(|&vector| vector != NMI) {
            // SAFETY: the stub is code of at least four bytes at this address.
            let code: [u8; 4] = unsafe { (handler(vector) as *const [u8; 4]).read_unaligned() };
            let pushes_error_code = WITH_ERROR_CODE >> vector & 1 == 0;
            let expected = if pushes_error_code { [0x6a, 0, 0x6a, vector] } else { [0x6a, vector, code[2], code[3]] };
            assert_eq!(code, expected, "vector {vector}");
        }
    }

    #[test]
    fn the_frame_has_the_shape_that_the_processor_pushes() {
        assert_eq!(size_of::<ExceptionFrame>(), 22 * 8);
        assert_eq!(offset_of!(ExceptionFrame, rip), 17 * 8);
    }
}
