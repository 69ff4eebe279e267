# Real mode and 16-bit protected mode. Symbols minus `real_start` are offsets in the segment.
    .section .real, "awx", @progbits

# Sends the text between two labels to COM1 by one string instruction.
    .macro say16 from, to
    movw $\from - real_start, %si
    movw $\to - \from, %cx
    movw $COM1, %dx
    rep outsb
    .endm

# Stores EAX as the result with this number.
    .macro note16 number
    movl %eax, real_results + 4 * \number - real_start
    .endm

    .code16
real_mode:
    cli
    cld
    xorl %eax, %eax
    movw %ax, %ss
    movl $STACK, %esp
    movw %cs, %ax
    movw %ax, %ds
    movw %ax, %es
    lidtl real_idtr16 - real_start
    say16 text_real, text_real_end
    xorl %eax, %eax
    cpuid
    xorl %eax, %eax
    cmpl $0x68747541, %ebx          # "Auth"enticAMD
    sete %al
    cmpl $0x6f677948, %ebx          # "Hygo"nGenuine
    jne 1f
    movb $1, %al
1:  movl %eax, real_amd - real_start
    movw $real_results - real_start, %si
    call probe16
    call segments
    call vectors
    call strings
    call unowned
    call machine_status
    jmp protected16

# CPUID, a hypercall, a port and an MSR: their results at DS:SI.
probe16:
    xorl %eax, %eax
    cpuid
    movl %ebx, (%si)
    movl $VERSION, %eax
    call hypercall16
    movl %eax, 4(%si)
    xorl %eax, %eax
    inb $UNOWNED_PORT, %al
    movl %eax, 8(%si)
    movl $EFER, %ecx
    rdmsr
    movl %eax, 12(%si)
    ret

hypercall16:
    cmpb $0, real_amd - real_start
    je 1f
    vmmcall
    ret
1:  vmcall
    ret

# Two segments that overlap see the same byte at offsets that differ by 16.
segments:
    movw $0x2fff, %ax
    movw %ax, %es
    movl %es:real_magic + 16 - real_start, %eax
    note16 32
    ret

# Software interrupt and faults through the vectors at address 0. No fault has an error code here.
vectors:
    xorw %ax, %ax
    movw %ax, %fs
    movw $on_int - real_start, %fs:4 * 0x21
    movw %cs, %fs:4 * 0x21 + 2
    movw $on_de - real_start, %fs:4 * 0
    movw %cs, %fs:4 * 0 + 2
    movw $on_ud - real_start, %fs:4 * 6
    movw %cs, %fs:4 * 6 + 2
    movw $on_gp - real_start, %fs:4 * 13
    movw %cs, %fs:4 * 13 + 2
    xorl %eax, %eax
    int $0x21
    note16 33
    movl %esp, %edi
    xorl %ebp, %ebp
    xorb %bl, %bl
    divb %bl
    ud2
    movl $ABSENT_MSR, %ecx
    rdmsr
    movl %ebp, %eax
    note16 34
    subl %esp, %edi
    movl %edi, %eax
    note16 35
    ret

on_int:
    addw $0x1234, %ax
    iret
on_de:
    orw $0x0001, %bp
    jmp 1f
on_ud:
    orw $0x0040, %bp
    jmp 1f
on_gp:
    orw $0x2000, %bp
1:  movw %sp, %si                   # each of them is two bytes long
    addw $2, %ss:(%si)
    iret

# INS from a port that nobody owns.
strings:
    movw %ds, %ax
    movw %ax, %es
    movw $real_buffer - real_start, %di
    movw $4, %cx
    movw $UNOWNED_PORT, %dx
    rep insb
    movl real_buffer - real_start, %eax
    note16 36
    ret

# The memory ends at 1 MiB; the last segment reaches nearly 64 KiB beyond.
unowned:
    movw $0xffff, %ax
    movw %ax, %es
    movw $0x10, %di
    movw $32, %cx
    xorl %eax, %eax
    rep stosb
    movw %di, %ax
    note16 37
    movl %es:0x10, %eax
    note16 38
    movl %es:0x0e, %eax             # two bytes of memory, two of none
    note16 39
    ret

# LMSW sets TS, CLTS clears it.
machine_status:
    smsw %ax
    orw $8, %ax
    lmsw %ax
    xorl %eax, %eax
    smsw %ax
    clts
    note16 40
    smsw %ax
    note16 41
    ret

protected16:
    lgdtl real_gdtr - real_start
    smsw %ax
    orw $1, %ax
    lmsw %ax
    ljmpw $CODE16, $1f - real_start
1:  movw $DATA16, %ax
    movw %ax, %ds
    movw %ax, %es
    movw $DATA32, %ax
    movw %ax, %ss
    say16 text_protected16, text_protected16_end
    movw $real_results + 16 - real_start, %si
    call probe16
    xorw %ax, %ax                   # LMSW cannot clear PE
    lmsw %ax
    xorl %eax, %eax
    smsw %ax
    note16 42
    ljmpl $CODE32, $protected32

# From 32-bit protected mode without paging to real mode.
back_to_real_mode:
    movw $DATA16, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %fs
    movw %ax, %gs
    movw %ax, %ss
    movl %cr0, %eax
    andb $0xfe, %al
    movl %eax, %cr0
    ljmpw $0x3000, $real_mode - real_start

text_real:
    .ascii "# real mode\r\n"
text_real_end:
text_protected16:
    .ascii "# 16-bit protected mode\r\n"
text_protected16_end:
    .text
    .code64
