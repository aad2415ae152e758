import { unitsOf, unitType, type H264Config } from './h264.ts';

/** Leaves room for what SRTP, UDP and a tunnel add to it in a packet of 1280 bytes, which every network carries. */
const MOST_BYTES = 1180;

const SEQUENCE_SET = 7;
const FRAGMENT = 28;
/** They tell a decoder nothing that it needs: access unit delimiter, end of sequence, of stream, filler. */
const LEFT_OUT = new Set([9, 10, 11, 12]);

/**
 * The RTP payloads of one picture (RFC 6184, packetization mode 1); the last one gets the marker. A keyframe brings its
 * parameter sets, for whoever has just come.
 */
export function rtpPayloads(picture: { data: Buffer; keyframe: boolean }, config: H264Config): Buffer[] {
  const units = unitsOf(picture.data, config.lengthBytes).filter((unit) => !LEFT_OUT.has(unitType(unit)));
  const hasSets = units.some((unit) => unitType(unit) === SEQUENCE_SET);
  const all = picture.keyframe && !hasSets ? [...config.parameterSets, ...units] : units;
  return all.flatMap((unit) => (unit.length <= MOST_BYTES ? [unit] : fragmentsOf(unit)));
}

/** FU-A: the unit's first byte is told in two, then come pieces of the rest. */
function fragmentsOf(unit: Buffer): Buffer[] {
  const head = unit[0] ?? 0;
  const indicator = (head & 0xe0) | FRAGMENT;
  const fragments: Buffer[] = [];
  for (let at = 1; at < unit.length;) {
    const to = Math.min(unit.length, at + MOST_BYTES - 2);
    const start = at === 1 ? 0x80 : 0;
    const end = to === unit.length ? 0x40 : 0;
    const fragment = Buffer.allocUnsafe(2 + to - at);
    fragment[0] = indicator;
    fragment[1] = start | end | (head & 0x1f);
    unit.copy(fragment, 2, at, to);
    fragments.push(fragment);
    at = to;
  }
  return fragments;
}
