import { useEffect, useState } from 'preact/hooks';
import { motionAnswer } from '../api.ts';
import { AnswerError, ask } from './ask.ts';
import { withNewer, type Motion } from './motion.ts';
import { repeat } from './repeat.ts';
import type { Span } from './time-axis.ts';

const REFRESH_MS = 10_000;
/** So far back it is asked for again: frames may come late. */
const AGAIN_US = 600_000_000;

/** What moved in front of a camera on a day, kept up to date; undefined until it is known. */
export function useDayMotion(camera: string, day: Span): Motion | undefined {
  const [shown, show] = useState<Motion | undefined>(undefined);
  const { fromUs, toUs } = day;
  useEffect(() => {
    let current = true;
    let known: Motion | undefined;
    show(undefined);
    if (camera === '') return undefined;
    const refresh = async (): Promise<void> => {
      const nowUs = Date.now() * 1000;
      // A day that is over changes no more.
      if (known !== undefined && endOf(known) >= toUs) return;
      if (fromUs > nowUs) return;
      const newest = known === undefined ? fromUs : Math.max(fromUs, endOf(known) - AGAIN_US);
      try {
        const newer = await motionOf(camera, { fromUs: newest, toUs });
        known = known === undefined ? newer : withNewer(known, newer);
        if (current) show(known);
      } catch (error) {
        // The line shows events all the same; that the viewer is away is told elsewhere.
        if (!(error instanceof AnswerError)) throw error;
      }
    };
    const asking = repeat(() => REFRESH_MS, refresh);
    return () => {
      current = false;
      asking.stop();
    };
  }, [camera, fromUs, toUs]);
  return shown;
}

function endOf({ fromUs, slotUs, levels }: Motion): number {
  return fromUs + levels.length * slotUs;
}

async function motionOf(camera: string, { fromUs, toUs }: Span): Promise<Motion> {
  const query = new URLSearchParams({ fromUs: String(fromUs), toUs: String(toUs) });
  const path = `api/cameras/${encodeURIComponent(camera)}/motion?${query.toString()}`;
  const answer = await ask(path, motionAnswer);
  return { fromUs: answer.fromUs, slotUs: answer.slotMs * 1000, levels: answer.levels };
}
