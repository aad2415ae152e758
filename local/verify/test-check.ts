import type { Finding } from './finding.ts';
import { foldersOnDisk } from './folders.ts';
import { verify, type VerifyOptions, type VerifyResult } from './verification.ts';

/** What `verify` found of a folder, for the tests. */
export interface Checked extends VerifyResult {
  findings: Finding[];
  /** Codes of what is wrong, in order. */
  wrong: string[];
}

export async function checkFolder(folder: string, options: Partial<VerifyOptions> = {}): Promise<Checked> {
  const findings: Finding[] = [];
  const result = await verify(foldersOnDisk(folder), {
    ...{ pinned: new Set(), heads: [], oldestOf: () => 1, allowUnsigned: false },
    onFindings: (found) => void findings.push(...found),
    signal: new AbortController().signal,
    ...options,
  });
  const wrong = findings.filter(({ level }) => level === 'wrong').map(({ code }) => code);
  return { ...result, findings, wrong };
}
