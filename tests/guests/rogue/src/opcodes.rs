//! The instructions of [`crate::privileged`], with the answers of a processor that has neither SVM nor VMX.

use crate::probe;
use crate::probe::{Probe, Want};
use Want::{Either, Raises, Runs, RunsOr, Untried};
use guest_rt::cpuid;
use guest_rt::trap::{Fault, GP, UD};

const BREAKPOINT: Fault = Fault(3, 0);
const DIVIDE: Fault = Fault(0, 0);
/// SVM's own instructions at ring 3: an Intel processor knows none of them; one with SVM raises #GP before any intercept,
/// one without it #UD.
fn svm_at_ring_3() -> Want {
    if cpuid::is_amd() { Either(UD, GP) } else { Raises(UD) }
}

/// VMX instructions behind 0F C7. An Intel processor leaves the guest for each, in every ring, and the hypervisor answers.
/// An AMD processor raises #UD by itself; QEMU's TCG (10.0) runs them as nothing there, and no hypervisor can intercept
/// them.
fn vmx_behind_c7() -> Want {
    if cpuid::is_amd() { RunsOr(UD) } else { Raises(UD) }
}

/// SVM, VMX, SMX, SGX, SEV-SNP, MONITOR, and what else is hidden.
pub(crate) fn virtualisation() -> [Probe; 36] {
    let (svm, vmx) = (svm_at_ring_3(), vmx_behind_c7());
    [
        probe!("vmrun", Raises(UD), svm, "mov rax, rdi", "vmrun rax"),
        probe!("vmload", Raises(UD), svm, "mov rax, rdi", "vmload rax"),
        probe!("vmsave", Raises(UD), svm, "mov rax, rdi", "vmsave rax"),
        probe!("stgi", Raises(UD), svm, "stgi"),
        probe!("clgi", Raises(UD), svm, "clgi"),
        probe!("skinit", Raises(UD), svm, "xor eax, eax", "skinit eax"),
        probe!("invlpga", Raises(UD), svm, "mov rax, rdi", "invlpga rax, ecx"),
        probe!("vmxon", vmx, vmx, "vmxon [rdi]"),
        probe!("vmxoff", Raises(UD), Raises(UD), "vmxoff"),
        probe!("vmclear", vmx, vmx, "vmclear [rdi]"),
        probe!("vmptrld", vmx, vmx, "vmptrld [rdi]"),
        probe!("vmptrst", vmx, vmx, "vmptrst [rdi]"),
        probe!("vmlaunch", Raises(UD), Raises(UD), "vmlaunch"),
        probe!("vmresume", Raises(UD), Raises(UD), "vmresume"),
        probe!("vmread", Raises(UD), Raises(UD), "vmread rax, rcx"),
        probe!("vmwrite", Raises(UD), Raises(UD), "vmwrite rax, rcx"),
        probe!("invept", Raises(UD), Raises(UD), "invept rax, [rdi]"),
        probe!("invvpid", Raises(UD), Raises(UD), "invvpid rax, [rdi]"),
        probe!("vmfunc", Raises(UD), Raises(UD), "xor eax, eax", "vmfunc"),
        probe!("getsec", Raises(UD), Raises(UD), "xor eax, eax", "getsec"),
        probe!("encls", Raises(UD), Raises(UD), ".byte 0x0f, 0x01, 0xcf"),
        probe!("enclu", Raises(UD), Raises(UD), ".byte 0x0f, 0x01, 0xd7"),
        probe!("pconfig", Raises(UD), Raises(UD), ".byte 0x0f, 0x01, 0xc5"),
        probe!("monitor", Raises(UD), Raises(UD), "mov rax, rdi", "monitor"),
        probe!("mwait", Raises(UD), Raises(UD), "xor eax, eax", "mwait"),
        probe!("monitorx", Raises(UD), Raises(UD), "mov rax, rdi", ".byte 0x0f, 0x01, 0xfa"),
        probe!("mwaitx", Raises(UD), Raises(UD), "xor eax, eax", ".byte 0x0f, 0x01, 0xfb"),
        probe!("rsm", Raises(UD), Raises(UD), "rsm"),
        probe!("rdpru", Raises(UD), Raises(UD), ".byte 0x0f, 0x01, 0xfd"),
        probe!("invlpgb", Raises(UD), Raises(UD), ".byte 0x0f, 0x01, 0xfe"),
        probe!("tlbsync", Raises(UD), Raises(UD), ".byte 0x0f, 0x01, 0xff"),
        probe!("rdpkru", Raises(UD), Raises(UD), ".byte 0x0f, 0x01, 0xee"),
        probe!("wrpkru", Raises(UD), Raises(UD), ".byte 0x0f, 0x01, 0xef"),
        probe!("ud2", Raises(UD), Raises(UD), "ud2"),
        probe!("ud1", Raises(UD), Raises(UD), ".byte 0x0f, 0xb9, 0xc0"),
        probe!("syscall", Raises(UD), Raises(UD), "syscall"),
    ]
}

