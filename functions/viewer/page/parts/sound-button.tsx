import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { LiveSound } from '../live-way.ts';
import { words } from '../words/words.ts';
import { Icon } from './icons.tsx';

/** Whether one wants to hear a camera, and what became of that. */
export interface Hearing {
  wanted: boolean;
  want: (wanted: boolean) => void;
  sound: LiveSound | undefined;
  told: (sound: LiveSound) => void;
}

/** At first nothing is heard. */
export function useHearing(): Hearing {
  const [wanted, setWanted] = useState(false);
  const [sound, told] = useState<LiveSound | undefined>(undefined);
  const want = (next: boolean): void => {
    setWanted(next);
    told(undefined);
  };
  return { wanted, want, sound, told };
}

/** Switches the sound of a live camera on and off. */
export function SoundButton({ hearing: { wanted, want } }: { hearing: Hearing }): JSX.Element {
  const { sound: say } = words.value;
  return (
    <button
      class="icon-button"
      type="button"
      title={say.name}
      aria-label={say.name}
      aria-pressed={wanted}
      onClick={() => {
        want(!wanted);
      }}
    >
      <Icon name={wanted ? 'sound' : 'mute'} />
    </button>
  );
}

/** Why one hears nothing, where sound is wanted. */
export function SoundFault({ hearing: { wanted, sound } }: { hearing: Hearing }): JSX.Element | null {
  if (!wanted || sound === undefined || sound.state === 'plays') return null;
  const { sound: say } = words.value;
  return (
    <p class="stage-note" role="status">
      {sound.state === 'foreign' || sound.state === 'unplayable'
        ? say[sound.state](sound.codec ?? '')
        : say[sound.state]}
    </p>
  );
}
