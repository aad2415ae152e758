import type { Asked } from '../answer.ts';

/** What a person or program may do, from least to most: look; change what is stored; change who may do what. */
export const roles = ['viewer', 'operator', 'admin'] as const;
export type Role = (typeof roles)[number];

/** What an operation asks for. `public`: nothing, also of whom nobody knows. */
export type Needs = 'public' | Role;

/** Who asks. */
export interface Identity {
  /** For logs and marks, such as who keeps an event. */
  name: string;
  /** `public`: nobody that is known. */
  role: Needs;
  /** `default`: it was not asked for, since no users are configured. */
  provenBy: 'default' | 'nothing' | 'session' | 'token' | 'proxy';
  /** The only cameras that they may see; absent: all. */
  cameras?: readonly string[];
  /** Of a login by password: its id, what a change must bring along, and when it was, in microseconds. */
  session?: { id: string; csrf: string; sinceUs: number };
  /** Put on the answer, such as a cookie that is renewed. */
  headers?: Record<string, string>;
}

/** Why whoever asks gets no answer: 401 who are you, 403 not you, 429 not so fast; and one sentence. */
export interface Refusal {
  status: 401 | 403 | 429;
  sentence: string;
  headers?: Record<string, string>;
}

export interface AskedOperation extends Asked {
  /** Below the function's address, with the slash in front. */
  path: string;
  /** The operation's name in the API's document, and what it needs. */
  operation: string;
  needs: Needs;
  /** Its answer is under way, and this asks whether it may go on: nobody tries anything. */
  again?: boolean;
}

/**
 * Says who asks, before anything is done or read for them. It refuses what it cannot believe, such as an expired session, or
 * a change that another site's page sent; whether the role is enough is not its matter.
 */
export interface Authorizer {
  identify(asked: AskedOperation): Promise<Identity | Refusal>;
}

/** Without users: whoever reaches the viewer may do everything. */
export const everybodyIsAdmin: Authorizer = {
  identify: () => Promise.resolve({ name: 'anybody', role: 'admin', provenBy: 'default' }),
};

/** Whether a role is enough. Pure. */
export function suffices(role: Needs, needs: Needs): boolean {
  const rank = (of: Needs): number => (of === 'public' ? -1 : roles.indexOf(of));
  return rank(role) >= rank(needs);
}
