/** H.264 as MP4 and Matroska hold it (ISO/IEC 14496-15): a configuration apart, and units with their length before each. */
export interface H264Config {
  /** How many bytes a unit's length takes. */
  lengthBytes: number;
  /** Sequence and picture parameter sets, without which no picture can be decoded. */
  parameterSets: Buffer[];
  /** Profile, constraints and level as RFC 6381 and SDP write them: `64001f`. */
  profile: string;
}

/** Reads an AVCDecoderConfigurationRecord; undefined when it is none. */
export function h264Config(record: Buffer): H264Config | undefined {
  const [version, , , , lengths = 0, count = 0] = record;
  if (version !== 1 || record.length < 7) return undefined;
  const parameterSets: Buffer[] = [];
  let at = 6;
  const take = (sets: number): boolean => {
    for (let set = 0; set < sets; set++) {
      if (at + 2 > record.length) return false;
      const length = record.readUInt16BE(at);
      at += 2;
      if (length === 0 || at + length > record.length) return false;
      parameterSets.push(record.subarray(at, at + length));
      at += length;
    }
    return true;
  };
  if (!take(count & 0x1f) || !take(record[at++] ?? 0)) return undefined;
  return { lengthBytes: (lengths & 3) + 1, parameterSets, profile: record.toString('hex', 1, 4) };
}

/** The units of a picture, of which one that is cut off is left out. */
export function unitsOf(picture: Buffer, lengthBytes: number): Buffer[] {
  const units: Buffer[] = [];
  for (let at = 0; at + lengthBytes < picture.length;) {
    const length = picture.readUIntBE(at, lengthBytes);
    at += lengthBytes;
    if (length > picture.length - at) break;
    if (length > 0) units.push(picture.subarray(at, at + length));
    at += length;
  }
  return units;
}

export function unitType(unit: Uint8Array): number {
  return (unit[0] ?? 0) & 0x1f;
}
