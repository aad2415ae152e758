/**
 * The 3x3 majority of a mask of 0 and 1: lone cells vanish, small holes close. The border counts as background.
 */
export function majority(mask, width, height) {
  const rows = new Uint8Array(mask.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0, at = y * width; x < width; x++, at++) {
      const left = x > 0 ? (mask[at - 1] ?? 0) : 0;
      const right = x + 1 < width ? (mask[at + 1] ?? 0) : 0;
      rows[at] = left + (mask[at] ?? 0) + right;
    }
  }
  const cleaned = new Uint8Array(mask.length);
  for (let at = 0; at < mask.length; at++) {
    const sum = (rows[at - width] ?? 0) + (rows[at] ?? 0) + (rows[at + width] ?? 0);
    cleaned[at] = sum >= 5 ? 1 : 0;
  }
  return cleaned;
}
/**
 * Connected regions (8 neighbours) of a mask of 0 and 1 with at least `minCells` cells, largest first, found by
 * flood fill.
 */
export function regionsOf(mask, width, height, minCells) {
  const seen = new Uint8Array(mask.length);
  const stack = [];
  const regions = [];
  for (let start = 0; start < mask.length; start++) {
    if (mask[start] !== 1 || seen[start] === 1) continue;
    let [left, top, right, bottom, cells] = [width, height, 0, 0, 0];
    seen[start] = 1;
    stack.push(start);
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      const x = at % width;
      const y = (at - x) / width;
      cells++;
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y);
      for (let ny = Math.max(0, y - 1); ny <= Math.min(height - 1, y + 1); ny++) {
        for (let nx = Math.max(0, x - 1); nx <= Math.min(width - 1, x + 1); nx++) {
          const next = ny * width + nx;
          if (mask[next] !== 1 || seen[next] === 1) continue;
          seen[next] = 1;
          stack.push(next);
        }
      }
    }
    if (cells < minCells) continue;
    const box = [left / width, top / height, (right - left + 1) / width, (bottom - top + 1) / height];
    regions.push({ box, cells });
  }
  return regions.sort((a, b) => b.cells - a.cells);
}
//# sourceMappingURL=regions.js.map
