// memcpy, memmove, memset, memcmp, bcmp: the symbols that compiled code calls.
//
// Without FP and SIMD registers, which are the guest's: 16 bytes a load and a store. Everything is aligned as long as
// the MMU is off, because without translation all memory is device memory, where an unaligned access or DC ZVA faults
// (Arm ARM, B2.9.2).
//
// X0 stays what it was: it is the result. X1 to X17 are free to use.

    .macro phalanx_unless_translated label
    mrs x4, currentel
    tbnz x4, #3, .Lphalanx_at_el2_\@
    mrs x4, sctlr_el1
    b .Lphalanx_sctlr_\@
.Lphalanx_at_el2_\@:
    mrs x4, sctlr_el2
.Lphalanx_sctlr_\@:
    tbz x4, #0, \label
    .endm

    // FEAT_MOPS: ID_AA64ISAR2_EL1.MOPS
    .macro phalanx_unless_mops label
    mrs x4, s3_0_c0_c6_2
    tst x4, #(0xf << 16)
    b.eq \label
    .endm

    .macro phalanx_if_translated label
    phalanx_unless_translated .Lphalanx_untranslated_\@
    b \label
.Lphalanx_untranslated_\@:
    .endm

    .pushsection .text.phalanx_memory, "ax"

    .globl memmove
    .p2align 6
memmove:
    sub x3, x0, x1
    cmp x3, x2
    b.lo .Lphalanx_copy_down                  // the target begins within the source
    // fall through

    .globl memcpy
memcpy:
    mov x3, x0
    cmp x2, #1024
    b.hs .Lphalanx_copy_large
.Lphalanx_copy:
    orr x4, x0, x1
    tst x4, #7
    b.ne .Lphalanx_copy_unaligned
.Lphalanx_copy_up:
    subs x2, x2, #128
    b.lo 2f
