import { resolve } from 'node:path';
import { z } from 'zod';

const headerName = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9-]{0,63}$/, { error: 'must be the name of a header' });
const role = z.enum(['viewer', 'operator', 'admin']);

const DAY_MS = 86_400_000;

/** How people and programs log in to the page. */
export const loginSettings = z
  .strictObject({
    usersFile: z
      .string()
      .default('')
      .describe(
        'File of users and tokens, as "faascam user" writes it. Empty: the secret `viewer-users`, else `viewer-users.yml` in the data folder, if there is one.',
      ),
    sessionMs: z
      .number()
      .int()
      .min(60_000)
      .max(30 * DAY_MS)
      .default(30 * DAY_MS)
      .describe('How long after a login one must log in again. 30 days is the most.'),
    idleMs: z
      .number()
      .int()
      .min(60_000)
      .max(30 * DAY_MS)
      .default(7 * DAY_MS)
      .describe('How long a session may be unused. 7 days: who looks once a week stays logged in.'),
    proxies: z
      .number()
      .int()
      .min(0)
      .max(10)
      .default(0)
      .describe(
        'How many addresses at the end of X-Forwarded-For are your own proxies: failed logins are counted by the one before. 0: the last one is whoever asks.',
      ),
    trustForwardedProto: z
      .boolean()
      .default(false)
      .describe(
        'Whether X-Forwarded-Proto is always written by a proxy of yours, so that cookies are for https alone. Browsers say so themselves when they log in.',
      ),
    proxy: z
      .strictObject({
        userHeader: headerName.default('Remote-User').describe("Header with the user's name."),
        roleHeader: headerName
          .default('Remote-Groups')
          .describe("Header with the user's groups, separated by commas or bars."),
        roles: z
          .record(z.string().min(1), role)
          .default({})
          .describe('Which role a group has. The greatest counts.'),
        defaultRole: role
          .optional()
          .describe('The role of whoever is in none of these groups. Absent: they are refused.'),
        secretHeader: headerName
          .default('X-Faascam-Proxy-Secret')
          .describe('Header by which the proxy proves itself; it must drop what others send in it.'),
        secretFile: z
          .string()
          .min(1)
          .describe('File with what stands in it: at least 16 characters that only the proxy knows.'),
      })
      .optional()
      .describe('A proxy in front that logs people in (OIDC, LDAP). Absent: nobody is believed.'),
  })
  .prefault({})
  .describe('How people and programs log in to the page (docs/login.md).');
export type LoginSettings = z.infer<typeof loginSettings>;

/** Settings whose paths hold from any folder. */
export function resolvedLogin(settings: LoginSettings, directory: string): LoginSettings {
  const { usersFile, proxy } = settings;
  return {
    ...settings,
    usersFile: usersFile === '' ? '' : resolve(directory, usersFile),
    ...(proxy === undefined ? {} : { proxy: { ...proxy, secretFile: resolve(directory, proxy.secretFile) } }),
  };
}
