/** A Dockerfile's instruction, with continued lines as one. */
export interface Instruction {
  keyword: string;
  text: string;
}

export interface Stage {
  name: string;
  base: string;
  /** ARG, ENV, RUN, COPY and so on, in order; variables are not filled in. */
  instructions: Instruction[];
}

export interface Dockerfile {
  /** Arguments from before the first stage, with their defaults. */
  args: Record<string, string>;
  stages: Stage[];
}

/** Reads as much of the language as faascam's own Dockerfiles use. Throws `Error` for what it does not know. */
export function parseDockerfile(content: string): Dockerfile {
  const joined = content
    .split('\n')
    .filter((line) => !/^\s*#/.test(line))
    .join('\n')
    .replaceAll(/\\\n\s*/g, '');
  const args: Record<string, string> = {};
  const stages: Stage[] = [];
  for (const line of joined.split('\n').filter((each) => each.trim() !== '')) {
    const [, keyword = '', text = ''] = /^\s*([A-Z]+)\s+(.*)$/.exec(line) ?? [];
    const stage = stages.at(-1);
    if (keyword === 'FROM') {
      const [, base, name] = /^(?:--platform=\S+\s+)?(\S+)(?:\s+AS\s+(\S+))?$/.exec(text) ?? [];
      if (base === undefined) throw new Error(`not understood: ${line}`);
      stages.push({ name: name ?? String(stages.length), base, instructions: [] });
    } else if (stage !== undefined) stage.instructions.push({ keyword, text });
    else if (keyword === 'ARG') Object.assign(args, defaultOf(text));
    else throw new Error(`not understood before the first FROM: ${line}`);
  }
  return { args, stages };
}

/** `NAME="value"` of an ARG; an ARG without a value has none. */
export function defaultOf(text: string): Record<string, string> {
  const [, name, value] = /^(\w+)=(.*)$/.exec(text.trim()) ?? [];
  return name === undefined || value === undefined ? {} : { [name]: unquoted(value) };
}

/** `A=b C="d e"` of an ENV. */
export function pairsOf(text: string): Record<string, string> {
  const pairs = [...text.matchAll(/(\w+)=("[^"]*"|\S*)/g)];
  return Object.fromEntries(pairs.map(([, name = '', value = '']) => [name, unquoted(value)]));
}

/** `${NAME}`, `$NAME` and `${NAME:-default}` filled in. */
export function filledIn(text: string, values: Record<string, string>): string {
  return text.replaceAll(
    /\$(?:\{(\w+)(?::-([^}]*))?\}|(\w+))/g,
    (_all, braced: string | undefined, otherwise: string | undefined, bare: string | undefined) =>
      values[braced ?? bare ?? ''] ?? otherwise ?? '',
  );
}

function unquoted(value: string): string {
  return /^".*"$/.test(value) ? value.slice(1, -1) : value;
}

/** Whether a file of the build's folder is left out by its `.dockerignore`: the last pattern that fits decides. */
export function isIgnored(patterns: readonly string[], path: string): boolean {
  let ignored = false;
  for (const line of patterns) {
    const pattern = line.trim();
    if (pattern === '' || pattern.startsWith('#')) continue;
    const negated = pattern.startsWith('!');
    if (fits(negated ? pattern.slice(1) : pattern, path)) ignored = !negated;
  }
  return ignored;
}

/** A pattern that fits a folder fits all that is in it. */
function fits(pattern: string, path: string): boolean {
  const source = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('**/', '\0')
    .replaceAll('*', '[^/]*')
    .replaceAll('\0', '(?:.*/)?');
  return new RegExp(`^${source}(?:/.*)?$`).test(path);
}
