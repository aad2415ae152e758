import { z } from 'zod';
import { errorAnswer, NotFoundError, type Answer } from '../answer.ts';
import type { Identity } from '../api/authorizer.ts';
import { nothingAsked, operation, type Operation } from '../api/operation.ts';
import { roles } from '../api/authorizer.ts';
import { auditEntry } from './audit.ts';
import type { Gate } from './gate.ts';
import type { Login } from './login.ts';

const person = z.object({
  name: z.string(),
  role: z.enum(roles),
  /** The only cameras that they may see; absent: all. */
  cameras: z.array(z.string()).optional(),
});

/** Who asks, for the page. */
export const sessionAnswer = z.object({
  /**
   * `needed`: log in. `in`: a user, a token's holder, or whom a proxy has logged in. `open`: there are no users, and whoever
   * reaches the page may do everything. `unconfigured`: there are no users, and nobody is let in.
   */
  state: z.enum(['needed', 'in', 'open', 'unconfigured']),
  user: person.optional(),
  /** How that is known. */
  by: z.enum(['session', 'token', 'proxy']).optional(),
  /** Goes along with every change, as the header X-Faascam-Csrf. */
  csrf: z.string().optional(),
});
export type SessionAnswer = z.infer<typeof sessionAnswer>;

const sessionsAnswer = z.object({
  sessions: z.array(
    z.object({
      id: z.string(),
      user: z.string(),
      sinceUs: z.int(),
      seenUs: z.int(),
      from: z.string(),
      agent: z.string(),
      /** Of the one who asks. */
      own: z.boolean(),
    }),
  ),
});

const auditAnswer = z.object({
  entries: z.array(auditEntry),
  /** For the next page; absent on the last one. */
  before: z.int().optional(),
});

/** Logging in and out, and who did: what the API has of it. */
export function loginOperations(gate: Gate, login: Login): Operation[] {
  return [
    operation({
      ...nothingAsked,
      id: 'getSession',
      method: 'GET',
      path: '/api/session',
      needs: 'public',
      summary: 'Who asks, whether a login is needed, and what a change must bring along.',
      answer: { status: 200, description: 'Who asks.', json: sessionAnswer },
      run: async ({ identity }) => {
        const state = (await gate.users.state()).kind;
        return json(sessionOf(identity, state === 'none' && gate.settings.proxy === undefined));
      },
    }),
    operation({
      ...nothingAsked,
      id: 'logIn',
      method: 'POST',
      path: '/api/session',
      needs: 'public',
      summary: 'Begins a session: its cookie is in the answer.',
      body: z.object({ name: z.string().min(1).max(64), password: z.string().min(1).max(1024) }),
      answer: {
        status: 200,
        description: 'Logged in.',
        json: person.extend({ csrf: z.string() }),
        more: {
          401: 'The name or the password is wrong.',
          409: 'There are no users.',
          429: 'Too many logins have failed; the header Retry-After tells when to try again.',
        },
      },
      run: async ({ asked, body }) => await login.login(asked, body),
    }),
    operation({
      ...nothingAsked,
      id: 'logOut',
      method: 'DELETE',
      path: '/api/session',
      needs: 'viewer',
      heedsCameras: true,
      summary: 'Ends the session.',
      answer: { status: 204, description: 'There is no session any more.' },
      run: async ({ asked }) => await login.logout(asked),
    }),
    operation({
      ...nothingAsked,
      id: 'listSessions',
      method: 'GET',
      path: '/api/sessions',
      needs: 'admin',
      summary: 'Who is logged in, the last seen first.',
      answer: { status: 200, description: 'The sessions.', json: sessionsAnswer },
      run: async ({ identity }) => {
        const sessions = await gate.registry.list();
        return json({
          sessions: sessions.map(({ id, user, sinceUs, seenUs, from, agent }) => {
            return { id, user, sinceUs, seenUs, from, agent, own: identity.session?.id === id };
          }),
        });
      },
    }),
    operation({
      ...nothingAsked,
      id: 'endSession',
      method: 'DELETE',
      path: '/api/sessions/{session}',
      needs: 'admin',
      params: z.object({ session: z.string().regex(/^[A-Za-z0-9_-]{22}$/) }),
      summary: 'Ends a session: whoever has it must log in again.',
      answer: { status: 204, description: 'It is over.', more: { 404: 'There is no such session.' } },
      run: async ({ params }) => {
        const record = await gate.registry.of(params.session);
        if (record === undefined) throw new NotFoundError('There is no such session.');
        if (await gate.registry.end(record)) {
          return { status: 204, headers: { 'Cache-Control': 'no-store' }, body: undefined };
        }
        return errorAnswer(503, 'The session ends here, and elsewhere once NATS is back.');
      },
    }),
    operation({
      ...nothingAsked,
      id: 'listAudit',
      method: 'GET',
      path: '/api/audit',
      needs: 'admin',
      query: z.object({ limit: z.int().min(1).max(200).default(50), before: z.int().min(1).optional() }),
      summary: 'Who did what, the newest first: logins, and changes of any kind.',
      answer: { status: 200, description: 'Entries of the audit log.', json: auditAnswer },
      run: async ({ query }) => json(await gate.audit.newest(query.limit, query.before)),
    }),
  ];
}

function sessionOf(identity: Identity, withoutUsers: boolean): SessionAnswer {
  const { name, role, provenBy, cameras, session } = identity;
  if (provenBy === 'default') return { state: 'open' };
  if (role === 'public' || provenBy === 'nothing') return { state: withoutUsers ? 'unconfigured' : 'needed' };
  return {
    state: 'in',
    user: { name, role, ...(cameras === undefined ? {} : { cameras: [...cameras] }) },
    by: provenBy,
    ...(session === undefined ? {} : { csrf: session.csrf }),
  };
}

/** Nobody but who asked may keep it. */
function json(value: unknown): Answer {
  return {
    status: 200,
    headers: { 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-store' },
    body: JSON.stringify(value),
  };
}
