# Start-up code of the other CPUs, copied below 1 MiB and run there (trampoline.rs).
#
# Real mode straight to 64-bit mode: with PAE, a root and EFER.LME set, one write to CR0 sets both PE and PG (Intel SDM
# vol. 3A, 10.8.5). Until then CS and DS hold the page's address, and offsets count from the page's start; afterwards
# EBX holds it. The page is not writable once paging is on.

    .pushsection .rodata.phalanx_trampoline, "a", @progbits
    .globl phalanx_trampoline, phalanx_trampoline_gdt_pointer, phalanx_trampoline_far
    .globl phalanx_trampoline_parameters, phalanx_trampoline_end
    .balign 8
phalanx_trampoline:
    .code16
    cli
    cld
    movw %cs, %ax
    movw %ax, %ds
    movzwl %ax, %ebx
    shll $4, %ebx
    lgdtl (phalanx_trampoline_gdt_pointer - phalanx_trampoline)
    movl $0x20, %eax
    movl %eax, %cr4
    movl (phalanx_trampoline_parameters - phalanx_trampoline), %eax
    movl %eax, %cr3
    movl $0xc0000080, %ecx
    rdmsr
    orl (phalanx_trampoline_parameters - phalanx_trampoline + 4), %eax
    wrmsr
    movl $0x80010011, %eax
    movl %eax, %cr0
    ljmpl *(phalanx_trampoline_far - phalanx_trampoline)
    .code64
phalanx_trampoline_64:
    movq (phalanx_trampoline_parameters - phalanx_trampoline + 8)(%rbx), %rsp
    movq (phalanx_trampoline_parameters - phalanx_trampoline + 16)(%rbx), %rdi
    movq (phalanx_trampoline_parameters - phalanx_trampoline + 24)(%rbx), %rax
    xorl %ebp, %ebp
    pushq %rbp
    jmpq *%rax
    .balign 8
phalanx_trampoline_gdt:
    .quad 0
    .quad 0x00af9b000000ffff
phalanx_trampoline_gdt_pointer:
    .word 15
    .long phalanx_trampoline_gdt - phalanx_trampoline
phalanx_trampoline_far:
    .long phalanx_trampoline_64 - phalanx_trampoline
    .word 8
    .balign 8
phalanx_trampoline_parameters:
    .skip 32
phalanx_trampoline_end:
    .popsection
