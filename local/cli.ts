import { Command, InvalidArgumentError } from 'commander';
import { addAgentCommands } from './agent-cli.ts';
import { addEventCommands } from './clips-cli.ts';
import type { DetectCommand } from './commands/detect.ts';
import type { MotionCommand } from './commands/motion.ts';
import type { NatsAuthCommand } from './commands/nats-auth.ts';
import type { ReplayCommand } from './commands/replay.ts';
import type { VerifyCommand } from './commands/verify.ts';
import { addDeadLetterCommands } from './deadletters-cli.ts';
import { addNotifyCommands } from './notify-cli.ts';
import type { CommandLine } from './quick-config.ts';
import { runProgram, stoppable } from './run-program.ts';
import { withSiteOptions } from './site-options.ts';
import { withStoreOptions } from './store-choice.ts';
import { addTrialCommands } from './trial-cli.ts';
import { addUserCommands } from './user-cli.ts';

/** Loaded when asked for: an agent on a small host needs neither detectors nor picture libraries in memory. */
const commands = {
  detect: () => import('./commands/detect.ts'),
  model: () => import('./commands/model.ts'),
  natsAuth: () => import('./commands/nats-auth.ts'),
  motion: () => import('./commands/motion.ts'),
  replay: () => import('./commands/replay.ts'),
  up: () => import('./commands/up.ts'),
  verify: () => import('./commands/verify.ts'),
};

function port(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > 65_535) throw new InvalidArgumentError('not a port.');
  return value;
}

/** Options that may be given several times. */
function several(text: string, others: string[] = []): string[] {
  return [...others, text];
}

function share(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 1))
    throw new InvalidArgumentError('not within 0 and 1.');
  return value;
}

