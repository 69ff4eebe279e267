# The first instruction: CS = 0x3000, IP = 0, EBX = start info.
    .section .real, "awx", @progbits
    .code16
    .globl real_start
real_start:
    movl %ebx, %cs:real_info - real_start
    jmp real_mode
    .text
    .code64
