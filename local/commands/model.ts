import { stat } from 'node:fs/promises';
import { FaascamError, systemCodeOf, UsageError } from '@faascam/core/errors';
import { detectSettings } from '@faascam/core/settings';
import { loadDetector } from '@faascam/detect/detector';
import { listModels, pullModel, resolveModel } from '@faascam/detect/registry';
import { readFile } from 'node:fs/promises';
import { modelDirectoryOf } from '../model-choice.ts';
import { configOf, type CommandLine } from '../quick-config.ts';
import { print, progress } from '../terminal.ts';

/** `faascam model list`: the models of models.json and whether each is here. */
export async function modelList(line: CommandLine, json: boolean): Promise<void> {
  const models = await listModels(modelDirectoryOf(configOf(line)));
  if (json) {
    print(JSON.stringify(models));
    return;
  }
  for (const { name, title, licence, present } of models) {
    print(
      `${name.padEnd(16)} ${(present ? 'here' : 'not pulled').padEnd(12)} ${licence.padEnd(12)} ${title}`,
    );
  }
}

/** `faascam model pull NAME`. */
export async function modelPull(name: string, line: CommandLine, signal: AbortSignal): Promise<void> {
  const bar = progress(`Downloading ${name}`, 'kB');
  const model = await pullModel(name, modelDirectoryOf(configOf(line)), {
    signal,
    onProgress: ({ receivedBytes, totalBytes }) => bar.update(receivedBytes / 1024, totalBytes / 1024),
  });
  bar.end();
  print(`${name}: ${model.path} (sha256 ${model.sha256})`);
}

/** `faascam model check NAME|FILE`: loads it, runs it once, tells its layout; with a picture, what it sees there. */
export async function modelCheck(name: string, line: CommandLine, picture?: string): Promise<void> {
  const model = await resolveModel(name, modelDirectoryOf(configOf(line)));
  const detector = await loadDetector(model, detectSettings.parse(undefined));
  try {
    const { family, width, height } = detector.layout;
    const demo = model.demo ? ', a demo model that knows only the demo scene' : '';
    print(`${model.name}: ${family}, input ${width}x${height}, ${detector.labels.length} labels${demo}`);
    if (picture === undefined) return;
    for (const { label, score, box } of await detector.detect(await readPicture(picture))) {
      print(`${label} ${score.toFixed(3)} at ${box.map((side) => side.toFixed(4)).join(' ')}`);
    }
  } finally {
    await detector.close();
  }
}

async function readPicture(path: string): Promise<Buffer> {
  try {
    if (!(await stat(path)).isFile()) throw new UsageError('usage', `${path} is no file.`);
    return await readFile(path);
  } catch (cause) {
    if (cause instanceof FaascamError) throw cause;
    throw new FaascamError(
      'no-picture',
      `The picture ${path} cannot be read (${systemCodeOf(cause) ?? 'unknown fault'}): check the path.`,
      { cause },
    );
  }
}
