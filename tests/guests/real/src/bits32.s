# 32-bit protected mode, without paging and with 32-bit paging.
    .section .real, "awx", @progbits

    .macro say32 from, to
    movl $\from, %esi
    movl $\to - \from, %ecx
    movl $COM1, %edx
    rep outsb
    .endm

    .macro note32 number
    movl %eax, real_results + 4 * \number
    .endm

    .code32
protected32:
    movl $DATA32, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl $STACK, %esp
    movl $on_gp32, %eax
    movl $real_idt32 + 8 * 13, %edi
    call gate32
    movl $on_pf32, %eax
    movl $real_idt32 + 8 * 14, %edi
    call gate32
    lidt real_idtr32
    say32 text_protected32, text_protected32_end
    movl $real_results + 32, %esi
    call probe32
    xorl %eax, %eax                 # #GP with an error code of 0
    notl %eax
    movl $ABSENT_MSR, %ecx
    rdmsr
    note32 43
    subl $STACK, %esp
    movl %esp, %eax
    movl $STACK, %esp
    note32 44
    movl $UNOWNED, %edi
    movl %edi, (%edi)
    movl $8, %ecx
    rep stosl
    movl UNOWNED, %eax
    note32 45
    jmp paging32

# An interrupt gate at EDI for the handler EAX.
gate32:
    movw %ax, (%edi)
    movw $CODE32, 2(%edi)
    movw $0x8e00, 4(%edi)
    shrl $16, %eax
    movw %ax, 6(%edi)
    ret

# Takes the error code into EAX and steps over the two bytes of RDMSR.
on_gp32:
    popl %eax
    addl $2, (%esp)
    iretl

# Takes the error code into EAX and the address into EDX, and goes on at the fix-up.
on_pf32:
    popl %eax
    movl real_fixup, %edx
    movl %edx, (%esp)
    movl %cr2, %edx
    iretl

# CPUID, a hypercall, a port and an MSR: their results at ESI. Also runs where paging shows it at another address.
probe32:
    xorl %eax, %eax
    cpuid
    movl %ebx, (%esi)
    movl $VERSION, %eax
    call hypercall32
    movl %eax, 4(%esi)
    xorl %eax, %eax
    inb $UNOWNED_PORT, %al
    movl %eax, 8(%esi)
    movl $EFER, %ecx
    rdmsr
    movl %eax, 12(%esi)
    ret

hypercall32:
    cmpb $0, real_amd
    je 1f
    vmmcall
    ret
1:  vmcall
    ret

# All 4 GiB in pages of 4 MiB, but for one of them: there small pages show the first 64 KiB of this program.
paging32:
    movl $real_directory, %edi
    movl $0x83, %eax                # present, writable, 4 MiB
    movl $1024, %ecx
1:  stosl
    addl $0x400000, %eax
    decl %ecx
    jnz 1b
    movl $real_table + 3, real_directory + 4 * (WINDOW >> 22)
    movl $real_table, %edi
    movl $real_start + 3, %eax
    movl $16, %ecx
1:  stosl
    addl $0x1000, %eax
    decl %ecx
    jnz 1b
    movl %cr4, %eax
    orl $0x10, %eax                 # PSE
    movl %eax, %cr4
    movl $real_directory, %eax
    movl %eax, %cr3
    call paging_on
    say32 text_paging32, text_paging32_end
    movl $real_results + 48, %esi
    call probe32
    movl $real_results + 64, %esi
    movl $probe32 - real_start + WINDOW, %eax
    call *%eax
    movl real_magic - real_start + WINDOW, %eax
    note32 46
    movl $1f, real_fixup
    movl %eax, WINDOW + 0x10004     # a write to a page that is absent
1:  note32 47
    movl %edx, %eax
    note32 48
    movl UNOWNED, %eax
    note32 49
    call paging_off
    jmp pae

paging_on:
    movl %cr0, %eax
    orl $0x80000000, %eax
    movl %eax, %cr0
    ret

paging_off:
    movl %cr0, %eax
    andl $0x7fffffff, %eax
    movl %eax, %cr0
    ret

text_protected32:
    .ascii "# 32-bit protected mode\r\n"
text_protected32_end:
text_paging32:
    .ascii "# 32-bit paging\r\n"
text_paging32_end:
    .text
    .code64
