import { messageOf } from '@faascam/core/errors';
import { redact } from '@faascam/core/redact';

/** What was expected did not happen; the message says what was seen instead, and where to look. */
export class ContractBroken extends Error {
  override readonly name = 'ContractBroken';
}

/** Throws `ContractBroken` unless it holds. */
export function expected(holds: boolean, seen: string): asserts holds {
  if (!holds) throw new ContractBroken(seen);
}

/** A line a check: what was expected, and what was seen. Later checks go on after one that failed. */
export class Report {
  passed = 0;
  failed = 0;
  skipped = 0;
  readonly #print: (line: string) => void;

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  /** `look` answers what was seen, or throws. Answers whether it passed. */
  async check(sentence: string, look: () => Promise<string>): Promise<boolean> {
    try {
      const seen = await look();
      this.passed += 1;
      this.#print(`ok    ${sentence}: ${redact(seen)}`);
      return true;
    } catch (error) {
      this.failed += 1;
      this.#print(`FAIL  ${sentence}: ${redact(messageOf(error))}`);
      return false;
    }
  }

  skip(sentence: string, why: string): void {
    this.skipped += 1;
    this.#print(`skip  ${sentence}: ${why}`);
  }

  get summary(): string {
    return `${this.passed} passed, ${this.failed} failed, ${this.skipped} skipped`;
  }
}
