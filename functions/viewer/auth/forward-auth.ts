import type { LoginSettings } from '@faascam/core/login-settings';
import type { Asked } from '../answer.ts';
import { roles, type Role } from '../api/authorizer.ts';
import { sameText } from './signature.ts';

type ProxySettings = NonNullable<LoginSettings['proxy']>;

/** What a proxy in front says of who asks. `silent`: nothing. */
export type ProxyWord =
  | { kind: 'silent' }
  | { kind: 'known'; name: string; role: Role }
  /** Somebody speaks as if it were the proxy, or the proxy names nobody that may come in. */
  | { kind: 'disbelieved'; sentence: string };

const NAME = /^[\p{L}\p{N}][\p{L}\p{N} ._@+-]{0,63}$/u;

/** Whom the proxy has logged in, if it is the proxy. Pure. */
export function proxyWord(asked: Asked, settings: ProxySettings, secret: string): ProxyWord {
  const name = asked.header(settings.userHeader);
  if (name === undefined) return { kind: 'silent' };
  const proof = asked.header(settings.secretHeader);
  if (proof === undefined || !sameText(proof, secret)) {
    return {
      kind: 'disbelieved',
      sentence: `The header ${settings.userHeader} came without the proxy's proof: it must send ${settings.secretHeader}.`,
    };
  }
  if (!NAME.test(name)) return { kind: 'disbelieved', sentence: 'The proxy gave a name that is none.' };
  const groups = (asked.header(settings.roleHeader) ?? '').split(/[,|]/).map((group) => group.trim());
  const role = roles.findLast((each) => groups.some((group) => roleOfGroup(settings, group) === each));
  const given = role ?? settings.defaultRole;
  if (given === undefined)
    return { kind: 'disbelieved', sentence: 'You are logged in, but in no group that may see this page.' };
  return { kind: 'known', name, role: given };
}

function roleOfGroup({ roles: known }: ProxySettings, group: string): Role | undefined {
  return Object.hasOwn(known, group) ? known[group] : undefined;
}
