import { freemem, uptime } from 'node:os';
import type { AgentHealth } from '@faascam/core/messages';

/** What the agent costs its host. */
export class HostUse {
  #cpu = process.cpuUsage();
  #atMs = performance.now();

  /** Processor use is that since the last call. */
  read(): NonNullable<AgentHealth['host']> {
    const used = process.cpuUsage(this.#cpu);
    const nowMs = performance.now();
    const passedUs = Math.max(1, (nowMs - this.#atMs) * 1000);
    this.#cpu = process.cpuUsage();
    this.#atMs = nowMs;
    return {
      uptimeMs: Math.round(uptime() * 1000),
      agentUptimeMs: Math.round(process.uptime() * 1000),
      cpu: Math.round(((used.user + used.system) / passedUs) * 1000) / 1000,
      memoryBytes: process.memoryUsage.rss(),
      freeMemoryBytes: freemem(),
    };
  }
}
