/** Chance that can be repeated: the same seed gives the same numbers on every machine. */
export interface Random {
  /** At least 0, below 1. */
  next(): number;
  between(low: number, high: number): number;
  /** An integer from `low` to `high`, both included. */
  integer(low: number, high: number): number;
  chance(probability: number): boolean;
  /** Normally distributed with mean 0 and deviation 1 (Box and Muller, 1958). */
  normal(): number;
  pick<T>(items: readonly [T, ...T[]]): T;
}

/** Thirty-two scrambled bits from three integers; neighbouring inputs give unrelated outputs. */
export function scramble(a: number, b = 0, c = 0): number {
  let bits = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(b + 0x7f4a7c15, 0xc2b2ae35);
  bits ^= Math.imul(c + 0x165667b1, 0x27d4eb2f);
  bits = Math.imul(bits ^ (bits >>> 15), 0x2c1b3c6d);
  bits = Math.imul(bits ^ (bits >>> 12), 0x297a2d39);
  return (bits ^ (bits >>> 15)) >>> 0;
}

/** A generator of the xorshift family with 128 bits of state (Marsaglia, "Xorshift RNGs", 2003). */
export function createRandom(seed: number): Random {
  let x = scramble(seed, 1) || 1;
  let y = scramble(seed, 2);
  let z = scramble(seed, 3);
  let w = scramble(seed, 4);
  const next = (): number => {
    const t = x ^ (x << 11);
    x = y;
    y = z;
    z = w;
    w = (w ^ (w >>> 19) ^ t ^ (t >>> 8)) >>> 0;
    return w / 0x1_0000_0000;
  };
  return {
    next,
    between: (low, high) => low + (high - low) * next(),
    integer: (low, high) => low + Math.floor((high - low + 1) * next()),
    chance: (probability) => next() < probability,
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
    pick: (items) => items[Math.floor(items.length * next())] ?? items[0],
  };
}
