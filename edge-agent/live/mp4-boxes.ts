/** Boxes of MP4 (ISO/IEC 14496-12), and the numbers in them. */

export function box(name: string, parts: Buffer[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 8);
  return Buffer.concat([u32(length), Buffer.from(name, 'latin1'), ...parts], length);
}

/** A box with version and flags. */
export function full(name: string, version: number, flags: number, parts: Buffer[]): Buffer {
  return box(name, [u32((version << 24) | flags), ...parts]);
}

export function zeros(count: number): Buffer {
  return Buffer.alloc(count);
}

export function u8(value: number): Buffer {
  return Buffer.from([value]);
}

export function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function i32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

export function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}
