import type { JSX } from 'preact';
import type { CameraView } from '../api.ts';
import { cameras, camerasFault, samples, status } from '../data/cameras.ts';
import { dropsOf } from '../data/samples.ts';
import { stateText } from '../parts/camera-tile.tsx';
import { Empty } from '../parts/empty.tsx';
import { Graph } from '../parts/graph.tsx';
import { Link } from '../parts/link.tsx';
import { agoText, bytesText, durationText, numberText } from '../words/format.ts';
import { words } from '../words/words.ts';
import { CamerasNotice } from './wall.tsx';

/** How every camera and what it needs are doing, and why one is not. */
export function Health(): JSX.Element {
  const { health: say, cameras: sayCameras } = words.value;
  const list = cameras.value;
  const live = (list ?? []).filter(({ state }) => state === 'streaming').length;
  return (
    <>
      <section aria-labelledby="health-title">
        <h1 class="page-title" id="health-title">
          {say.title}
        </h1>
        {list !== undefined && list.length > 0 && <p class="notice">{say.summary(live, list.length)}</p>}
        <CamerasNotice />
        {list?.length === 0 && camerasFault.value === undefined && (
          <Empty title={sayCameras.none} text={sayCameras.noneYet} waiting />
        )}
        <ul class="health">
          {(list ?? []).map((camera) => (
            <CameraHealth key={camera.id} camera={camera} />
          ))}
        </ul>
      </section>
      <System />
    </>
  );
}

function CameraHealth({ camera }: { camera: CameraView }): JSX.Element {
  const { health: say, states, cameras: sayCameras } = words.value;
  const series = samples.value.get(camera.id) ?? [];
  const first = series[0]?.atMs ?? 0;
  const since = say.since(durationText((series.at(-1)?.atMs ?? 0) - first));
  const drops = dropsOf(series);
  const { lastFrameAgeMs, framesPerSecond } = camera;
  return (
    <li class="panel" data-camera={camera.id}>
      <div class="panel-head">
        <h2>
          <Link to={{ view: 'camera', camera: camera.id }}>{camera.id}</Link>
        </h2>
        <p class="state" data-state={camera.state}>
          <span class="dot" aria-hidden="true" />
          {stateText(camera.state, states)}
        </p>
        <p class="hint">{say.agent(camera.agent)}</p>
      </div>
      {camera.cause !== undefined && (
        <p class="cause" data-state={camera.state}>
          {camera.cause}
        </p>
      )}
      <div class="graphs">
        <Graph
          name={say.frames}
          now={framesPerSecond === undefined ? '–' : numberText(framesPerSecond, 1)}
          span={since}
          values={series.map((sample) => sample.framesPerSecond)}
          least={5}
        />
        <Graph
          name={say.drops}
          now={numberText(drops.reduce((sum, count) => sum + count, 0))}
          span={since}
          values={drops}
          least={1}
          kind={drops.some((count) => count > 0) ? 'bad' : 'none'}
        />
      </div>
      <dl class="facts">
        <Fact
          name={say.lastPicture}
          value={lastFrameAgeMs === undefined ? sayCameras.noPicture : agoText(lastFrameAgeMs)}
        />
        <Fact name={say.restarts} value={say.times(camera.restarts)} />
        {camera.decoding !== undefined && <Fact name={say.decoding} value={camera.decoding} />}
        {camera.bytesSentLastHour !== undefined && (
          <Fact name={say.sent} value={bytesText(camera.bytesSentLastHour)} />
        )}
        <Fact
          name={say.ring}
          value={say.ringText(durationText(camera.ring.spanMs), bytesText(camera.ring.bytes))}
        />
        {camera.ring.pinnedBytes !== undefined && camera.ring.pinnedBytes > 0 && (
          <Fact name={say.pinned} value={bytesText(camera.ring.pinnedBytes)} />
        )}
        {camera.ring.bytesWrittenLastHour !== undefined && (
          <Fact name={say.written} value={bytesText(camera.ring.bytesWrittenLastHour)} />
        )}
      </dl>
      {camera.dropped.length > 0 && (
        <ul class="notes">
          {camera.dropped.map(({ reason, frames }) => (
            <li key={reason}>{say.dropsLine(frames, say.dropReasons[reason] ?? reason)}</li>
          ))}
        </ul>
      )}
    </li>
  );
}

function Fact({ name, value }: { name: string; value: string }): JSX.Element {
  return (
    <div>
      <dt>{name}</dt>
      <dd class="number">{value}</dd>
    </div>
  );
}

function System(): JSX.Element | null {
  const { health: say } = words.value;
  const about = status.value;
  if (about === undefined) return null;
  const { store, messaging, events } = about;
  return (
    <section class="latest" aria-labelledby="system-title">
      <h2 id="system-title">{say.system}</h2>
      <div class="panel">
        <dl class="facts">
          <Fact name={say.store} value={`${store.description}: ${store.notice ?? say.reached}`} />
          <Fact
            name={say.messaging}
            value={messaging.connected ? say.connected : (messaging.notice ?? '–')}
          />
          <Fact name={say.listed} value={numberText(events.listed)} />
          <Fact name={say.software} value={`${about.software}, Node ${about.node}`} />
        </dl>
        {events.unreadable > 0 && <p class="cause">{say.unreadable(events.unreadable)}</p>}
      </div>
    </section>
  );
}
