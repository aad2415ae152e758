import { readdirSync, readFileSync } from 'node:fs';

export interface Usage {
  name: string;
  pid: number;
  cpuSeconds: number;
  residentMegabytes: number;
}

/** Clock ticks a second in /proc; 100 on every Linux that Node runs on. */
const TICKS = 100;

/** CPU time and memory of a process and all that it has started, by name; those of one name are told apart by number. */
export function usageBelow(root: number): Usage[] {
  const parents = new Map<number, number>();
  const found: Usage[] = [];
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid)) continue;
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      parents.set(pid, Number(fields[1]));
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      found.push({
        name: nameOf(pid),
        pid,
        cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS,
        residentMegabytes: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024,
      });
    } catch {
      // It ended while we looked.
    }
  }
  const below = (pid: number): boolean => {
    for (let at: number | undefined = pid; at !== undefined && at > 1; at = parents.get(at)) {
      if (at === root) return true;
    }
    return false;
  };
  return found.filter(({ pid }) => below(pid));
}

function nameOf(pid: number): string {
  const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').filter(Boolean);
  const [program = '?'] = words;
  if (!/node$/.test(program)) return program.replace(/^.*\//, '');
  const handler = /FAASCAM_HANDLER=\S*functions\/(\w+)/.exec(
    readFileSync(`/proc/${pid}/environ`, 'utf8').replaceAll('\0', '\n'),
  );
  if (handler?.[1] !== undefined) return `function ${handler[1]}`;
  const script = words.find((word) => /\.m?js$/.test(word)) ?? '';
  return script
    .split('/')
    .filter((part) => part !== 'dist')
    .slice(-2)
    .join('/');
}

export interface CpuTime {
  /** Of the process itself. */
  ownSeconds: number;
  /** Of it and of all that it has started, also of what has ended since and was waited for. */
  allSeconds: number;
}

/** CPU time of a process so far. Throws when it has ended. */
export function cpuTimeOf(pid: number): CpuTime {
  const { own } = ticksOf(pid);
  // A process that ends hands its time to its parent: nothing is lost between two looks, and nothing counts twice.
  const all = usageBelow(pid).reduce((sum, child) => {
    try {
      const { own, ended } = ticksOf(child.pid);
      return sum + own + ended;
    } catch {
      return sum; // It ended while we looked, and shows in its parent's the next time.
    }
  }, 0);
  return { ownSeconds: own / TICKS, allSeconds: all / TICKS };
}

function ticksOf(pid: number): { own: number; ended: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const field = (index: number): number => fields[index] ?? 0;
  return { own: field(11) + field(12), ended: field(13) + field(14) };
}

/** Resident memory of one process, in MB. Throws when it has ended. */
export function memoryOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
}
