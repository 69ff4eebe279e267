# Long mode: compatibility mode first, then 64-bit code, then the way down or on to the Rust part.
    .section .real, "awx", @progbits
    .code32
long_mode:
    movl $real_pdpt64 + 3, real_pml4
    movl $real_large + 3, real_pdpt64
    movl $real_large + 0x1003, real_pdpt64 + 8
    movl $real_large + 0x2003, real_pdpt64 + 16
    movl $real_large + 0x3003, real_pdpt64 + 24
    movl $0x20, %eax
    movl %eax, %cr4
    movl $real_pml4, %eax
    movl %eax, %cr3
    movl $EFER, %ecx
    rdmsr
    orl $0x100, %eax                # LME
    wrmsr
    call paging_on
    say32 text_compatibility, text_compatibility_end
    movl $real_results + 96, %esi
    call probe32
    ljmpl $CODE64, $bits64

    .code64
bits64:
    movl $text_long, %esi
    movl $text_long_end - text_long, %ecx
    movl $COM1, %edx
    rep outsb
    xorl %eax, %eax
    cpuid
    movl %ebx, real_results + 112
    movl $VERSION, %eax
    cmpb $0, real_amd
    je 1f
    vmmcall
    jmp 2f
1:  vmcall
2:  movl %eax, real_results + 116
    xorl %eax, %eax
    inb $UNOWNED_PORT, %al
    movl %eax, real_results + 120
    movl $EFER, %ecx
    rdmsr
    movl %eax, real_results + 124
    incl real_round
    cmpl $2, real_round
    je 1f
    movl $real_results, %esi
    movl $real_first_results, %edi
    movl $64, %ecx
    rep movsl
    pushq $CODE32
    pushq $down
    lretq
1:  movl real_info, %edi
    jmp _start

# From compatibility mode to 32-bit protected mode without paging, then on down.
    .code32
down:
    call paging_off
    movl $EFER, %ecx
    rdmsr
    note32 58                       # LMA went with paging
    andl $0xfffffeff, %eax
    wrmsr
    rdmsr
    note32 59
    xorl %eax, %eax
    movl %eax, %cr4
    ljmp $CODE16, $back_to_real_mode - real_start

text_compatibility:
    .ascii "# compatibility mode\r\n"
text_compatibility_end:
text_long:
    .ascii "# 64-bit mode\r\n"
text_long_end:
    .text
    .code64
