import { hash, verify } from '@node-rs/argon2';
import { FaascamError } from '@faascam/core/errors';

/**
 * Costs of a password's hash: argon2id with 19 MiB, two passes, one lane, which is what OWASP's cheat sheet on password
 * storage asks for at least. A check takes some 30 ms of one core of a small server, and 19 MiB.
 */
const COSTS = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

/** Nobody types more, and what is hashed costs time. In UTF-8. */
export const MAX_PASSWORD_BYTES = 1024;
/** NIST SP 800-63B asks for eight at least. */
export const MIN_PASSWORD_CHARACTERS = 8;

/** An argon2id hash with a salt of its own, as a PHC string. */
export async function passwordHash(password: string): Promise<string> {
  return await hash(password.normalize('NFKC'), COSTS);
}

/** So many passwords are being checked that this one would have to wait too long. */
export class BusyError extends FaascamError {
  override readonly name = 'BusyError';

  constructor() {
    super('login-busy', 'Too many logins are being tried right now: try again in a few seconds.');
  }
}

/**
 * Checks passwords, few at a time: whatever comes in, no more than `atOnce` cores and 19 MiB each are spent on it, and no
 * more than `waiting` wait.
 */
export class PasswordCheck {
  readonly #atOnce: number;
  readonly #mostWaiting: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  #nobodys: Promise<string> | undefined;

  constructor({ atOnce = 2, waiting = 16 } = {}) {
    this.#atOnce = atOnce;
    this.#mostWaiting = waiting;
  }

  /** Whether it is the password of that hash. Without a hash: false, after the same work. Throws `BusyError`. */
  async matches(password: string, hashed: string | undefined): Promise<boolean> {
    if (this.#running >= this.#atOnce) {
      if (this.#waiting.length >= this.#mostWaiting) throw new BusyError();
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else {
      this.#running += 1;
    }
    try {
      // Of nobody's password, so that an unknown name takes as long as a known one.
      const against = hashed ?? (await (this.#nobodys ??= passwordHash('nobody')));
      const matching = await verify(against, password.normalize('NFKC'));
      return hashed !== undefined && matching;
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}
