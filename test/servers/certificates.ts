import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Certificate {
  certificateFile: string;
  keyFile: string;
  /** Of the authority that signed it, which nobody else knows. */
  caFile: string;
}

/** A new authority and a certificate of it for `localhost` and 127.0.0.1, as files in a folder, made by openssl. */
export async function makeCertificate(folder: string): Promise<Certificate> {
  const path = (name: string): string => join(folder, name);
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  await run('openssl', [
    ...['req', '-x509', ...newKey, '-keyout', path('ca.key'), '-out', path('ca.pem')],
    ...['-days', '2', '-subj', '/CN=faascam test authority'],
  ]);
  await run('openssl', [
    ...[
      'req',
      ...newKey,
      '-keyout',
      path('server.key'),
      '-out',
      path('server.csr'),
      '-subj',
      '/CN=localhost',
    ],
  ]);
  await writeFile(path('names'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
  await run('openssl', [
    ...['x509', '-req', '-in', path('server.csr'), '-out', path('server.pem'), '-days', '2'],
    ...['-CA', path('ca.pem'), '-CAkey', path('ca.key'), '-CAcreateserial', '-extfile', path('names')],
  ]);
  return { certificateFile: path('server.pem'), keyFile: path('server.key'), caFile: path('ca.pem') };
}
