/**
 * CRC-32 (IEEE 802.3), which batches before magic 2 carry. Only to tell such a batch from damage, so
 * plain and slow.
 */
const POLYNOMIAL = 0xedb8_8320;

export function crc32(bytes: Uint8Array, start: number, end: number): number {
  let crc = -1;
  for (let at = start; at < end; at++) {
    crc ^= bytes[at]!;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? POLYNOMIAL : 0);
  }
  return (crc ^ -1) >>> 0;
}
