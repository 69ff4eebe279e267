//! First instructions: the 64-bit entry, and the PVH entry that brings a 32-bit start there.

use crate::racy::{Racy, Stack};
use crate::{apic, descriptors, paging, port, power, report, serial, start_info};
use core::arch::{global_asm, naked_asm};

static BOOT_STACK: Racy<Stack<0x1_0000>> = Racy::new(Stack::EMPTY);

unsafe extern "C" {
    fn guest_main();
}

/// The ELF entry: long mode, RDI = `hvm_start_info`, the first 4 GiB identity-mapped, no stack.
///
/// # Safety
/// Jumped to once by a loader; never called.
// SAFETY: it is naked because there is no stack yet; it sets one and never returns.
#[unsafe(naked)]
#[unsafe(no_mangle)]
unsafe extern "C" fn _start() -> ! {
    naked_asm!(
        "cli",
        "cld",
        "lea rsp, [{stack} + {size}]",
        "xor ebp, ebp",
        "call {main}",
        "ud2",
        stack = sym BOOT_STACK,
        size = const 0x1_0000,
        main = sym start,
    )
}

/// Takes the machine over from the loader, runs the guest and powers off.
extern "C" fn start(info: u64) -> ! {
    start_info::keep(info);
    paging::init();
    descriptors::init(0);
    serial::init();
    port::mask_pics();
    apic::init();
    // SAFETY: `entry!` defines it in the guest crate with this signature.
    unsafe { guest_main() };
    report::done();
    power::off()
}

// PVH (Xen's docs/misc/pvh.pandoc): 32-bit protected mode, paging off, EBX = hvm_start_info. Builds an identity map of
// the first 4 GiB in 2 MiB pages, turns on long mode (AMD APM vol. 2, 14.6.1) and continues at `_start`.
// SAFETY: runs before any Rust code; it writes only its own tables and registers.
global_asm!(
    r#"
    .section .note.pvh, "a", @note
    .p2align 2
    .long 4, 8, 18                  # name size, descriptor size, XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .quad guest_rt_pvh_start

    .section .text.pvh, "ax"
    .code32
    .globl guest_rt_pvh_start
guest_rt_pvh_start:
    cli
    cld
    movl $boot_pdpt + 3, boot_pml4
    movl $boot_pd + 3, boot_pdpt
    movl $boot_pd + 0x1003, boot_pdpt + 8
    movl $boot_pd + 0x2003, boot_pdpt + 16
    movl $boot_pd + 0x3003, boot_pdpt + 24
    movl $0x83, %eax                # present, writable, 2 MiB
    movl $boot_pd, %edi
    movl $2048, %ecx
1:  movl %eax, (%edi)
    addl $0x200000, %eax
    addl $8, %edi
    decl %ecx
    jnz 1b
    movl %cr4, %eax
    orl $0x20, %eax                 # PAE
    movl %eax, %cr4
    movl $boot_pml4, %eax
    movl %eax, %cr3
    movl $0xc0000080, %ecx          # EFER
    rdmsr
    orl $0x100, %eax                # LME
    wrmsr
    movl %cr0, %eax
    orl $0x80000001, %eax           # PG, PE
    movl %eax, %cr0
    lgdt boot_gdtr
    ljmpl $8, $guest_rt_pvh_long
    .code64
guest_rt_pvh_long:
    movl $16, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl %ebx, %edi
    jmp _start

    .section .rodata.pvh, "a"
    .p2align 3
boot_gdt:
    .quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff
boot_gdtr:
    .word 23
    .long boot_gdt

    .section .bss.pvh, "aw", @nobits
    .p2align 12
boot_pml4: .skip 0x1000
boot_pdpt: .skip 0x1000
boot_pd:   .skip 0x4000
    .text
"#,
    options(att_syntax)
);
