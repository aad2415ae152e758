import { usageBelow } from '../bench/processes.ts';

/** Resident megabytes by what a process is; of several, the largest. */
export type Memory = Map<string, number>;

export function memoryByPart(root: number): Memory {
  const memory: Memory = new Map();
  for (const { name, pid, residentMegabytes } of usageBelow(root)) {
    if (pid === root || ['setpriv', 'cat', 'bash', 'ffprobe'].includes(name)) continue;
    memory.set(name, Math.max(memory.get(name) ?? 0, residentMegabytes));
  }
  return memory;
}
