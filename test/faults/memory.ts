import { usageBelow } from '../bench/processes.ts';

/** Resident megabytes by what a process is; of several, the largest. */
export type Memory = Map<string, number>;

/** Not faascam's: the suite's own helpers, and the S3 server, which keeps what it is given in memory. */
const NOT_OURS = ['setpriv', 'cat', 'bash', 'ffprobe', 'ceph-mon', 'ceph-osd', 'radosgw'];

export function memoryByPart(root: number): Memory {
  const memory: Memory = new Map();
  for (const { name, pid, residentMegabytes } of usageBelow(root)) {
    if (pid === root || NOT_OURS.includes(name)) continue;
    memory.set(name, Math.max(memory.get(name) ?? 0, residentMegabytes));
  }
  return memory;
}
