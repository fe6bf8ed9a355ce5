/* SPDX-License-Identifier: MIT */
/*
 * The context switch for aarch64, AAPCS64. See context.h.
 *
 * A suspended context's stack pointer points at 160 bytes: x19..x28, x29, x30
 * and the low halves of v8..v15.
 */
        .text

/* int hem__switch(void **save: x0, void *const *load: x1, int value: w2) */
        .globl  hem__switch
        .hidden hem__switch
        .type   hem__switch, %function
        .p2align 4
hem__switch:
        .cfi_startproc
        hint    #34                     /* bti c */
        stp     x29, x30, [sp, #-160]!
        .cfi_adjust_cfa_offset 160
        .cfi_rel_offset x29, 0
        .cfi_rel_offset x30, 8
        stp     x19, x20, [sp, #16]
        .cfi_rel_offset x19, 16
        .cfi_rel_offset x20, 24
        stp     x21, x22, [sp, #32]
        .cfi_rel_offset x21, 32
        .cfi_rel_offset x22, 40
        stp     x23, x24, [sp, #48]
        .cfi_rel_offset x23, 48
        .cfi_rel_offset x24, 56
        stp     x25, x26, [sp, #64]
        .cfi_rel_offset x25, 64
        .cfi_rel_offset x26, 72
        stp     x27, x28, [sp, #80]
        .cfi_rel_offset x27, 80
        .cfi_rel_offset x28, 88
        stp     d8, d9, [sp, #96]
        stp     d10, d11, [sp, #112]
        stp     d12, d13, [sp, #128]
        stp     d14, d15, [sp, #144]
        mov     x9, sp
        str     x9, [x0]
        ldr     x9, [x1]
        mov     sp, x9
        mov     w0, w2
        ldp     d14, d15, [sp, #144]
        ldp     d12, d13, [sp, #128]
        ldp     d10, d11, [sp, #112]
        ldp     d8, d9, [sp, #96]
        ldp     x27, x28, [sp, #80]
        ldp     x25, x26, [sp, #64]
        ldp     x23, x24, [sp, #48]
        ldp     x21, x22, [sp, #32]
        ldp     x19, x20, [sp, #16]
        ldp     x29, x30, [sp], #160
        .cfi_adjust_cfa_offset -160
        .cfi_restore x29
        .cfi_restore x30
        .cfi_restore x19
        .cfi_restore x20
        .cfi_restore x21
        .cfi_restore x22
        .cfi_restore x23
        .cfi_restore x24
        .cfi_restore x25
        .cfi_restore x26
        .cfi_restore x27
        .cfi_restore x28
        br      x30
        .cfi_endproc
        .size   hem__switch, .-hem__switch

/* Where a new context begins: x19(x20, w0), on a fresh stack; and where it
 * ends, to go on with the context at x0, with the value w1. */
        .globl  hem__boot
        .hidden hem__boot
        .type   hem__boot, %function
        .p2align 4
        .cfi_startproc
        .cfi_undefined x30
        nop
hem__boot:
        hint    #36                     /* bti j */
        mov     w1, w0
        mov     x0, x20
        blr     x19
        mov     sp, x0
        mov     w0, w1
        ldp     d14, d15, [sp, #144]
        ldp     d12, d13, [sp, #128]
        ldp     d10, d11, [sp, #112]
        ldp     d8, d9, [sp, #96]
        ldp     x27, x28, [sp, #80]
        ldp     x25, x26, [sp, #64]
        ldp     x23, x24, [sp, #48]
        ldp     x21, x22, [sp, #32]
        ldp     x19, x20, [sp, #16]
        ldp     x29, x30, [sp], #160
        ret
        .cfi_endproc
        .size   hem__boot, .-hem__boot

        .section .note.GNU-stack, "", %progbits
