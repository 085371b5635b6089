/* CRC-32C on aarch64: part of crc32c.c. */

/* The first feature register, which the kernel lets programs read: bits 16-19, the CRC instructions. */
static i32 crc_detect(void) {
  u64 features;
  __asm__("mrs %0, ID_AA64ISAR0_EL1" : "=r"(features));
  return (features >> 16 & 0xf) != 0 ? CRC_INSTRUCTION : CRC_TABLE;
}

static void crc_streams(u32 *states, const u8 *bytes, i64 stream) {
  u32 a = states[0];
  u32 b = 0;
  u32 c = 0;
  const u8 *second = bytes + stream;
  const u8 *third = second + stream;
  i64 words = stream / 8;
  __asm__ volatile(
      ".arch_extension crc\n\t"
      "1:\n\t"
      "ldr x9, [%[p]], #8\n\t"
      "ldr x10, [%[q]], #8\n\t"
      "ldr x11, [%[r]], #8\n\t"
      "crc32cx %w[a], %w[a], x9\n\t"
      "crc32cx %w[b], %w[b], x10\n\t"
      "crc32cx %w[c], %w[c], x11\n\t"
      "subs %[n], %[n], #1\n\t"
      "b.ne 1b"
      : [a] "+r"(a), [b] "+r"(b), [c] "+r"(c), [p] "+r"(bytes), [q] "+r"(second), [r] "+r"(third),
        [n] "+r"(words)
      :
      : "x9", "x10", "x11", "memory", "cc");
  states[0] = a;
  states[1] = b;
  states[2] = c;
}

static u32 crc_serial(u32 state, const u8 *bytes, i64 length) {
  const u8 *end = bytes + length;
  for (; end - bytes >= 8; bytes += 8) {
    __asm__(".arch_extension crc\n\tldr x9, [%1]\n\tcrc32cx %w0, %w0, x9"
            : "+r"(state)
            : "r"(bytes)
            : "x9", "memory");
  }
  for (; bytes < end; bytes++) {
    __asm__(".arch_extension crc\n\tldrb w9, [%1]\n\tcrc32cb %w0, %w0, w9"
            : "+r"(state)
            : "r"(bytes)
            : "x9", "memory");
  }
  return state;
}
