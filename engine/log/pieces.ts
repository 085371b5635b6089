/** Records arrive in the pieces that the network made of them: one logical run of bytes. */
export function totalBytes(pieces: readonly Uint8Array[]): number {
  if (pieces.length === 1) return pieces[0]!.length;
  let total = 0;
  for (const piece of pieces) total += piece.length;
  return total;
}

/** One array of them all; a single piece is returned as it is. `total` is the sum of their lengths. */
export function joined(pieces: readonly Uint8Array[], total: number): Uint8Array {
  if (pieces.length === 1) return pieces[0]!;
  const bytes = new Uint8Array(total);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
