/** How many bytes of a block of UTF-8 are whole characters. A block may end within a character, whose rest is then the
 *  beginning of the next block. */
export function wholeCharacters(bytes: Uint8Array): number {
  // A character has at most four bytes, all but the first of them 10xxxxxx.
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!;
    if (byte >= 0xc0) return (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) > back ? bytes.length - back : bytes.length;
    if (byte < 0x80) return bytes.length;
  }
  return bytes.length;
}
