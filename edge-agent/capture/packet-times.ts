/** Reads the times of packets from ffmpeg's `framecrc` output: a head with the time base, then a line for each packet. */
export class PacketTimes {
  #tickUs: number | undefined;

  /** The time in microseconds, `no-time` for a packet without one, undefined for a line that tells of none. */
  parse(line: string): number | 'no-time' | undefined {
    const [, numerator, denominator] = /^#tb 0: (\d{1,9})\/(\d{1,9})$/.exec(line.trim()) ?? [];
    if (numerator !== undefined && Number(denominator) > 0) {
      this.#tickUs = (Number(numerator) * 1e6) / Number(denominator);
      return undefined;
    }
    // stream, dts, pts, duration, size, checksum
    const [, pts] = /^0,\s*-?\S+,\s*(-?\d{1,18}|\S+),/.exec(line) ?? [];
    if (pts === undefined) return undefined;
    return this.#tickUs !== undefined && /^-?\d+$/.test(pts)
      ? Math.round(Number(pts) * this.#tickUs)
      : 'no-time';
  }
}
