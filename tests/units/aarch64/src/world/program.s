// See program.rs.

.pushsection .rodata.unit_programs, "a"
.arch_extension fp
.arch_extension simd

.macro unit_begin
    adr x1, unit_vectors
    msr vbar_el1, x1
    isb
.endm

.p2align 11
.globl unit_programs
unit_programs:
unit_vectors:
.rept 16
    .p2align 7
    mrs x1, esr_el1
    mrs x2, elr_el1
    mov x0, #{exception}
    hvc #{hypercall}
    b .
.endr
.p2align 7

.globl unit_registers
unit_registers:
    unit_begin
    mov x1, #(3 << 20)
    msr cpacr_el1, x1
    isb
    add x2, x0, #{want}
    add x3, x0, #{values}
    unit_write_system
    add x1, x0, #{v}
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    ldr q\n, [x1], #16
    .endr
    .irp n, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    ldr q\n, [x1], #16
    .endr
    mov sp, x0
    .irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    ldr x\n, [sp, #({x} + 8 * \n)]
    .endr
    .irp n, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
    ldr x\n, [sp, #({x} + 8 * \n)]
    .endr
    ldr x0, [sp, #{x}]
    hvc #{hypercall}
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    str x\n, [sp, #({got_x} + 8 * \n)]
    .endr
    .irp n, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
    str x\n, [sp, #({got_x} + 8 * \n)]
    .endr
    mov x0, sp
    add x2, x0, #{got}
    unit_read_system
    add x1, x0, #{got_v}
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    str q\n, [x1], #16
    .endr
    .irp n, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    str q\n, [x1], #16
    .endr
    mov x0, #1
    hvc #{hypercall}
    b .

.globl unit_keys
unit_keys:
    unit_begin
    mov x9, x0
    add x2, x9, #{want}
    add x3, x9, #{values}
    unit_write_keys
    mov x0, #1
    hvc #{hypercall}
    add x2, x9, #{got}
    unit_read_keys
    mov x0, #2
    hvc #{hypercall}
    b .

.globl unit_read_word
unit_read_word:
    unit_begin
    mov x9, x0
1:
    ldr x1, [x9]
    mov x0, #1
    hvc #{hypercall}
    b 1b

.globl unit_identify
unit_identify:
    unit_begin
    mov x9, x0
    .irp crm, 1, 2, 3, 4, 5, 6, 7
    .irp op2, 0, 1, 2, 3, 4, 5, 6, 7
    mrs x1, S3_0_C0_C\crm\()_\op2
    str x1, [x9], #8
    .endr
    .endr
    mrs x1, midr_el1
    mrs x2, mpidr_el1
    mrs x3, revidr_el1
    mov x0, #1
    hvc #{hypercall}
    b .

// The CPU interface as Phalanx's board has it: CTLR, PMR, IAR at 0xc, EOIR at 0x10.
.globl unit_acknowledge_v2
unit_acknowledge_v2:
    unit_begin
    mov x9, #0x08010000
    mov w1, #0xff
    str w1, [x9, #4]
    mov w1, #3
    str w1, [x9]
    mov x0, #1
    hvc #{hypercall}
1:
    ldr w10, [x9, #0xc]
    mov x1, x10
    mov x0, #2
    hvc #{hypercall}
    str w10, [x9, #0x10]
    dsb sy
    mov x0, #3
    hvc #{hypercall}
    b 1b

// ICC_PMR_EL1, ICC_IGRPEN1_EL1, ICC_IAR1_EL1, ICC_EOIR1_EL1.
.globl unit_acknowledge_v3
unit_acknowledge_v3:
    unit_begin
    mov x1, #0xff
    msr S3_0_C4_C6_0, x1
    mov x1, #1
    msr S3_0_C12_C12_7, x1
    isb
    mov x0, #1
    hvc #{hypercall}
1:
    mrs x10, S3_0_C12_C12_0
    mov x1, x10
    mov x0, #2
    hvc #{hypercall}
    msr S3_0_C12_C12_1, x10
    isb
    mov x0, #3
    hvc #{hypercall}
    b 1b

.globl unit_programs_end
unit_programs_end:
.arch_extension nosimd
.arch_extension nofp
.popsection
