import type { AgentHealth } from '@faascam/core/messages';

/** What is known of a camera right now. One recorder writes it, health reads it. */
export interface CameraStatus {
  state: AgentHealth['cameras'][string]['state'];
  /** Why it does not stream. */
  cause?: string | undefined;
  /** Its stable name, for programs. */
  causeCode?: string | undefined;
  /** How frames are made: every picture decoded, keyframes only, or JPEG passed on; and by what if not the processor. */
  decoding?: { mode: 'all' | 'keyframes' | 'pass-through'; hardware?: string } | undefined;
  /** Whether something happens, by the agent's own eyes or the functions' word. */
  active: boolean;
  /** Frames looked at in the last seconds, a second. */
  framesPerSecond: number;
  /** Sessions after the first. */
  restarts: number;
  lastFrameAtUs?: number | undefined;
}
