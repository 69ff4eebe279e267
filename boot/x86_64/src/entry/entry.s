# From the loader's 32-bit mode to Rust in the high half (AT&T syntax; assembled by entry/mod.rs).
#
# State before (PVH and multiboot2 agree): protected mode, flat segments, paging off, interrupts off, EBX = the
# loader's information; EAX = magic number with multiboot2, undefined with PVH. No stack.
# State after: long mode, boot stack, EDI = magic number of the protocol, ESI = the loader's information.
# Everything in .boot.* runs where it was loaded; the tables and the stack are linked high and used by physical address.

.set CR0_PROTECTION,        1 << 0
.set CR0_NUMERIC_ERROR,     1 << 5
.set CR0_WRITE_PROTECT,     1 << 16
.set CR0_PAGING,            1 << 31
.set CR4_PHYSICAL_EXTENSION, 1 << 5
.set EFER,                  0xc0000080
.set EFER_LONG_MODE_BIT,    8
.set EFER_NO_EXECUTE_BIT,   11
.set EFLAGS_ID,             1 << 21
.set CPUID_EXTENDED,        0x80000000
.set CPUID_FEATURES,        0x80000001  # EDX: bit 20 no-execute, bit 29 long mode
.set FEATURE_NO_EXECUTE_BIT, 20
.set FEATURE_LONG_MODE_BIT, 29
.set TABLE,                 0x3         # present, writable
.set LARGE_PAGE,            0x83        # present, writable, 2 MiB
.set CODE_SELECTOR,         0x8
.set DATA_SELECTOR,         0x10

# Multiboot2 header (specification 2.0, section 3.1). Boot services are not asked for: GRUB leaves UEFI first.
.section .boot.header, "a", @progbits
.balign 8
multiboot2_header:
    .long 0xe85250d6, 0
    .long multiboot2_header_end - multiboot2_header
    .long 0x100000000 - (0xe85250d6 + multiboot2_header_end - multiboot2_header)
    .short 1, 0                         # the memory map is needed
    .long 12, 6
    .balign 8
    .short 3, 0                         # entry in 32-bit mode
    .long 12, phalanx_entry_multiboot2
    .balign 8
    .short 6, 0                         # modules start at a page
    .long 8
    .short 0, 0
    .long 8
multiboot2_header_end:

# XEN_ELFNOTE_PHYS32_ENTRY: the PVH entry.
.section .note.Xen, "a", @note
.balign 4
    .long 4, 8, 18
    .asciz "Xen"
    .quad phalanx_entry_pvh

.section .boot.text, "ax", @progbits
.code32
.globl phalanx_entry_pvh, phalanx_entry_multiboot2
phalanx_entry_pvh:
    movl ${pvh_magic}, %eax
phalanx_entry_multiboot2:
    cli
    cld
    movl $(__boot_stack_top - {window}), %esp
    movl %eax, %ebp
    movl %ebx, %esi
    call check_long_mode
    call build_tables
    call enable_long_mode
    lgdt boot_gdt_pointer
    ljmp $CODE_SELECTOR, $long_mode

# Returns with EDX = extended features, or prints why not.
check_long_mode:
    pushfl
    popl %eax
    movl %eax, %ecx
    xorl $EFLAGS_ID, %eax
    pushl %eax
    popfl
    pushfl
    popl %eax
    cmpl %ecx, %eax
    je refuse
    movl $CPUID_EXTENDED, %eax
    cpuid
    cmpl $CPUID_FEATURES, %eax
    jb refuse
    movl $CPUID_FEATURES, %eax
    cpuid
    btl $FEATURE_LONG_MODE_BIT, %edx
    jnc refuse
    ret

# The loader zeroed .bss. 2048 pages of 2 MiB in four directories make 4 GiB; see layout.rs for who shares what.
build_tables:
    movl $(early_directories - {window}), %edi
    movl $LARGE_PAGE, %eax
    movl $2048, %ecx
1:  movl %eax, (%edi)
    addl $0x200000, %eax
    addl $8, %edi
    loop 1b
    movl $(early_directories - {window} + TABLE), %eax
    movl $(early_low_pointers - {window}), %edi
    movl %eax, (early_window_pointers - {window} + 510 * 8)
    movl $4, %ecx
2:  movl %eax, (%edi)
    addl $0x1000, %eax
    addl $8, %edi
    loop 2b
    movl $(early_low_pointers - {window} + TABLE), %eax
    movl %eax, (early_root - {window})
    movl %eax, (early_root - {window} + 256 * 8)
    movl $(early_window_pointers - {window} + TABLE), (early_root - {window} + 511 * 8)
    ret

# Takes the extended features in EDX from check_long_mode.
enable_long_mode:
    movl $CR4_PHYSICAL_EXTENSION, %eax
    movl %eax, %cr4
    movl $(early_root - {window}), %eax
    movl %eax, %cr3
    movl %edx, %edi
    movl $EFER, %ecx
    rdmsr
    btsl $EFER_LONG_MODE_BIT, %eax
    btl $FEATURE_NO_EXECUTE_BIT, %edi
    jnc 1f
    btsl $EFER_NO_EXECUTE_BIT, %eax
1:  wrmsr
    movl $(CR0_PROTECTION | CR0_NUMERIC_ERROR | CR0_WRITE_PROTECT | CR0_PAGING), %eax
    movl %eax, %cr0
    ret

# Prints on COM1 that there is no 64-bit mode, and stops. Nothing can be known of the command line yet.
refuse:
    movl $uart_setup, %esi
    movl $5, %ecx
1:  movzbl (%esi), %edx
    orl $0x300, %edx
    movb 1(%esi), %al
    outb %al, %dx
    addl $2, %esi
    loop 1b
    movl $no_long_mode, %esi
2:  movl $0x10000, %ecx
    movl $0x3fd, %edx
3:  inb %dx, %al
    testb $0x20, %al
    loopz 3b
    lodsb
    testb %al, %al
    jz stop
    movl $0x3f8, %edx
    outb %al, %dx
    jmp 2b
stop:
    hlt
    jmp stop

.code64
long_mode:
    movl $DATA_SELECTOR, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %fs
    movl %eax, %gs
    movl %eax, %ss
    movl %ebp, %edi
    movl %esi, %esi
    movabsq $high_half, %rax
    jmpq *%rax

.section .boot.rodata, "a", @progbits
# The descriptors' accessed bits are set, so that the processor never writes here.
.balign 8
boot_gdt:
    .quad 0
    .quad 0x00af9b000000ffff            # 64-bit code
    .quad 0x00cf93000000ffff            # data
boot_gdt_pointer:
    .short boot_gdt_pointer - boot_gdt - 1
    .long boot_gdt
# Low bytes of COM1's ports and what goes there: divisor 1 (115 200 baud), 8 data bits, FIFOs on.
uart_setup:
    .byte 0xfb, 0x80, 0xf8, 1, 0xf9, 0, 0xfb, 3, 0xfa, 7
no_long_mode:
    .ascii "phalanx: error: this processor has no 64-bit mode\r\n"
    .asciz "phalanx: help: start Phalanx on an x86-64 processor (QEMU: `-cpu max`)\r\n"

.section .text.entry, "ax", @progbits
high_half:
    movq $__boot_stack_top, %rsp
    xorl %ebp, %ebp
    call {boot_main}
    ud2

.section .bss.early_tables, "aw", @nobits
.balign 4096
early_root:             .skip 4096
early_low_pointers:     .skip 4096
early_window_pointers:  .skip 4096
early_directories:      .skip 4 * 4096
