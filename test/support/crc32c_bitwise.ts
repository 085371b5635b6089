const POLYNOMIAL = 0x82f6_3b78;

/** CRC-32C by the definition, bit by bit: slow, and independent of what it checks. */
export function crc32cBitwise(bytes: Uint8Array, start: number, end: number): number {
  let crc = 0xffff_ffff;
  for (let at = start; at < end; at++) {
    crc ^= bytes[at]!;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ ((crc & 1) !== 0 ? POLYNOMIAL : 0);
  }
  return (crc ^ 0xffff_ffff) >>> 0;
}
