import { SingleBar } from 'cli-progress';

/** What a person sees while something takes long: a bar on a terminal, a plain line now and then in a log. */
export interface Progress {
  update(done: number, total: number, note?: string): void;
  end(): void;
}

const LINE_EVERY_MS = 5000;

/** Progress on stderr, so that stdout stays free for results. `unit` is what is counted, e.g. `s` or `MB`. */
export function progress(title: string, unit: string): Progress {
  if (process.stderr.isTTY) {
    const bar = new SingleBar({
      format: `${title} {bar} {value}/{total} ${unit} {note}`,
      stream: process.stderr,
      hideCursor: true,
      clearOnComplete: false,
    });
    let begun = false;
    return {
      update: (done, total, note = '') => {
        const [value, whole] = [Math.round(done), Math.max(1, Math.round(total))];
        if (!begun) bar.start(whole, value, { note });
        begun = true;
        bar.setTotal(whole);
        bar.update(value, { note });
      },
      end: () => bar.stop(),
    };
  }
  let told = performance.now();
  return {
    update: (done, total, note = '') => {
      if (performance.now() - told < LINE_EVERY_MS) return;
      told = performance.now();
      tell(`${title}: ${Math.round(done)} of ${Math.round(total)} ${unit} ${note}`.trimEnd());
    },
    end: () => undefined,
  };
}

/** A line for the person at the terminal, on stderr. */
export function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** A result, on stdout. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Whether anyone still reads stdout: `| head` goes away. */
export function canPrint(): boolean {
  return process.stdout.writable;
}
