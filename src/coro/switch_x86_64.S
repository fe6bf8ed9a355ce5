/* SPDX-License-Identifier: MIT */
/*
 * The context switch for x86-64, System V ABI. See context.h.
 *
 * A suspended context's stack pointer points at r15 r14 r13 r12 rbx rbp and
 * the address to go on at. Leaving by a jump instead of a return spares a
 * return that the CPU would predict wrongly.
 */
        .text

/* int hem__switch(void **save: rdi, void *const *load: rsi, int value: edx) */
        .globl  hem__switch
        .hidden hem__switch
        .type   hem__switch, @function
        .p2align 4
hem__switch:
        .cfi_startproc
        endbr64
        pushq   %rbp
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset rbp, 0
        pushq   %rbx
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset rbx, 0
        pushq   %r12
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r12, 0
        pushq   %r13
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r13, 0
        pushq   %r14
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r14, 0
        pushq   %r15
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r15, 0
        movq    %rsp, (%rdi)
        movq    (%rsi), %rsp
        movl    %edx, %eax
        popq    %r15
        .cfi_adjust_cfa_offset -8
        .cfi_restore r15
        popq    %r14
        .cfi_adjust_cfa_offset -8
        .cfi_restore r14
        popq    %r13
        .cfi_adjust_cfa_offset -8
        .cfi_restore r13
        popq    %r12
        .cfi_adjust_cfa_offset -8
        .cfi_restore r12
        popq    %rbx
        .cfi_adjust_cfa_offset -8
        .cfi_restore rbx
        popq    %rbp
        .cfi_adjust_cfa_offset -8
        .cfi_restore rbp
        popq    %rcx
        .cfi_adjust_cfa_offset -8
        .cfi_register rip, rcx
        notrack jmp *%rcx
        .cfi_endproc
        .size   hem__switch, .-hem__switch

/* Where a new context begins: r12(r13, eax), on a fresh stack; and where it
 * ends, to go on with the context at rax, with the value edx. Unwinders look up
 * the address before, hence the nop. */
        .globl  hem__boot
        .hidden hem__boot
        .type   hem__boot, @function
        .p2align 4
        .cfi_startproc
        .cfi_undefined rip
        nop
hem__boot:
        endbr64
        movq    %r13, %rdi
        movl    %eax, %esi
        call    *%r12
        movq    %rax, %rsp
        movl    %edx, %eax
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbx
        popq    %rbp
        ret
        .cfi_endproc
        .size   hem__boot, .-hem__boot

/* Ready for indirect branch tracking, not for shadow stacks. */
        .section .note.gnu.property, "a"
        .p2align 3
        .long   4
        .long   16
        .long   5
        .asciz  "GNU"
        .long   0xc0000002
        .long   4
        .long   1
        .long   0

        .section .note.GNU-stack, "", @progbits
