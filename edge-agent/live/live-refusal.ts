import { FaascamError } from '@faascam/core/errors';

/** Why somebody is shown nothing, in a sentence for people and with the status that HTTP has for it. */
export class LiveRefusal extends FaascamError {
  override readonly name = 'LiveRefusal';
  readonly status: number;

  constructor(status: number, code: string, message: string) {
    super(code, message);
    this.status = status;
  }
}
