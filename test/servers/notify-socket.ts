import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** What systemd would hear of a service: stands in for its socket (sd_notify(3)). */
export interface NotifySocket {
  /** For `NOTIFY_SOCKET`. */
  readonly path: string;
  /** Messages so far, each with its assignments on one line, such as `STATUS=all is well WATCHDOG=1`. */
  readonly messages: readonly string[];
  stop(): Promise<void>;
}

// Node has no such sockets. A message of BARRIER=1 brings a descriptor whose closing says that it was read.
const LISTENER = `import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('listening')
while True:
    data, fds, _, _ = socket.recv_fds(s, 4096, 4)
    for fd in fds: os.close(fd)
    if data != b'BARRIER=1': print(data.decode().replace('\\n', ' '))`;

export async function openNotifySocket(): Promise<NotifySocket> {
  const directory = await mkdtemp(join(tmpdir(), 'faascam-notify-'));
  const path = join(directory, 'notify');
  const listener = spawn('python3', ['-uc', LISTENER, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(listener, 'exit');
  const messages: string[] = [];
  const lines = createInterface({ input: listener.stdout });
  await once(lines, 'line');
  lines.on('line', (line) => messages.push(line));
  return {
    path,
    messages,
    stop: async () => {
      listener.kill('SIGKILL');
      await ended;
      await rm(directory, { recursive: true });
    },
  };
}
