import { z } from 'zod';

/**
 * Who brings which function its messages, as one document in a KV bucket. It is changed by compare-and-set alone, so
 * every change sees all earlier ones: whoever was put out of it cannot write into it again by mistake.
 */
export const leaseTable = z.object({
  v: z.literal(1),
  /** Replicas by id; each counts up its beat for as long as it lives. */
  members: z.record(
    z.string(),
    z.object({
      beat: z.number().int().min(0),
      /** It finishes its work and takes no more. */
      leaving: z.boolean().optional(),
    }),
  ),
  /** By function. */
  leases: z.record(
    z.string(),
    z.object({
      /** A member's id; null when nobody has it. */
      holder: z.string().nullable(),
      /** Its last holder had finished and given back everything. */
      clean: z.boolean().optional(),
    }),
  ),
});
export type LeaseTable = z.infer<typeof leaseTable>;

export const emptyTable: LeaseTable = { v: 1, members: {}, leases: {} };

/** What a replica knows when it changes the table. */
export interface Standing {
  me: string;
  /** Functions that have topics, as the gateway lists them. */
  wanted: readonly string[];
  /** I finish my work and take no more. */
  leaving?: boolean;
  /** Members that gave no sign of life for too long. */
  dead: ReadonlySet<string>;
  /** Leases of mine that I have let go of since the last change, and whether all of theirs was given back. */
  released: ReadonlyMap<string, { clean: boolean }>;
}

/** The table after a sign of life of mine: the dead put out, my releases noted, free leases taken up to a fair share. */
export function beat(table: LeaseTable, standing: Standing): LeaseTable {
  const { me, wanted, dead, released, leaving = false } = standing;
  const members = Object.fromEntries(Object.entries(table.members).filter(([id]) => !dead.has(id)));
  members[me] = { beat: (members[me]?.beat ?? 0) + 1, ...(leaving ? { leaving } : {}) };
  const leases: LeaseTable['leases'] = {};
  for (const [name, lease] of Object.entries(table.leases)) {
    const mine = lease.holder === me ? released.get(name) : undefined;
    const orphaned = lease.holder !== null && !(lease.holder in members);
    if (mine) leases[name] = { holder: null, clean: mine.clean };
    else leases[name] = orphaned ? { holder: null } : lease;
  }
  if (leaving) return { v: 1, members, leases };
  const { least, most } = fairShare(wanted.length, staying({ members }).length);
  const starving = starve({ v: 1, members, leases }, me, least);
  let count = heldBy({ leases }, me).length;
  for (const name of wanted) {
    // What was given up for one who has too little is not taken back before it comes.
    if (count >= (starving ? least : most)) break;
    if ((leases[name]?.holder ?? null) !== null || released.has(name)) continue;
    leases[name] = { holder: me };
    count += 1;
  }
  return { v: 1, members, leases };
}

/** The table without me, and my leases free again. */
export function leave(table: LeaseTable, me: string, released: Standing['released']): LeaseTable {
  const { members, leases } = beat(table, {
    ...{ me, released, wanted: [], leaving: true },
    dead: new Set(),
  });
  return {
    v: 1,
    members: Object.fromEntries(Object.entries(members).filter(([id]) => id !== me)),
    leases: Object.fromEntries(
      Object.entries(leases).map(([name, lease]) => [name, lease.holder === me ? { holder: null } : lease]),
    ),
  };
}

/** Functions whose lease a member holds. */
export function heldBy({ leases }: Pick<LeaseTable, 'leases'>, member: string): string[] {
  return Object.keys(leases).filter((name) => leases[name]?.holder === member);
}

/**
 * Which of my leases others should have. `mine` are those that I am not giving up already, the busiest first: what stays
 * is spread over the list, so that neither side gets all of the busy ones.
 */
export function surplus(
  table: LeaseTable,
  me: string,
  mine: readonly string[],
  wanted: readonly string[],
): string[] {
  const { least, most } = fairShare(wanted.length, staying(table).length);
  const keep = Math.min(mine.length, starve(table, me, least) ? least : most);
  const kept = new Set(
    Array.from({ length: keep }, (_, index) => mine[Math.floor((index * mine.length) / keep)]),
  );
  return mine.filter((name) => !kept.has(name));
}

/** Members that take part in the work. */
function staying({ members }: Pick<LeaseTable, 'members'>): string[] {
  return Object.keys(members).filter((id) => members[id]?.leaving !== true);
}

/** Whether another member has less than everybody should. */
function starve(table: LeaseTable, me: string, least: number): boolean {
  return staying(table).some((id) => id !== me && heldBy(table, id).length < least);
}

function fairShare(leases: number, members: number): { least: number; most: number } {
  const by = Math.max(1, members);
  return { least: Math.floor(leases / by), most: Math.ceil(leases / by) };
}

/** Since when members have not changed their beat, by the clock of whoever looks. */
export class Heartbeats {
  readonly #seen = new Map<string, { beat: number; sinceMs: number }>();
  #lastLookMs: number | undefined;

  constructor(
    private readonly deadAfterMs: number,
    /** Looks further apart than this say nothing: whoever looks may have been cut off, and all others with it. */
    private readonly blindAfterMs: number,
  ) {}

  /** Takes in the table as it was read at `nowMs`, and tells who gave no sign for too long. */
  look(table: LeaseTable, nowMs: number): Set<string> {
    const blind = this.#lastLookMs === undefined || nowMs - this.#lastLookMs > this.blindAfterMs;
    this.#lastLookMs = nowMs;
    const dead = new Set<string>();
    for (const [id, { beat: current }] of Object.entries(table.members)) {
      const seen = this.#seen.get(id);
      if (blind || seen?.beat !== current) this.#seen.set(id, { beat: current, sinceMs: nowMs });
      else if (nowMs - seen.sinceMs >= this.deadAfterMs) dead.add(id);
    }
    for (const id of this.#seen.keys()) if (!(id in table.members)) this.#seen.delete(id);
    return dead;
  }
}
