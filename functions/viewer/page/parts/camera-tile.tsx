import type { JSX } from 'preact';
import type { CameraView } from '../api.ts';
import { agoText } from '../words/format.ts';
import { words } from '../words/words.ts';
import { Link } from './link.tsx';
import { LiveView } from './live-view.tsx';

const EVERY_MS = 1000;
/** Later than this, a picture of a camera that streams is worth a word. */
const LATE_MS = 5000;

/** A camera on the wall: its newest picture, its state, and why it does not stream. */
export function CameraTile({ camera }: { camera: CameraView }): JSX.Element {
  const { cameras: say, states } = words.value;
  const state = stateText(camera.state, states);
  const { lastFrameAgeMs, cause } = camera;
  const age = lastFrameAgeMs === undefined ? say.noPicture : say.lastPicture(agoText(lastFrameAgeMs));
  const late = lastFrameAgeMs === undefined || lastFrameAgeMs > LATE_MS;
  const detail = camera.state === 'streaming' && !late ? undefined : (cause ?? age);
  return (
    <li>
      <div class="tile-box" data-state={camera.state}>
        <Link
          to={{ view: 'camera', camera: camera.id }}
          class="tile"
          label={[say.open(camera.id, state), detail].filter((part) => part !== undefined).join(': ')}
          title={`${camera.id}: ${cause ?? age}`}
        >
          {camera.state !== 'offline' && (
            <LiveView camera={camera} everyMs={EVERY_MS} alt="" class="tile-picture" />
          )}
          <span class="tile-words">
            <span class="tile-name">{camera.id}</span>
            <span class="tile-line">
              <span class="dot" aria-hidden="true" />
              {state}
            </span>
            {detail !== undefined && <span class="tile-detail">{detail}</span>}
          </span>
        </Link>
      </div>
    </li>
  );
}

export function stateText(state: string, names: Record<string, string>): string {
  return names[state] ?? state;
}
