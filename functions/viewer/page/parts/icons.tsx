import type { JSX } from 'preact';

/** Line icons of our own, drawn in a box of 24 by 24. */
const lines = {
  live: 'M3 7.5A2.5 2.5 0 0 1 5.5 5h8A2.5 2.5 0 0 1 16 7.5v9a2.5 2.5 0 0 1-2.5 2.5h-8A2.5 2.5 0 0 1 3 16.5zM16 10.5l5-3v9l-5-3',
  events: 'M4 5h16v14H4zM4 9.5h16M8 5v14M16 5v14',
  timeline: 'M3 12h18M7 8v8M12 5v14M17 9.5v5',
  health: 'M3 12.5h4l2.5-6 4 12 2.5-6h5',
  zones: 'M5 7.5 13 4l6.5 5.5-2 9L6 19.5zM5 7.5v.01M13 4v.01M19.5 9.5v.01M17.5 18.5v.01M6 19.5v.01',
  settings: 'M4 7h9M17 7h3M4 17h3M11 17h9M15 4.7v4.6M9 14.7v4.6',
  user: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20.5a7.5 7.5 0 0 1 15 0',
  close: 'M6 6l12 12M18 6 6 18',
  newer: 'M14.5 5 8 12l6.5 7',
  older: 'M9.5 5 16 12l-6.5 7',
  back: 'M11 5l-7 7 7 7M4 12h16',
  play: 'M8 5.5v13l10.5-6.5z',
  pause: 'M8.5 5.5v13M15.5 5.5v13',
  frameBack: 'M17 6.5v11L8.5 12zM6 6v12',
  frameOn: 'M7 6.5v11L15.5 12zM18 6v12',
  download: 'M12 4v11M7.5 11l4.5 4.5 4.5-4.5M4.5 19.5h15',
  share: 'M12 15V4M8 7.5 12 4l4 3.5M6 11.5v8h12v-8',
  keep: 'M7 4h10v16.5l-5-4-5 4z',
  trash: 'M5 7h14M9.5 7V4.5h5V7M7 7l.8 12.5h8.4L17 7M10.5 10.5v5.5M13.5 10.5v5.5',
  full: 'M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5',
  sound: 'M4 9.5v5h3.5L12 18.5v-13L7.5 9.5zM15.5 9a4.2 4.2 0 0 1 0 6M18 6.5a7.8 7.8 0 0 1 0 11',
  mute: 'M4 9.5v5h3.5L12 18.5v-13L7.5 9.5zM16 9.5l5 5M21 9.5l-5 5',
  boxes: 'M4.5 8.5h9v11h-9zM16.5 4.5h3v3M16.5 13.5h3v-3M9.5 5.5v-1h3',
  plus: 'M12 5v14M5 12h14',
  minus: 'M5 12h14',
  undo: 'M8 5 4 9l4 4M4 9h10a5.5 5.5 0 0 1 0 11h-3',
  redo: 'M16 5l4 4-4 4M20 9H10a5.5 5.5 0 0 0 0 11h3',
  copy: 'M8.5 8.5h11v11h-11zM15.5 8.5v-4h-11v11h4',
  filter: 'M4 6h16M7 12h10M10 18h4',
  check: 'M5 12.5l4.5 4.5L19 7',
  noPicture:
    'M4 7h10a2 2 0 0 1 2 2v6a2 2 0 0 1-2 2H4a2 2 0 0 1-2-2V9a2 2 0 0 1 2-2Zm12 4 5-3v8l-5-3M3 3l18 18',
  eye: 'M2.5 12C5 7.5 8.3 5.5 12 5.5s7 2 9.5 6.5c-2.5 4.5-5.8 6.5-9.5 6.5S5 16.5 2.5 12zM12 14.8a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6z',
} as const;
export type IconName = keyof typeof lines;

export function Icon({ name }: { name: IconName }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={lines[name]} />
    </svg>
  );
}

export function Brand(): JSX.Element {
  return (
    <svg class="brand-mark" viewBox="0 0 32 32" aria-hidden="true">
      <rect x="2" y="6" width="28" height="20" rx="7" />
      <circle cx="16" cy="16" r="6.5" />
      <circle class="brand-spark" cx="16" cy="16" r="2.6" />
    </svg>
  );
}
