import { z } from 'zod';
import { cameraId } from './ids.ts';

const days = z.number().min(0).max(36_500);
const labels = z
  .record(z.string().min(1), days)
  .default({})
  .describe("Days of a label's own. An event with several labels stays for the longest of them.");

export const retentionSettings = z
  .strictObject({
    days: days
      .default(30)
      .describe(
        'Days that an event stays in the clip store; 0 is for ever. A month is what most rules allow.',
      ),
    labels,
    cameras: z
      .record(
        cameraId,
        z.strictObject({
          days: days.optional().describe('Instead of the `days` above.'),
          labels: labels.describe('Go before the labels above.'),
        }),
      )
      .default({})
      .describe("A camera's own. Also of cameras that are gone."),
    megabytes: z
      .number()
      .nonnegative()
      .default(0)
      .describe(
        'All events together; above it the oldest go first. 0: no bound. To know the size, all of the store is listed each hour.',
      ),
  })
  .prefault({})
  .describe('How long events stay. Events that were kept with `faascam clips keep` are never removed.');
export type RetentionSettings = z.infer<typeof retentionSettings>;
