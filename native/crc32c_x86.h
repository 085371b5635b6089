/* CRC-32C on x86-64: part of crc32c.c. Inline assembly, since TinyCC has no intrinsics. */

static void cpu_id(u32 leaf, u32 *a, u32 *b, u32 *c, u32 *d) {
  u32 out[4];
  u32 subleaf = 0;
  /* rbx by hand: position-independent code may own it. */
  __asm__ volatile(
      "movq %%rbx, %%r8\n\t"
      "cpuid\n\t"
      "movl %%eax, (%2)\n\t"
      "movl %%ebx, 4(%2)\n\t"
      "movl %%ecx, 8(%2)\n\t"
      "movl %%edx, 12(%2)\n\t"
      "movq %%r8, %%rbx"
      : "+a"(leaf), "+c"(subleaf)
      : "D"(out)
      : "r8", "rdx", "memory");
  *a = out[0];
  *b = out[1];
  *c = out[2];
  *d = out[3];
}

/* xgetbv as bytes: TinyCC's assembler does not know it. Which registers the kernel saves. */
static u32 saved_registers(void) {
  u32 low;
  __asm__ volatile(".byte 0x0f, 0x01, 0xd0" : "=a"(low) : "c"(0) : "rdx");
  return low;
}

#define LEAF1_C_SSE42 (1u << 20)
#define LEAF1_C_OSXSAVE (1u << 27)
#define LEAF7_B_AVX512F (1u << 16)
#define LEAF7_C_VPCLMUL (1u << 10)
/* SSE, AVX, and the three parts of AVX-512 state. */
#define SAVED_FOR_AVX512 0xe6u

/* Opcodes as bytes, TinyCC knows no crc32q. rsi: A, rsi + rdx: B, rsi + 2 rdx: C; states rax r8 r9. */
#define CRC_A(at) ".byte 0xf2, 0x48, 0x0f, 0x38, 0xf1, 0x46, " at "\n\t"       /* crc32q at(%rsi), %rax */
#define CRC_B(at) ".byte 0xf2, 0x4c, 0x0f, 0x38, 0xf1, 0x44, 0x16, " at "\n\t" /* at(%rsi,%rdx), %r8 */
#define CRC_C(at) ".byte 0xf2, 0x4c, 0x0f, 0x38, 0xf1, 0x4c, 0x56, " at "\n\t" /* at(%rsi,%rdx,2), %r9 */
#define CRC_ABC(at) CRC_A(at) CRC_B(at) CRC_C(at)

static void crc_streams(u32 *states, const u8 *bytes, i64 stream) {
  u64 a = states[0];
  u64 rounds = (u64)stream / 32;
  u64 ends[2];
  __asm__ volatile(
      "xorl %%r8d, %%r8d\n\t"
      "xorl %%r9d, %%r9d\n\t"
      "1:\n\t" CRC_ABC("0") CRC_ABC("8") CRC_ABC("16") CRC_ABC("24")
      "addq $32, %%rsi\n\t"
      "decq %%rcx\n\t"
      "jnz 1b\n\t"
      "movq %%r8, (%%rdi)\n\t"
      "movq %%r9, 8(%%rdi)"
      : "+a"(a), "+S"(bytes), "+c"(rounds)
      : "d"(stream), "D"(ends)
      : "r8", "r9", "memory", "cc");
  states[0] = (u32)a;
  states[1] = (u32)ends[0];
  states[2] = (u32)ends[1];
}

/* Eight bytes a step, then one: short inputs and tails. */
static u32 crc_serial(u32 state, const u8 *bytes, i64 length) {
  u64 wide = state;
  u64 words = (u64)length / 8;
  u64 rest = (u64)length % 8;
  if (words > 0) {
    __asm__ volatile(
        "1:\n\t" CRC_A("0")
        "addq $8, %%rsi\n\t"
        "decq %%rcx\n\t"
        "jnz 1b"
        : "+a"(wide), "+S"(bytes), "+c"(words)
        :
        : "memory", "cc");
  }
  if (rest > 0) {
    __asm__ volatile(
        "1:\n\t"
        ".byte 0xf2, 0x0f, 0x38, 0xf0, 0x06\n\t" /* crc32b (%rsi), %eax */
        "incq %%rsi\n\t"
        "decq %%rcx\n\t"
        "jnz 1b"
        : "+a"(wide), "+S"(bytes), "+c"(rest)
        :
        : "memory", "cc");
  }
  return (u32)wide;
}

