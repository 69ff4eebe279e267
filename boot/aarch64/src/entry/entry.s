// From the loader's jump to Rust, wherever the image was loaded (assembled by entry/mod.rs).
//
// State before (Linux's arm64 boot protocol): EL2 or EL1 (EL3 is understood too), MMU off, X0 = the device tree's
// address; 0 where an ELF loader jumped here. No stack.
// State after: the same EL, MMU and caches on with identity tables (tables.rs), boot stack, vectors that can speak
// (exception.rs), all interrupts masked, image relocated, .bss zeroed; at EL2: HCR_EL2.RW and nothing else.

.set HCR_RW,            1 << 31
.set HCR_E2H_BIT,       34
.set FORMAT_EL1,        1               // tables.rs: Format
.set MAIR,              0x04ff          // 0: normal, write-back; 1: device, nGnRE
// T0SZ = 16 (48 bits), walks write-back and inner shareable, 4 KiB granule.
.set TCR_COMMON,        0x3510
.set TCR_SINGLE,        TCR_COMMON | 1 << 31 | 1 << 23      // one range of addresses: RES1 bits; PS in bits 16-18
.set TCR_EL1,           TCR_COMMON | 1 << 23                // two ranges: EPD1; IPS in bits 32-34
// MMU, data cache, stack alignment, instruction cache, and the bits that Armv8.0 has as RES1.
.set SCTLR_ON,          1 << 0 | 1 << 2 | 1 << 3 | 1 << 12
.set SCTLR_SINGLE,      SCTLR_ON | 0x30c50830
.set SCTLR_EL1,         SCTLR_ON | 0x30d00800
.set PA_48_BITS,        5
.set RELOCATION_BYTES,  24

.macro address register, symbol
    adrp \register, \symbol
    add \register, \register, :lo12:\symbol
.endm

// Expects X1 = MAIR, X2 = TCR, X3 = SCTLR, X21 = root table.
.macro enable level, invalidate
    msr mair_\level, x1
    msr tcr_\level, x2
    msr ttbr0_\level, x21
    tlbi \invalidate
    ic iallu
    dsb sy
    isb
    msr sctlr_\level, x3
    isb
.endm

.section .text.header, "ax", %progbits
.globl phalanx_entry
phalanx_entry:
    b start
    .long 0
    .quad 0                             // offset from a multiple of 2 MiB
    .quad __image_bytes
    .quad 1 << 3 | 1 << 1               // anywhere in memory, 4 KiB pages, little-endian
    .quad 0, 0, 0
    .ascii "ARM\x64"
    .long 0

.section .text.entry, "ax", %progbits
start:
    msr daifset, #0xf
    msr spsel, #1
    mov x19, x0
    mrs x20, CurrentEL
    lsr x20, x20, #2
    address x0, __boot_stack_top
    mov sp, x0
    mov x29, xzr
    mov x30, xzr
    bl {set_vectors}
    mov x22, #FORMAT_EL1
    cmp x20, #2
    b.lo 1f
    mov x22, xzr
    b.hi 1f
    mov x0, #HCR_RW
    msr hcr_el2, x0
    isb
    mrs x0, hcr_el2                     // some processors have no E2H = 0
    ubfx x22, x0, #HCR_E2H_BIT, #1
1:
    mov x0, x19
    mov x1, x22
    bl {build_tables}
    mov x21, x0
    bl mmu_on
    bl relocate
    address x0, __bss_zeroed_start
    address x2, __bss_zeroed_end
    mov w1, wzr
    sub x2, x2, x0
    bl memset
    address x0, __boot_stack_top
    mov sp, x0
    mov x0, x19
    mov x1, x20
    bl {boot_main}
    udf #0

mmu_on:
    mrs x4, id_aa64mmfr0_el1
    and x4, x4, #0xf
    mov x5, #PA_48_BITS
    cmp x4, x5
    csel x4, x4, x5, lo
    mov x1, #MAIR
    cbnz x22, 1f
    ldr x2, =TCR_SINGLE
    orr x2, x2, x4, lsl #16
    ldr x3, =SCTLR_SINGLE
    cmp x20, #2
    b.eq 2f
    enable el3, alle3
    ret
1:
    ldr x2, =TCR_EL1
    orr x2, x2, x4, lsl #32
    ldr x3, =SCTLR_EL1
    cmp x20, #2
    b.eq 2f
    enable el1, vmalle1
    ret
2:
    enable el2, alle2
    ret
    .ltorg

// Adds the distance from the link address to every pointer. There are relocations of one type only, as nothing is
// linked dynamically: R_AARCH64_RELATIVE (place, type, value). Where the right value is in place already, it stays.
relocate:
    address x1, __relocations_start
    address x2, __relocations_end
    address x3, phalanx_entry
    movz x4, #:abs_g1:__link_address
    movk x4, #:abs_g0_nc:__link_address
    sub x3, x3, x4
    cmp x1, x2
    b.hs 2f
    ldr x4, [x1]
    ldr x5, [x1, #16]
    ldr x4, [x4, x3]
    add x5, x5, x3
    cmp x4, x5
    b.eq 2f
1:
    ldr x4, [x1]
    ldr x5, [x1, #16]
    add x5, x5, x3
    str x5, [x4, x3]
    add x1, x1, #RELOCATION_BYTES
    cmp x1, x2
    b.lo 1b
2:
    ret

// Every vector goes the same way; see exception.rs.
.section .text.boot_vectors, "ax", %progbits
.balign 2048
.globl boot_vectors
boot_vectors:
.rept 16
    b exception
    .balign 128
.endr

// Keeps X0-X18, X29 and X30 for the Rust side, which returns where to go on and gives -1 as X0 there.
exception:
    sub sp, sp, #176
    stp x0, x1, [sp, #0]
    stp x2, x3, [sp, #16]
    stp x4, x5, [sp, #32]
    stp x6, x7, [sp, #48]
    stp x8, x9, [sp, #64]
    stp x10, x11, [sp, #80]
    stp x12, x13, [sp, #96]
    stp x14, x15, [sp, #112]
    stp x16, x17, [sp, #128]
    stp x18, x29, [sp, #144]
    str x30, [sp, #160]
    bl {on_exception}
    ldp x2, x3, [sp, #16]
    ldp x4, x5, [sp, #32]
    ldp x6, x7, [sp, #48]
    ldp x8, x9, [sp, #64]
    ldp x10, x11, [sp, #80]
    ldp x12, x13, [sp, #96]
    ldp x14, x15, [sp, #112]
    ldp x16, x17, [sp, #128]
    ldp x18, x29, [sp, #144]
    ldr x30, [sp, #160]
    ldr x1, [sp, #8]
    mov x0, #-1
    add sp, sp, #176
    eret
