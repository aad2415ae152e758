import { cameras } from './en/cameras.ts';
import { events } from './en/events.ts';
import { frame } from './en/frame.ts';

/** English, and with it the shape that every language has to fill. What is said with values in it is a function. */
export const en = { ...frame, ...cameras, ...events };

export type Words = typeof en;