1:
    ldp x4, x5, [x1], #128
    ldp x6, x7, [x1, #-112]
    ldp x8, x9, [x1, #-96]
    ldp x10, x11, [x1, #-80]
    stp x4, x5, [x3], #128
    stp x6, x7, [x3, #-112]
    stp x8, x9, [x3, #-96]
    stp x10, x11, [x3, #-80]
    ldp x4, x5, [x1, #-64]
    ldp x6, x7, [x1, #-48]
    ldp x8, x9, [x1, #-32]
    ldp x10, x11, [x1, #-16]
    stp x4, x5, [x3, #-64]
    stp x6, x7, [x3, #-48]
    stp x8, x9, [x3, #-32]
    stp x10, x11, [x3, #-16]
    subs x2, x2, #128
    b.hs 1b
2:  // below 128 left; the low bits of x2 are those of the rest
    tbz x2, #6, 9f
    ldp x4, x5, [x1], #64
    ldp x6, x7, [x1, #-48]
    ldp x8, x9, [x1, #-32]
    ldp x10, x11, [x1, #-16]
    stp x4, x5, [x3], #64
    stp x6, x7, [x3, #-48]
    stp x8, x9, [x3, #-32]
    stp x10, x11, [x3, #-16]
9:
    tbz x2, #5, 3f
    ldp x4, x5, [x1], #16
    ldp x6, x7, [x1], #16
    stp x4, x5, [x3], #16
    stp x6, x7, [x3], #16
3:
    tbz x2, #4, 4f
    ldp x4, x5, [x1], #16
    stp x4, x5, [x3], #16
4:
    tbz x2, #3, 5f
    ldr x4, [x1], #8
    str x4, [x3], #8
5:
    tbz x2, #2, 6f
    ldr w4, [x1], #4
    str w4, [x3], #4
6:
    tbz x2, #1, 7f
    ldrh w4, [x1], #2
    strh w4, [x3], #2
7:
    tbz x2, #0, 8f
    ldrb w4, [x1]
    strb w4, [x3]
8:
    ret

// At least 1 KiB: by the copy instructions, where the processor has them.
.Lphalanx_copy_large:
    phalanx_unless_translated .Lphalanx_copy
    phalanx_unless_mops .Lphalanx_copy
    .arch_extension mops
    cpyfp [x3]!, [x1]!, x2!
    cpyfm [x3]!, [x1]!, x2!
    cpyfe [x3]!, [x1]!, x2!
    .arch_extension nomops
    ret

.Lphalanx_copy_unaligned:
    phalanx_if_translated .Lphalanx_copy_up
    cbz x2, 8b
1:
    ldrb w4, [x1], #1
    strb w4, [x3], #1
    subs x2, x2, #1
    b.ne 1b
    ret

// From the end to the start, for a target that overlaps its source from above.
.Lphalanx_copy_down:
    cbz x3, 8b
    add x3, x0, x2
    add x1, x1, x2
    orr x4, x3, x1
    tst x4, #7
    b.ne 5f
1:
    subs x2, x2, #32
    b.lo 3f
2:
    ldp x4, x5, [x1, #-16]
    ldp x6, x7, [x1, #-32]!
    stp x4, x5, [x3, #-16]
    stp x6, x7, [x3, #-32]!
    subs x2, x2, #32
    b.hs 2b
3:  // below 32 left
    and x2, x2, #31
    cbz x2, 8b
4:
    ldrb w4, [x1, #-1]!
    strb w4, [x3, #-1]!
    subs x2, x2, #1
    b.ne 4b
    ret
5:
    phalanx_if_translated 1b
    cbnz x2, 4b
    ret

    .globl memset
    .p2align 6
memset:
    mov x3, x0
    and w1, w1, #0xff
    orr w1, w1, w1, lsl #8
    orr w1, w1, w1, lsl #16
    orr x1, x1, x1, lsl #32
    cmp x2, #16
    b.lo .Lphalanx_set_rest
    // Up to a multiple of 8.
1:
    tst x3, #7
    b.eq 2f
    strb w1, [x3], #1
    sub x2, x2, #1
    b 1b
2:
    cbnz x1, .Lphalanx_set_up
    cmp x2, #512
    b.hs .Lphalanx_zero_large
.Lphalanx_set_up:
    subs x2, x2, #128
    b.lo .Lphalanx_set_rest
1:
    stp x1, x1, [x3], #128
    stp x1, x1, [x3, #-112]
    stp x1, x1, [x3, #-96]
    stp x1, x1, [x3, #-80]
    stp x1, x1, [x3, #-64]
    stp x1, x1, [x3, #-48]
    stp x1, x1, [x3, #-32]
    stp x1, x1, [x3, #-16]
    subs x2, x2, #128
    b.hs 1b
.Lphalanx_set_rest: // below 128 left in the low bits of x2; aligned to 8, or below 16 bytes
    tst x3, #7
    b.ne .Lphalanx_set_bytes
    tbz x2, #6, 7f
    stp x1, x1, [x3], #64
    stp x1, x1, [x3, #-48]
    stp x1, x1, [x3, #-32]
    stp x1, x1, [x3, #-16]
7:
    tbz x2, #5, 1f
    stp x1, x1, [x3], #16
    stp x1, x1, [x3], #16
1:
    tbz x2, #4, 2f
    stp x1, x1, [x3], #16
2:
    tbz x2, #3, 3f
    str x1, [x3], #8
3:
    tbz x2, #2, 4f
    str w1, [x3], #4
4:
    tbz x2, #1, 5f
    strh w1, [x3], #2
5:
    tbz x2, #0, 6f
    strb w1, [x3]
6:
    ret
.Lphalanx_set_bytes:
    cbz x2, 6b
1:
    strb w1, [x3], #1
    subs x2, x2, #1
    b.ne 1b
    ret

// At least 512 bytes of zeros at a multiple of 8, by the set instructions where the processor has them, else by whole
// blocks of DC ZVA.
.Lphalanx_zero_large:
    phalanx_unless_translated .Lphalanx_set_up
    phalanx_unless_mops .Lphalanx_zero_blocks
    .arch_extension mops
    setp [x3]!, x2!, xzr
    setm [x3]!, x2!, xzr
    sete [x3]!, x2!, xzr
    .arch_extension nomops
    ret
.Lphalanx_zero_blocks:
    mrs x4, dczid_el0
    tbnz x4, #4, .Lphalanx_set_up             // prohibited
    mov x5, #4
    lsl x5, x5, x4                  // bytes of a block: 4 << BS
    lsl x6, x5, #2                  // of four blocks
    add x7, x6, x5
    cmp x2, x7
    b.lo .Lphalanx_set_up                     // not four whole blocks for sure
    sub x8, x5, #1
1:  // up to the first block
    tst x3, x8
    b.eq 2f
    str xzr, [x3], #8
    sub x2, x2, #8
    b 1b
2:
    add x9, x5, x5                  // two blocks
    sub x2, x2, x6
3:
    add x10, x3, x5
    dc zva, x3
    add x11, x3, x9
    dc zva, x10
    add x12, x10, x9
    dc zva, x11
    add x3, x3, x6
    dc zva, x12
    subs x2, x2, x6
    b.hs 3b
    add x2, x2, x6
    b .Lphalanx_set_up

    .globl memcmp
    .globl bcmp
    .p2align 4
memcmp:
bcmp:
    orr x4, x0, x1
    tst x4, #7
    b.ne 5f
1:
    subs x2, x2, #8
    b.lo 3f
2:
    ldr x4, [x0], #8
    ldr x5, [x1], #8
    cmp x4, x5
    b.ne 4f
    subs x2, x2, #8
    b.hs 2b
3:  // below 8 left
    ands x2, x2, #7
    b.eq 7f
6:
    ldrb w4, [x0], #1
    ldrb w5, [x1], #1
    subs w4, w4, w5
    b.ne 8f
    subs x2, x2, #1
    b.ne 6b
7:
    mov w0, wzr
    ret
8:
    mov w0, w4
    ret
4:  // the first byte in memory that differs is the lowest
    rev x4, x4
    rev x5, x5
    cmp x4, x5
    cset w0, hi
    csinv w0, w0, wzr, hs
    ret
5:
    phalanx_if_translated 1b
    cbnz x2, 6b
    b 7b

    .popsection
