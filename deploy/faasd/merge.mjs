// Adds our services to faasd's docker-compose.yaml, or brings those that are there up to date; all else stays as it is, with
// its comments. Usage: node merge.mjs COMPOSE ADDITIONS...  prints the result. With --remove our services are taken out.
import { readFileSync } from 'node:fs';
import { isMap, parseDocument } from 'yaml';

const OURS = /^faascam-/;

const [, , ...args] = process.argv;
const remove = args.includes('--remove');
const [composePath, ...additionPaths] = args.filter((arg) => arg !== '--remove');
const compose = read(composePath);
const services = compose.get('services');
if (!isMap(services) || !services.has('gateway')) {
  process.stderr.write(
    `Error: ${composePath} is no docker-compose.yaml of faasd: it has no service gateway.\n`,
  );
  process.exit(1);
}
for (const { key } of [...services.items]) if (OURS.test(String(key))) services.delete(key);
if (!remove) {
  for (const path of additionPaths) {
    const additions = read(path).get('services');
    for (const pair of additions.items) services.add(pair);
  }
}
process.stdout.write(compose.toString({ lineWidth: 0 }));

function read(path) {
  const document = parseDocument(readFileSync(path, 'utf8'));
  const [error] = document.errors;
  if (error === undefined) return document;
  process.stderr.write(`Error: ${path} is not YAML: ${error.message}\n`);
  process.exit(1);
}