#if !defined(__TINYC__)
#define CRC_CAN_FOLD
/*
 * Folding: a 16-byte lane (L, H) that lies D bits before the next one equals, modulo the polynomial,
 * L x^(D+64) + H x^D added to that one. A carry-less product of two reflected 64-bit words comes out one
 * bit short, hence D - 1; 32-bit remainders sit in the high half of a 64-bit operand.
 * What is left in the end is a short message with the same remainder: crc32q finishes it.
 */
static u64 fold_step_256[2], fold_step_64[2];

static void fold_constant(u64 *pair, u64 bits) {
  pair[0] = (u64)x_power(bits + 63) << 32;
  pair[1] = (u64)x_power(bits - 1) << 32;
}

static void fold_prepare(void) {
  fold_constant(fold_step_256, 2048);
  fold_constant(fold_step_64, 512);
}

#define FOLD_BYTES_MIN 256

#define FOLD(acc, spare, from)                            \
  "vpclmulqdq $0x00, %%zmm4, %%" acc ", %%" spare "\n\t"       \
  "vpclmulqdq $0x11, %%zmm4, %%" acc ", %%" acc "\n\t"         \
  "vpternlogq $0x96, " from ", %%" spare ", %%" acc "\n\t"

static u32 crc_by_folding(u32 state, const u8 *bytes, i64 length) {
  u8 rest[64];
  i64 rounds = length / 256;
  i64 short_rounds = length % 256 / 64;
  __asm__ volatile(
      "vbroadcasti32x4 (%[k256]), %%zmm4\n\t"
      "vmovd %[state], %%xmm5\n\t"
      "vpxorq (%[p]), %%zmm5, %%zmm0\n\t"
      "vmovdqu64 64(%[p]), %%zmm1\n\t"
      "vmovdqu64 128(%[p]), %%zmm2\n\t"
      "vmovdqu64 192(%[p]), %%zmm3\n\t"
      "jmp 2f\n\t"
      "1:\n\t"
      FOLD("zmm0", "zmm5", "(%[p])")
      FOLD("zmm1", "zmm6", "64(%[p])")
      FOLD("zmm2", "zmm7", "128(%[p])")
      FOLD("zmm3", "zmm8", "192(%[p])")
      "2:\n\t"
      "addq $256, %[p]\n\t"
      "decq %[n]\n\t"
      "jnz 1b\n\t"
      "vbroadcasti32x4 (%[k64]), %%zmm4\n\t"
      FOLD("zmm0", "zmm5", "%%zmm1")
      FOLD("zmm0", "zmm5", "%%zmm2")
      FOLD("zmm0", "zmm5", "%%zmm3")
      "jmp 4f\n\t"
      "3:\n\t"
      FOLD("zmm0", "zmm5", "(%[p])")
      "addq $64, %[p]\n\t"
      "4:\n\t"
      "decq %[m]\n\t"
      "jns 3b\n\t"
      "vmovdqu64 %%zmm0, (%[rest])\n\t"
      "vzeroupper"
      : [p] "+r"(bytes), [n] "+r"(rounds), [m] "+r"(short_rounds)
      : [k256] "r"(fold_step_256), [k64] "r"(fold_step_64), [state] "r"(state), [rest] "r"(rest)
      : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "memory", "cc");
  return crc_serial(crc_serial(0, rest, sizeof rest), bytes, length % 64);
}
#endif

static i32 crc_detect(void) {
  u32 a, b, c, d, leaf_max;
  cpu_id(0, &leaf_max, &b, &c, &d);
  cpu_id(1, &a, &b, &c, &d);
  if (!(c & LEAF1_C_SSE42)) return CRC_TABLE;
#if defined(CRC_CAN_FOLD)
  if (leaf_max >= 7 && (c & LEAF1_C_OSXSAVE)) {
    cpu_id(7, &a, &b, &c, &d);
    if ((b & LEAF7_B_AVX512F) && (c & LEAF7_C_VPCLMUL) &&
        (saved_registers() & SAVED_FOR_AVX512) == SAVED_FOR_AVX512) {
      fold_prepare();
      return CRC_FOLD;
    }
  }
#endif
  return CRC_INSTRUCTION;
}
