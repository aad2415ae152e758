import { cameras } from './de/cameras.ts';
import { events } from './de/events.ts';
import { frame } from './de/frame.ts';
import type { Words } from './en.ts';

export const de: Words = { ...frame, ...cameras, ...events };
