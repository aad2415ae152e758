/** The users that the parts of faascam are to NATS, where "faascam nats-auth" has given them rights of their own. */
export const natsUsers = {
  connector: 'connector',
  motion: 'motion',
  detect: 'detect',
  events: 'events',
  clip: 'clip',
  viewer: 'viewer',
  notify: 'notify',
  /** Commands that look at what is there: `faascam events`, `faascam verify --live`. */
  reader: 'reader',
  /** May do everything; for the one who looks after the server, and no part. */
  admin: 'admin',
} as const;

/** The user that an agent is. */
export function agentUser(id: string): string {
  return `agent-${id}`;
}
