#!/usr/local/bin/node
'use strict';

// Stands in for of-watchdog's mode=http where the real one cannot be had, by what its documentation promises of its
// variables: starts fprocess, passes calls on to upstream_url, answers 429 over max_inflight and 504 after exec_timeout,
// asks ready_path at /_/ready, and on SIGTERM is unhealthy at once, passes on for healthcheck_interval, then drains.
const { spawn } = require('node:child_process');
const { createServer, request: ask } = require('node:http');
const { rmSync, writeFileSync } = require('node:fs');

const { env } = process;
const ms = (text, otherwise) => {
  const [, amount, unit] = /^(\d+)(ms|s|m)?$/.exec(text ?? '') ?? [];
  return amount === undefined ? otherwise : Number(amount) * { ms: 1, s: 1000, m: 60_000 }[unit ?? 's'];
};
const writeMs = ms(env.write_timeout, 10_000);
const execMs = ms(env.exec_timeout, 10_000);
const intervalMs = ms(env.healthcheck_interval, writeMs);
const most = Number(env.max_inflight ?? 0);
const lock = '/tmp/.lock';

const [program, ...words] = env.fprocess.split(' ');
const child = spawn(program, words, { stdio: ['ignore', 'inherit', 'inherit'] });
child.on('exit', (code) => {
  if (!stopping) process.exit(code === 0 ? 1 : (code ?? 1));
});

let inFlight = 0;
let stopping = false;

function pass(request, response, path) {
  const upstream = ask(env.upstream_url + path, { method: request.method, headers: request.headers });
  const timer = setTimeout(() => upstream.destroy(new Error('exec_timeout')), execMs);
  upstream.on('response', (answer) => {
    clearTimeout(timer);
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  upstream.on('error', (error) => {
    clearTimeout(timer);
    if (!response.headersSent) response.writeHead(error.message === 'exec_timeout' ? 504 : 500);
    response.end();
  });
  request.pipe(upstream);
}

const server = createServer((request, response) => {
  if (request.url === '/_/health') {
    response.writeHead(stopping ? 503 : 200).end(stopping ? '' : 'OK');
  } else if (request.url === '/_/ready') {
    if (stopping) response.writeHead(503).end();
    else if (most > 0 && inFlight >= most) response.writeHead(429).end();
    else pass(request, response, env.ready_path);
  } else if (most > 0 && inFlight >= most) {
    response.writeHead(429).end();
  } else {
    inFlight += 1;
    response.on('close', () => (inFlight -= 1));
    pass(request, response, request.url);
  }
});
server.listen(Number(env.port ?? 8080), () => writeFileSync(lock, ''));

process.on('SIGTERM', () => {
  stopping = true;
  rmSync(lock, { force: true });
  // The function is told at once, not after the drain.
  child.kill('SIGTERM');
  setTimeout(() => {
    server.close(() => process.exit(0));
    server.closeIdleConnections();
    setTimeout(() => process.exit(1), writeMs).unref();
  }, intervalMs);
});
