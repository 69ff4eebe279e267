# PAE paging: the processor may keep the four pointers (PDPTEs) and reads them again at a MOV to CR3, and at a MOV to CR0 or
# CR4 that changes paging (Intel SDM vol. 3A, 4.4.1).
    .section .real, "awx", @progbits
    .code32
pae:
    movl $real_large, %edi          # the whole 4 GiB, for long mode; here the first 1 GiB of it
    movl $0x83, %eax
    xorl %edx, %edx
    movl $2048, %ecx
1:  movl %eax, (%edi)
    movl %edx, 4(%edi)
    addl $8, %edi
    addl $0x200000, %eax
    decl %ecx
    jnz 1b
    movl $real_pt_a + 3, real_pd_a
    movl $real_pt_b + 3, real_pd_b
    movl $real_page_a + 3, real_pt_a
    movl $real_page_b + 3, real_pt_b
    movl $0xaaaaaaaa, real_page_a
    movl $0xbbbbbbbb, real_page_b
    movl $real_large + 1, real_pdpt
    movl $real_pd_a + 1, real_pdpt + 8
    movl $real_large + 1, real_pdpt_2
    movl $real_pd_b + 1, real_pdpt_2 + 8
    movl $0x20, %eax                # PAE; PSE is off again
    movl %eax, %cr4
    movl $real_pdpt, %eax
    movl %eax, %cr3
    call paging_on
    say32 text_pae, text_pae_end
    movl $real_results + 80, %esi
    call probe32
    movl SWITCHED, %eax
    note32 50
    movl $real_pdpt_2, %eax         # another table of pointers
    movl %eax, %cr3
    movl SWITCHED, %eax
    note32 51
    movl $real_pd_a + 1, real_pdpt_2 + 8
    movl %cr3, %eax                 # the same table, with another pointer in it
    movl %eax, %cr3
    movl SWITCHED, %eax
    note32 52
    movl $real_pd_b + 1, real_pdpt_2 + 8
    movl %cr4, %eax
    xorl $0x80, %eax                # PGE
    movl %eax, %cr4
    movl SWITCHED, %eax
    note32 53
    movl $real_pd_a + 1, real_pdpt_2 + 8
    movl %cr4, %eax
    xorl $0x80, %eax
    movl %eax, %cr4
    movl SWITCHED, %eax
    note32 54
    movl $real_pd_b + 1, real_pdpt_2 + 8
    call paging_off
    call paging_on
    movl SWITCHED, %eax
    note32 55
    movl $0, real_pdpt_2 + 8        # no pointer at all
    movl %cr3, %eax
    movl %eax, %cr3
    movl $1f, real_fixup
    movl SWITCHED, %eax
1:  note32 56
    movl %edx, %eax
    note32 57
    call paging_off
    jmp long_mode

text_pae:
    .ascii "# PAE paging\r\n"
text_pae_end:
    .text
    .code64
