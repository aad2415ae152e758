import type { JSX } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { cameraNames, cameras, status } from '../data/cameras.ts';
import { askForAreas } from '../data/areas.ts';
import { Drawing } from '../data/drawing.ts';
import { repeat } from '../data/repeat.ts';
import { freshName, leastPoints, type Shape, type ShapeKind } from '../data/shapes.ts';
import { Board } from '../parts/board.tsx';
import { Empty } from '../parts/empty.tsx';
import { IconButton } from '../parts/icon-button.tsx';
import { Icon } from '../parts/icons.tsx';
import { LatestPicture } from '../parts/latest-picture.tsx';
import { Select } from '../parts/select.tsx';
import { go } from '../router.ts';
import { words } from '../words/words.ts';
import { ShapeList } from './shape-list.tsx';
import { CamerasNotice } from './wall.tsx';
import { ZonesText } from './zones-text.tsx';

const USUAL_ASPECT = 16 / 9;
const PICTURE_MS = 3000;
const PRESENT_MS = 3000;

/** Zones, masks and lines, drawn over a camera's picture, and the text that puts them into the config. */
export function Zones({ camera: asked }: { camera: string }): JSX.Element {
  const { zones: say, cameras: sayCameras } = words.value;
  const names = (cameras.value ?? []).map(({ id }) => id);
  const camera = asked === '' ? (names[0] ?? cameraNames.value[0] ?? '') : asked;
  const known = cameras.value !== undefined && status.value !== undefined;
  return (
    <section aria-labelledby="zones-title">
      <div class="section-head">
        <h1 class="page-title" id="zones-title">
          {say.title}
        </h1>
        {camera !== '' && (
          <Select
            label={say.camera}
            value={camera}
            choices={[...new Set([...names, camera])].map((name) => [name, name])}
            onChoose={(chosen) => go({ view: 'zones', camera: chosen })}
          />
        )}
      </div>
      <p class="notice">{say.lead}</p>
      <CamerasNotice />
      {camera === '' && known && <Empty title={sayCameras.none} text={sayCameras.noneHint} waiting />}
      {camera !== '' && <Editor key={camera} camera={camera} />}
    </section>
  );
}

function Editor({ camera }: { camera: string }): JSX.Element {
  const { zones: say } = words.value;
  const drawing = useMemo(() => new Drawing(camera), [camera]);
  const [chosen, choose] = useState<number | undefined>(undefined);
  const [adding, setAdding] = useState(false);
  const [size, setSize] = useState<{ width: number; height: number } | undefined>(undefined);
  const [unknown, setUnknown] = useState<string | undefined>(undefined);
  useEffect(() => {
    // Asked again and again: so one sees when what was drawn has come into force.
    const asking = repeat(
      () => PRESENT_MS,
      async () => {
        const areas = await askForAreas(camera);
        if ('shapes' in areas) drawing.takePresent(areas.shapes);
        setUnknown('unknown' in areas ? areas.unknown : undefined);
      },
    );
    return asking.stop;
  }, [camera, drawing]);
  const shapes = drawing.shapes.value;
  const shape = shapes.find(({ key }) => key === chosen);
  const replace = (next: Shape, moving = false): void => {
    drawing.change(
      shapes.map((each) => (each.key === next.key ? next : each)),
      moving,
    );
  };
  const add = (kind: ShapeKind): void => {
    const key = drawing.newKey();
    drawing.change([...finished(shapes), { key, kind, name: freshName(kind, shapes), points: [], more: {} }]);
    choose(key);
    setAdding(true);
    document.querySelector<SVGElement>('.board svg')?.focus();
  };
  const finish = (): void => {
    setAdding(false);
    if (finished(shapes).length < shapes.length) {
      drawing.change(finished(shapes));
      choose(undefined);
    }
  };
  return (
    <div
      class="editor"
      onKeyDown={(press) => {
        if (!press.ctrlKey && !press.metaKey) return;
        if (press.target instanceof HTMLInputElement) return;
        const key = press.key.toLowerCase();
        if (key === 'z' && !press.shiftKey) drawing.undo();
        else if (key === 'y' || key === 'z') drawing.redo();
        else return;
        press.preventDefault();
      }}
    >
      <div class="editor-board">
        <Board
          label={say.board(camera)}
          aspect={size === undefined ? USUAL_ASPECT : size.width / size.height}
          shapes={shapes}
          chosen={chosen}
          drawing={adding}
          onChoose={choose}
          onChange={replace}
          onSettle={() => drawing.settle()}
          onFinish={finish}
        >
          <LatestPicture
            url={`api/cameras/${encodeURIComponent(camera)}/frame.jpg`}
            everyMs={PICTURE_MS}
            alt=""
            class="live-picture"
            onPicture={setSize}
          />
        </Board>
        <p class="hint" role="status">
          {adding && shape !== undefined
            ? say.drawing(shape.name)
            : size === undefined
              ? say.noPicture
              : say.keys}
        </p>
        <div class="actions">
          {adding ? (
            <button class="button button-strong" type="button" onClick={finish}>
              <Icon name="check" />
              {say.finish}
            </button>
          ) : (
            <>
              <AddButton text={say.addZone} onClick={() => add('zone')} />
              <AddButton text={say.addMask} onClick={() => add('mask')} />
              <AddButton text={say.addLine} onClick={() => add('line')} />
            </>
          )}
          <IconButton
            name="undo"
            label={say.undo}
            disabled={!drawing.canUndo.value}
            onClick={() => drawing.undo()}
          />
          <IconButton
            name="redo"
            label={say.redo}
            disabled={!drawing.canRedo.value}
            onClick={() => drawing.redo()}
          />
        </div>
      </div>
      <div class="editor-side">
        <ShapeList
          shapes={shapes}
          chosen={chosen}
          onChoose={(key) => {
            finish();
            choose(key);
          }}
          onChange={replace}
          onRemove={(key) => {
            setAdding(false);
            drawing.change(shapes.filter((each) => each.key !== key));
            choose(undefined);
          }}
        />
        {unknown !== undefined && <p class="hint">{say.unknown(unknown)}</p>}
        <ZonesText camera={camera} drawing={drawing} />
      </div>
    </div>
  );
}

/** Those with all the corners that they need: one that was begun and left is dropped. */
function finished(shapes: readonly Shape[]): readonly Shape[] {
  return shapes.filter(({ kind, points }) => points.length >= leastPoints[kind]);
}

function AddButton({ text, onClick }: { text: string; onClick: () => void }): JSX.Element {
  return (
    <button class="button" type="button" onClick={onClick}>
      <Icon name="plus" />
      {text}
    </button>
  );
}
