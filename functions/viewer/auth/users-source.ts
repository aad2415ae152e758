import { readFile, stat } from 'node:fs/promises';
import type { Clock } from '@faascam/core/clock';
import { isMissing } from '@faascam/core/durable-file';
import { messageOf } from '@faascam/core/errors';
import type { Logger } from '@faascam/core/log';
import { isEmpty, MAX_FILE_BYTES, parseUsers, type Users } from './users-file.ts';

/** `broken`: there is a file, or should be, but nobody can be told from it; nobody is let in. */
export type UsersState =
  { kind: 'users'; users: Users } | { kind: 'none' } | { kind: 'broken'; fault: string };

export interface UsersPlaces {
  /** The file that was asked for: it must be there. */
  required: string | undefined;
  /** Otherwise the first of these that is there, if any. */
  usual: readonly string[];
}

/** A secret that was changed shows within this time, in ms; Kubernetes takes a minute by itself. */
const LOOK_AGAIN_MS = 1000;

/** The users file, read again when it has changed. */
export class UsersSource {
  readonly #places: UsersPlaces;
  readonly #clock: Clock;
  readonly #log: Logger;
  #looked: { atUs: number; state: Promise<UsersState> } | undefined;
  #read: { version: string; state: UsersState } | undefined;
  #told = '';

  constructor({ places, clock, log }: { places: UsersPlaces; clock: Clock; log: Logger }) {
    this.#places = places;
    this.#clock = clock;
    this.#log = log;
  }

  async state(): Promise<UsersState> {
    const nowUs = this.#clock.nowUs();
    if (this.#looked === undefined || nowUs - this.#looked.atUs > LOOK_AGAIN_MS * 1000) {
      this.#looked = { atUs: nowUs, state: this.#look() };
    }
    return await this.#looked.state;
  }

  async #look(): Promise<UsersState> {
    const { required, usual } = this.#places;
    let state: UsersState = { kind: 'none' };
    for (const path of required === undefined ? usual : [required]) {
      const found = await this.#stateOf(path, required !== undefined);
      if (found === undefined) continue;
      state = found;
      break;
    }
    const fault = state.kind === 'broken' ? state.fault : '';
    // Said once, not at every call.
    if (fault !== '' && fault !== this.#told) this.#log.error(fault);
    this.#told = fault;
    return state;
  }

  async #stateOf(path: string, required: boolean): Promise<UsersState | undefined> {
    try {
      const { mtimeNs, ino, size } = await stat(path, { bigint: true });
      const version = `${path} ${mtimeNs} ${ino} ${size}`;
      if (this.#read?.version === version) return this.#read.state;
      if (size > MAX_FILE_BYTES) throw new RangeError(`it has more than ${MAX_FILE_BYTES} bytes`);
      const users = parseUsers(await readFile(path, 'utf8'));
      const state: UsersState = isEmpty(users) ? { kind: 'none' } : { kind: 'users', users };
      this.#read = { version, state };
      return state;
    } catch (error) {
      if (isMissing(error) && !required) return undefined;
      return {
        kind: 'broken',
        fault: `The users file ${path} cannot be used, so nobody is let in: ${messageOf(error)}`,
      };
    }
  }
}
