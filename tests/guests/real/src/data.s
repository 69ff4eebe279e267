# What all modes share: descriptors, tables of gates, results. 16-bit code reaches it with DS = CS = 0x3000, or with the
# 16-bit selectors; everything else at its linear address.
#
# A result is `results + 4 * number`: four for each mode, in the order of `Mode` in main.rs, then those of `Slot`.
    .set CODE32, 0x08
    .set DATA32, 0x10
    .set CODE16, 0x18
    .set DATA16, 0x20
    .set CODE64, 0x28
    .set STACK, 0x7000              # grows down from here, above the interrupt vectors
    .set COM1, 0x3f8
    .set UNOWNED_PORT, 0x80
    .set UNOWNED, 0xd0000000        # an address without memory
    .set WINDOW, 0x400000           # 32-bit paging shows the real-mode code in small pages from here on
    .set SWITCHED, 0x40000000       # PAE paging shows one of two pages here
    .set EFER, 0xc0000080
    .set VERSION, 0x50480001        # the hypercall that tells the ABI version
    .set ABSENT_MSR, 0x1fff

    .section .real, "awx", @progbits
    .p2align 4
real_gdt:
    .quad 0
    .quad 0x00cf9b000000ffff        # flat 32-bit code
    .quad 0x00cf93000000ffff        # flat data
    .quad 0x00009b030000ffff        # 16-bit code, base 0x30000
    .quad 0x000093030000ffff        # 16-bit data, base 0x30000
    .quad 0x00af9b000000ffff        # 64-bit code
real_gdtr:
    .word real_gdtr - real_gdt - 1
    .long real_gdt
real_idtr16:                        # the vectors at address 0
    .word 0x3ff
    .long 0
    .p2align 3
real_idt32:
    .skip 16 * 8
real_idtr32:
    .word 16 * 8 - 1
    .long real_idt32

    .p2align 2
real_amd:                           # 1: VMMCALL is the hypercall
    .long 0
real_magic:
    .long 0x600dcafe
real_fixup:                         # where the handler of #PF goes on
    .long 0
    .globl real_info, real_round, real_results, real_first_results
real_info:
    .long 0
real_round:
    .long 0
real_results:
    .skip 4 * 64
real_first_results:
    .skip 4 * 64
real_buffer:
    .skip 16

# Tables of the modes with paging, and the two pages that PAE paging switches between.
    .section .bss.real, "aw", @nobits
    .p2align 12
real_directory: .skip 0x1000
real_table:     .skip 0x1000
real_pml4:      .skip 0x1000
real_pdpt64:    .skip 0x1000
real_large:     .skip 0x4000        # 4 GiB in 2 MiB pages, for PAE paging (the first 1 GiB) and long mode
real_pd_a:      .skip 0x1000
real_pd_b:      .skip 0x1000
real_pt_a:      .skip 0x1000
real_pt_b:      .skip 0x1000
real_page_a:    .skip 0x1000
real_page_b:    .skip 0x1000
real_pdpt:      .skip 0x20
real_pdpt_2:    .skip 0x20
    .text
    .code64
