import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parseConfig } from '@faascam/core/config';
import { runFaascam, startFaascam } from './program.ts';

const scratch = mkdtempSync(join(tmpdir(), 'faascam-command-line-'));
afterAll(() => rmSync(scratch, { recursive: true }));

function configFile(text: string): string {
  const path = join(scratch, 'faascam.yml');
  writeFileSync(path, text);
  return path;
}

describe('the command line', () => {
  it.each([
    ['--help'],
    ['up', '--help'],
    ['replay', '--help'],
    ['check', '--help'],
    ['discover', '--help'],
    ['simulate', '--help'],
    ['latency', '--help'],
    ['model', '--help'],
    ['clips', '--help'],
  ])('helps with %s', async (...args) => {
    const { code, stdout } = await runFaascam(args);
    expect(stdout).toMatch(/^Usage: faascam/);
    expect(code).toBe(0);
  });

  it('ends with 2 for a command that is none', async () => {
    const { code, stderr } = await runFaascam(['dance']);
    expect(stderr).toMatch(/unknown command 'dance'/);
    expect(code).toBe(2);
  });

  it('checks a config and shows no password', async () => {
    const path = configFile('cameras: { yard: { source: "rtsp://cam:s3cret@192.0.2.1/live" } }\n');
    const { code, stdout } = await runFaascam(['check', '--offline', path]);
    expect(stdout).toMatch(/yard: rtsp:\/\/cam:\*\*\*@192\.0\.2\.1\/live/);
    expect(code).toBe(0);
  });

  it('names each mistake of a config with its line', async () => {
    const path = configFile(
      'cameras:\n  yard:\n    source: "demo:"\n    fsp: 3\nmotion: { sensitivity: 11 }\n',
    );
    const { code, stderr } = await runFaascam(['check', path]);
    expect(stderr).toContain(`${path}:4: cameras.yard.fsp: unknown key; allowed here: crop, decode, `);
    expect(stderr).toContain(`${path}:5: motion.sensitivity: `);
    expect(code).toBe(1);
  });

  it('refuses a source that it does not know, and says which it does', async () => {
    const path = configFile('cameras: { yard: { source: "gopher://192.0.2.1/live" } }\n');
    const { code, stdout } = await runFaascam(['check', path]);
    expect(stdout).toMatch(/gopher: is not supported/);
    expect(code).toBe(1);
  });

  it('lists models with their licence, and checks the one that is included', async () => {
    const list = await runFaascam(['model', 'list', '--data', scratch]);
    expect(list.stdout).toMatch(/^faascam-demo\s+here\s+Apache-2\.0\s+Demo model/m);
    expect(list.stdout).toMatch(/^yolox-nano\s+not pulled\s+Apache-2\.0/m);
    const check = await runFaascam(['model', 'check', 'faascam-demo', '--data', scratch]);
    expect(check.stdout).toMatch(/yolox, input 320x192, 2 labels, a demo model/);
  });

  it('wants a NATS server for an agent alone', async () => {
    const { code, stderr } = await runFaascam(['agent', 'demo:', '--data', scratch]);
    expect(stderr).toMatch(/needs a NATS server: give --nats/);
    expect(code).toBe(2);
  });

  it('simulates a camera, shows it as a piece of config, and tells how late its pictures are', async () => {
    const simulation = startFaascam(['simulate', '--time-code', '--port', '0']);
    try {
      await simulation.said(/The cameras are on/);
      const text = simulation.output().replace(/^[^ ].*$/gm, (line) => (line === 'cameras:' ? line : ''));
      expect(parseConfig(text, 'faascam.yml').cameras['test']?.source).toMatch(/^(rtsp|http):/);
      const address = /http:\S+stream\.ts/.exec(text)?.[0] ?? '';
      const { stdout } = await runFaascam(['latency', address, '--seconds', '6', '--json', '-']);
      const report: unknown = JSON.parse(stdout);
      expect(report).toMatchObject({ v: 1, seconds: 6, places: [{ place: address }] });
      expect(stdout).toMatch(/"pictures":[1-9]/);
    } finally {
      await simulation.stop();
    }
  }, 60_000);
});
