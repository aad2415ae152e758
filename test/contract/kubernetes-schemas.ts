import { writeFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import ts from 'typescript';
import { z } from 'zod';
import { checkout } from '../faults/checkout.ts';
import type { Manifest } from './manifests.ts';

const load = createRequire(import.meta.url);
const model = z.custom<new (data: Manifest) => { validate(): void }>((value) => typeof value === 'function');

/** Kinds of others, of which no schema is published with Kubernetes' own. */
const FOREIGN = new Set(['traefik.io/v1alpha1']);

/**
 * What is wrong with manifests by Kubernetes' own schemas, as the package kubernetes-models publishes them: its validators
 * know what must be there and of which form, its types know every field, so that one of a wrong name is found.
 */
export function faultsOf(manifests: readonly Manifest[]): string[] {
  const own = manifests.filter(({ apiVersion }) => !FOREIGN.has(apiVersion));
  return [...invalid(own), ...mistyped(own)];
}

function invalid(manifests: readonly Manifest[]): string[] {
  const faults: string[] = [];
  for (const manifest of manifests) {
    const { apiVersion, kind, metadata } = manifest;
    const kinds: unknown = load(`kubernetes-models/${apiVersion}`);
    const Model = model.parse(z.record(z.string(), z.unknown()).parse({ ...Object(kinds) })[kind]);
    try {
      new Model(manifest).validate();
    } catch (error) {
      faults.push(`${kind} ${metadata.name}: ${String(error)}`);
    }
  }
  return faults;
}

/** TypeScript lets a literal have no field that its type has not. */
function mistyped(manifests: readonly Manifest[]): string[] {
  const lines = manifests.map(({ apiVersion, kind, ...rest }, index) => {
    const literal = JSON.stringify({ apiVersion, kind, ...rest });
    return `export const m${index}: import('kubernetes-models/${apiVersion}').I${kind} = ${literal};`;
  });
  // Beside our own node_modules, from which the types come.
  const path = join(checkout, 'test', `.manifests-${process.pid}.ts`);
  writeFileSync(path, `${lines.join('\n')}\n`);
  try {
    const program = ts.createProgram([path], {
      ...{ strict: true, noEmit: true, skipLibCheck: true, types: [] },
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      target: ts.ScriptTarget.ES2022,
    });
    const file = program.getSourceFile(path);
    return ts.getPreEmitDiagnostics(program, file).map(({ messageText, start }) => {
      const line = file === undefined ? 0 : file.getLineAndCharacterOfPosition(start ?? 0).line;
      const { kind = '', metadata } = manifests[line] ?? {};
      return `${kind} ${metadata?.name ?? ''}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
    });
  } finally {
    rmSync(path);
  }
}
