//! Operations that leave the guest and come back.

use crate::batch::{Batch, OPERATIONS};
use core::arch::asm;
use guest_rt::{apic, clock, hypercall, msr};

/// A function that runs `$body` [`OPERATIONS`] times between two RDTSCs. The loop itself is DEC and JNZ; the two
/// readings of the counter add 7 instructions to the whole batch. Free in the body: RAX, RBX, RCX, RDX; RSI and RDI hold
/// `$rsi` and `$rdi`.
macro_rules! exit_loop {
    ($(#[$doc:meta])* $name:ident, $rsi:expr, $rdi:expr, $($body:literal),+) => {
        $(#[$doc])*
        #[inline(never)]
        pub(crate) fn $name() -> Batch {
            let ticks: u64;
            // SAFETY: the operation changes no memory and none of the machine's state; RBX is put back.
            unsafe {
                asm!(
                    "mov r10, rbx",
                    "rdtsc", "shl rdx, 32", "or rax, rdx", "mov r8, rax",
                    ".p2align 4", "2:", $($body,)+ "dec r9d", "jnz 2b",
                    "rdtsc", "shl rdx, 32", "or rax, rdx", "sub rax, r8",
                    "mov rbx, r10",
                    out("rax") ticks, out("rcx") _, out("rdx") _,
                    out("r8") _, inout("r9") OPERATIONS => _, out("r10") _,
                    in("rsi") $rsi, in("rdi") $rdi, options(nostack),
                );
            }
            Batch { ticks, missed: 0 }
        }
    };
}

exit_loop!(
    /// CPUID leaf 0; the loop is 4 instructions.
    cpuid, 0_u64, 0_u64, "xor eax, eax", "cpuid"
);
exit_loop!(
    /// The null hypercall by VMMCALL; the loop is 4 instructions.
    vmmcall, 0_u64, hypercall::NULL, "mov eax, edi", "vmmcall"
);
exit_loop!(
    /// The null hypercall by VMCALL; the loop is 4 instructions.
    vmcall, 0_u64, hypercall::NULL, "mov eax, edi", "vmcall"
);
exit_loop!(
    /// RDMSR of IA32_APIC_BASE; the loop is 4 instructions.
    rdmsr, 0_u64, u64::from(msr::APIC_BASE), "mov ecx, edi", "rdmsr"
);
exit_loop!(
    /// WRMSR of IA32_TSC_ADJUST with the value it has. The peers' row is TSC_AUX, which exits there and not here; this one
    /// is offered to every guest and handled in the hypervisor. The loop is 7 instructions.
    wrmsr_tsc_adjust, msr::read(msr::TSC_ADJUST), u64::from(msr::TSC_ADJUST),
    "mov ecx, edi", "mov eax, esi", "mov rdx, rsi", "shr rdx, 32", "wrmsr"
);
exit_loop!(
    /// The same with IA32_APIC_BASE, for processors without TSC_ADJUST. The loop is 7 instructions.
    wrmsr_apic_base, msr::read(msr::APIC_BASE), u64::from(msr::APIC_BASE),
    "mov ecx, edi", "mov eax, esi", "mov rdx, rsi", "shr rdx, 32", "wrmsr"
);
exit_loop!(
    /// IN from the PM timer, a port that the hypervisor handles; the loop is 4 instructions.
    port, 0_u64, u64::from(clock::PM_TIMER), "mov edx, edi", "in eax, dx"
);
exit_loop!(
    /// IN from port 0x80, which nobody owns; the loop is 3 instructions.
    port_unowned, 0_u64, 0_u64, "in al, 0x80"
);
exit_loop!(
    /// The local APIC's version register, read from memory in xAPIC mode; the loop is 3 instructions.
    lapic_read, apic::mmio(apic::reg::VERSION), 0_u64, "mov eax, [rsi]"
);
