// See program.rs.

.pushsection .rodata.unit_programs, "a"
.arch_extension fp
.arch_extension simd

.macro unit_begin
    adr x1, unit_vectors
    msr vbar_el1, x1
    isb
.endm

// X1 to X30, at X0 or the stack pointer.
.macro unit_move_x instruction, base, at
    .irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    \instruction x\n, [\base, #(\at + 8 * \n)]
    .endr
    .irp n, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
    \instruction x\n, [\base, #(\at + 8 * \n)]
    .endr
.endm

// V0 to V31, at X1.
.macro unit_move_v instruction
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    \instruction q\n, [x1], #16
    .endr
    .irp n, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    \instruction q\n, [x1], #16
    .endr
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
    unit_move_v ldr
    mov sp, x0
    unit_move_x ldr, sp, {x}
    ldr x0, [sp, #{x}]
    hvc #{hypercall}
    str x0, [sp, #{got_x}]
    unit_move_x str, sp, {got_x}
    mov x0, sp
    add x2, x0, #{got}
    unit_read_system
    add x1, x0, #{got_v}
    unit_move_v str
    mov x0, #1
    hvc #{hypercall}
    b .

.globl unit_show
unit_show:
    unit_move_x str, x0, {got_x}
    mrs x4, cpacr_el1
    mrs x5, vbar_el1
    mov x6, sp
    mov x7, x0
    unit_begin
    mov x1, #(3 << 20)
    msr cpacr_el1, x1
    isb
    add x2, x7, #{got}
    unit_read_system
    add x1, x7, #{got_v}
    unit_move_v str
    mov x0, #1
    mov x1, x4
    mov x2, x5
    mov x3, x6
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

.globl unit_write_word
unit_write_word:
    unit_begin
    mov x9, x0
    ldr x1, [x9]
    mov x0, #1
    hvc #{hypercall}
    str x0, [x9]
    mov x0, #2
    hvc #{hypercall}
    b .

.macro unit_load instruction, register
    \instruction \register, [x9]
    mov x0, #1
    hvc #{hypercall}
.endm

.globl unit_access
unit_access:
    unit_begin
    mov x9, x0
    unit_load ldrb, w1
    unit_load ldrsb, w1
    unit_load ldrsb, x1
    unit_load ldrh, w1
    unit_load ldrsh, w1
    unit_load ldrsh, x1
    unit_load ldr, w1
    unit_load ldrsw, x1
    unit_load ldr, x1
    ldr x1, 1f
    strb w1, [x9]
    strh w1, [x9]
    str w1, [x9]
    str x1, [x9]
    str xzr, [x9]
    mov x0, #2
    hvc #{hypercall}
    b .
.p2align 3
1:
    .quad 0x0123456789abcdef

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
