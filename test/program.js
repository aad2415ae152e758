import { execFile, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
/** The command line as users call it. */
const faascam = new URL('../bin/faascam.js', import.meta.url).pathname;
/** What runs. A test that was given up leaves nothing behind: what it has started ends with this process. */
const running = new Set();
process.once('exit', () => {
    for (const child of running)
        child.kill('SIGTERM');
});
function watched(child) {
    running.add(child);
    child.once('exit', () => running.delete(child));
    return child;
}
/** Runs `faascam` with these arguments to its end. */
export function runFaascam(args, env = {}) {
    return new Promise((resolve) => {
        const child = execFile(process.execPath, [faascam, ...args], { env: { ...process.env, ...env }, maxBuffer: 64 * 1024 * 1024 }, (_error, stdout, stderr) => resolve({ code: child.exitCode ?? -1, stdout, stderr }));
        watched(child);
    });
}
/** The output of an ffmpeg tool. */
export function runTool(program, args) {
    return new Promise((resolve, reject) => {
        execFile(program, args, { maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
            if (error)
                reject(new Error(`${program}: ${stderr}`));
            else
                resolve(stdout);
        });
    });
}
/** Starts `faascam` and leaves it running. */
export function startFaascam(args, env = {}) {
    const child = watched(spawn(process.execPath, [faascam, ...args], {
        env: { ...process.env, ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
    }));
    let output = '';
    const listeners = new Set();
    for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding('utf8').on('data', (text) => {
            output += text;
            for (const listener of listeners)
                listener();
        });
    }
    const ended = new Promise((resolve) => child.once('exit', resolve));
    return {
        child,
        output: () => output,
        said: (pattern) => new Promise((resolve, reject) => {
            const look = () => {
                const found = pattern.exec(output);
                if (found === null)
                    return;
                listeners.delete(look);
                resolve(found);
            };
            listeners.add(look);
            look();
            void ended.then(() => reject(new Error(`faascam ended before it said ${pattern.source}:\n${output}`)));
        }),
        stop: async (signal = 'SIGINT') => {
            child.kill(signal);
            return await ended;
        },
    };
}
/** Processes whose command line or environment mentions `text`: what a run on that folder has left behind. */
export function processesAbout(text) {
    const found = [];
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
        if (Number(pid) === process.pid)
            continue;
        try {
            const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
            const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
            if (line.includes(text) || environment.includes(text))
                found.push(`${pid}: ${line}`);
        }
        catch {
            // It ended while we looked.
        }
    }
    return found;
}
//# sourceMappingURL=program.js.map