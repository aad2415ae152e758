import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Drawing } from '../data/drawing.ts';
import { faultOf } from '../data/shapes.ts';
import { yamlOf } from '../data/shapes-config.ts';
import { Icon } from '../parts/icons.tsx';
import { words } from '../words/words.ts';

/** The text for the config. What it would refuse is not in it. */
export function ZonesText({ camera, drawing }: { camera: string; drawing: Drawing }): JSX.Element {
  const { zones: say } = words.value;
  const shapes = drawing.shapes.value;
  const text = yamlOf(shapes.filter((shape) => faultOf(shape, shapes) === undefined));
  const [copied, setCopied] = useState<string | undefined>(undefined);
  return (
    <section class="panel" aria-labelledby="yaml-title">
      <div class="section-head">
        <h2 id="yaml-title">{say.yaml}</h2>
        {drawing.differs.value && drawing.present.value !== undefined && (
          <span class="badge" data-kind="incomplete">
            {say.dirty}
          </span>
        )}
      </div>
      <p class="hint">{say.under(camera)}</p>
      <pre class="yaml" id="yaml" tabIndex={0} aria-labelledby="yaml-title">
        {text}
      </pre>
      <div class="actions">
        <button
          class="button button-strong"
          type="button"
          onClick={() => {
            void copyText(text).then((done) => setCopied(done ? text : undefined));
          }}
        >
          <Icon name="copy" />
          {say.copy}
        </button>
        {drawing.present.value !== undefined && (
          <button
            class="button"
            type="button"
            disabled={!drawing.differs.value}
            onClick={() => drawing.reset()}
          >
            {say.reset}
          </button>
        )}
        <span class="hint" role="status">
          {copied === text ? say.copied : ''}
        </span>
      </div>
    </section>
  );
}

/** Gives whether the browser let it: only pages over TLS or from this machine may. Else the text is marked to be copied. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const shown = document.getElementById('yaml');
    if (shown !== null) getSelection()?.selectAllChildren(shown);
    return false;
  }
}
