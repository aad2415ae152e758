import { spawn } from 'node:child_process';
import { freeUdpPort } from '@faascam/core/ports';
import { ended } from '@faascam/test-servers/children';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openAgentTest, soon, type AgentTest } from './test-agent.ts';
import { settingsOf } from './test-site.ts';

let agents: AgentTest;

beforeAll(async () => {
  agents = await openAgentTest();
});

afterAll(async () => {
  await agents.stopAll();
  await agents.close();
});

test(
  'A camera of an agent is sent on as soon as its config says so, its recording goes on, and health tells',
  { timeout: 90_000 },
  async () => {
    const source = `file:${agents.video}`;
    const agent = agents.start({ yard: source });
    await vi.waitFor(async () => expect((await agents.health())['yard']?.state).toBe('streaming'), soon);
    const recording = agents.ffmpegOf('yard');
    const to = `udp://127.0.0.1:${await freeUdpPort()}`;
    const receiver = spawn(
      'ffmpeg',
      ['-nostdin', '-v', 'error', '-f', 'mpegts', '-i', to, '-frames:v', '10', '-f', 'null', '-'],
      { stdio: 'ignore' },
    );
    const received = ended(receiver);
    try {
      await agent.apply({ yard: settingsOf(source, { restream: [{ to }] }) });
      await received;
      expect(receiver.exitCode).toBe(0);
      await vi.waitFor(async () => {
        const health = (await agents.health())['yard'];
        expect(health?.restream).toEqual([{ to, state: 'streaming', restarts: 0 }]);
      }, soon);
      expect(agents.ffmpegOf('yard')).toEqual(recording);
    } finally {
      receiver.kill('SIGKILL');
      await received;
    }
  },
);
