import type { JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { cameras } from '../data/cameras.ts';
import { stateText } from '../parts/camera-tile.tsx';
import { Empty } from '../parts/empty.tsx';
import { Icon } from '../parts/icons.tsx';
import { Link } from '../parts/link.tsx';
import { LiveView } from '../parts/live-view.tsx';
import { SoundButton, SoundFault, useHearing } from '../parts/sound-button.tsx';
import { searchOf, noFilter } from '../data/filters.ts';
import { keepValue, keptValue, words } from '../words/words.ts';
import { ExportFootage, lastMinute } from './export-footage.tsx';
import { CamerasNotice } from './wall.tsx';

const EVERY_MS = 400;
const BOXES_KEY = 'faascam.boxes';

/** One camera, as large as the screen allows. */
export function Camera({ name }: { name: string }): JSX.Element {
  const { cameras: say, states, paths } = words.value;
  const stage = useRef<HTMLDivElement>(null);
  const [path, setPath] = useState<string | undefined>(undefined);
  const [boxes, setBoxes] = useState(() => keptValue(BOXES_KEY) === '1');
  const hearing = useHearing();
  const list = cameras.value;
  const camera = list?.find(({ id }) => id === name);
  if (camera === undefined) {
    return (
      <>
        <h1 class="page-title">{name}</h1>
        <CamerasNotice />
        {list !== undefined && <Empty title={say.unknown(name)} text={say.unknownHint} />}
      </>
    );
  }
  return (
    <section class="single" aria-labelledby="camera-title">
      <div class="section-head">
        <Link to={{ view: 'live' }} class="icon-button" label={say.back} title={say.back}>
          <Icon name="back" />
        </Link>
        <h1 class="page-title" id="camera-title">
          {camera.id}
        </h1>
        <p class="state" data-state={camera.state}>
          <span class="dot" aria-hidden="true" />
          {stateText(camera.state, states)}
          {camera.state === 'streaming' && path !== undefined && <span>{say.path(paths[path] ?? path)}</span>}
        </p>
      </div>
      <div class="live-stage" data-state={camera.state} ref={stage}>
        {camera.state !== 'offline' && (
          <LiveView
            camera={camera}
            everyMs={EVERY_MS}
            alt={say.picture(camera.id)}
            class="live-picture"
            onPath={setPath}
            boxes={boxes}
            sound={hearing.wanted}
            onSound={hearing.told}
          />
        )}
        {camera.cause !== undefined && <p class="stage-fault">{camera.cause}</p>}
        <SoundFault hearing={hearing} />
        <div class="stage-tools">
          <SoundButton hearing={hearing} />
          <button
            class="icon-button"
            type="button"
            title={say.boxesHint}
            aria-label={say.boxes}
            aria-pressed={boxes}
            onClick={() => {
              keepValue(BOXES_KEY, boxes ? '0' : '1');
              setBoxes(!boxes);
            }}
          >
            <Icon name="boxes" />
          </button>
          <button
            class="icon-button"
            type="button"
            title={say.fullScreen}
            aria-label={say.fullScreen}
            onClick={() => void toggleFullScreen(stage.current)}
          >
            <Icon name="full" />
          </button>
        </div>
      </div>
      <div class="actions">
        <Link to={{ view: 'events' }} query={searchOf({ ...noFilter, camera: camera.id }, '')} class="button">
          <Icon name="events" />
          {say.eventsOf}
        </Link>
        <Link to={{ view: 'timeline', camera: camera.id }} class="button">
          <Icon name="timeline" />
          {say.timelineOf}
        </Link>
        <Link to={{ view: 'zones', camera: camera.id }} class="button">
          <Icon name="zones" />
          {say.zonesOf}
        </Link>
        <ExportFootage camera={camera.id} range={lastMinute} />
      </div>
    </section>
  );
}

async function toggleFullScreen(stage: HTMLElement | null): Promise<void> {
  try {
    if (document.fullscreenElement === null) await stage?.requestFullscreen();
    else await document.exitFullscreen();
  } catch {
    // A phone that has none for this element shows it as large as it can already.
  }
}
