import { z } from 'zod';

const notice = z.string().optional().describe('What is wrong: one sentence.');

export const statusAnswer = z
  .object({
    software: z.string(),
    node: z.string(),
    store: z.object({ description: z.string(), notice }),
    messaging: z.object({ connected: z.boolean(), notice }).describe('The connection to NATS.'),
    events: z.object({
      listed: z.number().int().describe('Events listed by this viewer so far.'),
      unreadable: z.number().int().describe('Events whose `event.json` could not be understood.'),
    }),
    cameras: z.array(z.string()).describe('Cameras that have stored events: choices for a filter.'),
    zones: z.array(z.string()).describe('Zones of events seen so far.'),
    labels: z.array(z.string()).describe('Labels seen so far: choices for a filter.'),
  })
  .meta({ id: 'Status' });
export type StatusAnswer = z.infer<typeof statusAnswer>;
