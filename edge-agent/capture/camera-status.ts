import type { AgentHealth } from '@faascam/core/messages';

/** What is known of a camera right now. One recorder writes it, health reads it. */
export interface CameraStatus {
  state: AgentHealth['cameras'][string]['state'];
  /** Why it does not stream. */
  cause?: string | undefined;
  /** Sessions after the first. */
  restarts: number;
  lastFrameAtUs?: number | undefined;
}