function program(): Command {
  const faascam = new Command('faascam')
    .description('Cameras turned into searchable, verified clips by serverless functions.')
    .version('0.1.0')
    .showHelpAfterError('(faascam --help shows what there is)')
    .exitOverride();

  faascam
    .command('up')
    .description('run everything on this machine: agent, NATS, functions, page')
    .argument('[source]', 'camera: rtsp://user:password@host/path, file:video.mp4 or demo: (default)')
    .option('-c, --config <file>', 'faascam.yml instead of a source')
    .option('-d, --data <dir>', 'data folder (default: faascam-data)')
    .option('-p, --port <port>', "the page's port (default: 8080)", port)
    .option('-m, --model <name|file>', 'detector: a name of "faascam model list" or an ONNX file')
    .action(async (source: string | undefined, options: CommandLine) => {
      await (await commands.up()).up({ ...options, source }, stoppable(options.config));
    });

  faascam
    .command('replay')
    .description('run recordings through the whole pipeline as fast as the machine allows')
    .argument('<video...>', 'recordings that ffmpeg can read')
    .option('-j, --json <file|->', 'write the events as JSON; - is stdout')
    .option('-d, --data <dir>', 'where clips go (default: a new temporary folder)')
    .option('-m, --model <name|file>', 'detector: a name of "faascam model list" or an ONNX file')
    .option('-c, --config <file>', 'settings from a faascam.yml')
    .option('--camera <id>', "the camera's id (default: made from the file's name)")
    .option('--start <time>', 'when the recording began, ISO 8601 (default: 2000-01-01T00:00:00Z)')
    .option(
      '--truth <file...>',
      'what is truly in each recording (docs/events.md), to be compared with the events',
    )
    .action(async (recordings: string[], options: Omit<ReplayCommand, 'recordings'>) => {
      await (await commands.replay()).replay({ ...options, recordings }, stoppable());
    });

  addAgentCommands(faascam);

  const model = faascam.command('model').description('detector models');
  const modelOptions = (command: Command): Command =>
    withSiteOptions(command).option(
      '--models <dir>',
      'folder of downloaded models (default: models in the data folder)',
    );
  modelOptions(model.command('list').description('what there is'))
    .option('--json', 'as JSON')
    .action(async (options: CommandLine & { json?: boolean }) =>
      (await commands.model()).modelList(options, options.json ?? false),
    );
  modelOptions(model.command('pull').description('download a model').argument('<name>')).action(
    async (name: string, options: CommandLine) =>
      (await commands.model()).modelPull(name, options, stoppable()),
  );
  modelOptions(
    model
      .command('check')
      .description('load a model and tell what it is')
      .argument('<name|file>')
      .argument('[picture]', 'tell what it sees there'),
  ).action(async (name: string, picture: string | undefined, options: CommandLine) =>
    (await commands.model()).modelCheck(name, options, picture),
  );

  faascam
    .command('detect')
    .description('what a detector sees in pictures, each looked at as a whole unless --regions is given')
    .argument('<image...>', 'JPEG, PNG or WebP files')
    .option('-m, --model <name|file>', 'detector: a name of "faascam model list" or an ONNX file')
    .option('--min-score <score>', 'leave out what scores less, 0 to 1 (default: 0.4)', share)
    .option('--regions', 'look at overlapping parts in full resolution as well, for what is far away')
    .option('-j, --json <file|->', 'write what was seen as JSON; - is stdout')
    .option('-c, --config <file>', 'settings from a faascam.yml')
    .option('-d, --data <dir>', 'data folder (default: faascam-data)')
    .option('--models <dir>', 'folder of downloaded models (default: models in the data folder)')
    .action(async (images: string[], options: DetectCommand) =>
      (await commands.detect()).detect(images, options, stoppable()),
    );

  faascam
    .command('motion')
    .description('what moves in each frame of a recording')
    .argument('<video>', 'recording that ffmpeg can read')
    .option('-j, --json <file|->', 'write each frame as JSON; - is stdout')
    .option('--masks <dir>', "write each frame's foreground as a PNG at the model's grid")
    .action(async (video: string, options: MotionCommand) =>
      (await commands.motion()).motion(video, options, stoppable()),
    );

  faascam
    .command('nats-auth')
    .description('give each part its own user and rights on NATS (docs/security.md)')
    .argument(
      '[folder]',
      'where keys and auth.conf for nats-server go, and what is known of them',
      'nats-auth',
    )
    .option('-a, --agent <id:cameras>', 'an agent and its cameras: pi-yard:yard,door', several)
    .option('--stream <name>', 'a stream of your own functions, for the connector to read', several)
    .option('--remove <agent>', 'let an agent in no more', several)
    .option('--rotate <user>', 'give a user a new key: motion, connector, agent-pi-yard ...', several)
    .action(async (folder: string, options: NatsAuthCommand) =>
      (await commands.natsAuth()).natsAuth(folder, options),
    );

  addUserCommands(faascam);
  addEventCommands(faascam, () => stoppable());
  addDeadLetterCommands(faascam, () => stoppable());
  addNotifyCommands(faascam);
  addTrialCommands(faascam, () => stoppable());

  withStoreOptions(
    faascam
      .command('verify')
      .description('check clips, receipts, signatures and chains of events, offline (docs/evidence.md)')
      .argument('[place]', "folder of clips, an event's folder or event.json, or s3://bucket[/prefix]"),
  )
    .option(
      '-k, --key <key|file>',
      'public key of an agent that may sign: its evidence/agent-key.pub',
      several,
    )
    .option(
      '--from <[camera=]number>',
      'oldest link that must be there, where older events were let go',
      several,
    )
    .option('--allow-unsigned', 'let events pass that are older than the first signed one of their camera')
    .option('--live', 'ask the agents, over NATS, for their newest events')
    .option('-n, --nats <url>', 'nats://user:password@host:4222')
    .option('--head <file>', "an agent's health, as it was told, for its newest events", several)
    .option('-j, --json <file|->', 'write what was found as JSON; - is stdout')
    .action(async (place: string | undefined, options: VerifyCommand) =>
      (await commands.verify()).verify(place, options, stoppable()),
    );
  return faascam;
}

await runProgram(program());