/// What ring 0 may do and ring 3 may not, and the few that both may.
pub(crate) fn privileged() -> [Probe; 29] {
    [
        probe!("rdpmc", Raises(GP), Raises(GP), "rdpmc"),
        probe!("wbinvd", Runs, Raises(GP), "wbinvd"),
        probe!("invd", Runs, Raises(GP), "invd"),
        probe!("invlpg", Runs, Raises(GP), "invlpg [rdi]"),
        probe!("clts", Runs, Raises(GP), "clts"),
        probe!("lmsw", Untried, Raises(GP), "lmsw si"),
        probe!("hlt", Untried, Raises(GP), "hlt"),
        probe!("cli", Runs, Raises(GP), "cli"),
        probe!("sti", Untried, Raises(GP), "sti"),
        probe!("rdmsr", Raises(GP), Raises(GP), "mov ecx, 0x1fff", "rdmsr"),
        probe!("wrmsr", Raises(GP), Raises(GP), "mov ecx, 0x1fff", "wrmsr"),
        probe!("rdmsr of EFER", Runs, Raises(GP), "mov ecx, 0xc0000080", "rdmsr"),
        probe!("mov from cr0", Runs, Raises(GP), "mov rax, cr0"),
        probe!("mov from cr3", Runs, Raises(GP), "mov rax, cr3"),
        probe!("mov from cr8", Runs, Raises(GP), "mov rax, cr8"),
        probe!("mov to cr3", Untried, Raises(GP), "mov cr3, rdi"),
        probe!("mov from cr1", Raises(UD), Either(UD, GP), ".byte 0x0f, 0x20, 0xc8"),
        probe!("mov from cr5", Raises(UD), Either(UD, GP), ".byte 0x0f, 0x20, 0xe8"),
        probe!("mov from dr7", Runs, Raises(GP), "mov rax, dr7"),
        probe!("in", Runs, Raises(GP), "in al, 0x80"),
        probe!("out", Runs, Raises(GP), "out 0x80, al"),
        probe!("lgdt", Untried, Raises(GP), "lgdt [rdi]"),
        probe!("lidt", Untried, Raises(GP), "lidt [rdi]"),
        probe!("lldt of 0", Runs, Raises(GP), "lldt si"),
        probe!("ltr of 0", Untried, Raises(GP), "ltr si"),
        probe!("swapgs", Untried, Raises(GP), "swapgs"),
        probe!("xgetbv", RunsOr(UD), RunsOr(UD), "xor ecx, ecx", "xgetbv"),
        probe!("cpuid", Untried, Runs, "cpuid"),
        probe!("rdtsc", Runs, Runs, "rdtsc"),
    ]
}

/// What every processor raises by itself, with RDI, RSI, RDX, RCX.
pub(crate) fn exceptions() -> [(Probe, [u64; 4]); 6] {
    let plain = [0; 4];
    [
        (probe!("division by 0", Raises(DIVIDE), Raises(DIVIDE), "xor edx, edx", "div rsi"), plain),
        (probe!("far address", Raises(GP), Raises(GP), "mov al, [rdi]"), [1 << 63, 0, 0, 0]),
        (probe!("lock of a register", Raises(UD), Raises(UD), ".byte 0xf0, 0x01, 0xc0"), plain),
        (probe!("push es", Raises(UD), Raises(UD), ".byte 0x06"), plain),
        (probe!("int 0x21", Untried, Raises(Fault(13, 0x21 << 3 | 2)), "int 0x21"), plain),
        (probe!("int3", Untried, Raises(BREAKPOINT), ".byte 0xcd, 0x03"), plain),
    ]
}
