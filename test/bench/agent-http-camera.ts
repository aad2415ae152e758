import { spawn } from 'node:child_process';
import { createServer } from 'node:http';

/**
 * A camera over HTTP, as a program of its own, since it runs in a network namespace: serves a recording in real time as
 * MPEG-TS to each client. Arguments: address, port, recording. Prints "ready" once clients can connect.
 */
const [address = '127.0.0.1', port = '0', video = ''] = process.argv.slice(2);

const server = createServer((_request, response) => {
  const input = ['-v', 'error', '-nostdin', '-re', '-stream_loop', '-1', '-i', video];
  const ffmpeg = spawn('ffmpeg', [...input, '-c', 'copy', '-f', 'mpegts', 'pipe:1'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  response.writeHead(200, { 'Content-Type': 'video/mp2t' });
  ffmpeg.stdout.pipe(response);
  response.once('close', () => ffmpeg.kill('SIGKILL'));
});
server.listen(Number(port), address, () => process.stdout.write('ready\n'));
// Its parent is gone.
process.stdin.resume().once('end', () => process.exit(0));
