'use strict';

// Serves ./function/handler of the working directory by what the documentation of OpenFaaS's node templates promises,
// with RAW_BODY=true: a function made for them gets no more than this. Prints its address as a line.
const { createServer } = require('node:http');
const { resolve } = require('node:path');

const handler = require(resolve('function/handler'));

const server = createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const { pathname, searchParams } = new URL(request.url, 'http://localhost');
    const hasBody =
      request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined;
    const event = {
      // Express leaves an empty object where a request brings no body.
      body: hasBody ? Buffer.concat(chunks) : {},
      headers: request.headers,
      method: request.method,
      query: Object.fromEntries(searchParams),
      path: pathname,
    };
    const context = new Context(response);
    Promise.resolve()
      .then(() => handler(event, context))
      .then((returned) => context.end(returned))
      .catch((error) => context.fail(error));
  });
});

class Context {
  #response;
  #status = 200;
  #headers = {};
  #answered = false;

  constructor(response) {
    this.#response = response;
  }

  status(code) {
    this.#status = code;
    return this;
  }

  headers(values) {
    this.#headers = values;
    return this;
  }

  succeed(value) {
    this.#answer(this.#status, value);
    return this;
  }

  fail(error) {
    this.#answer(500, String(error));
    return this;
  }

  /** A handler may return its answer instead of giving it. */
  end(returned) {
    if (returned !== this) this.#answer(this.#status, returned);
  }

  #answer(status, value) {
    if (this.#answered) return;
    this.#answered = true;
    const plain = typeof value === 'string' || Buffer.isBuffer(value) || value === undefined;
    this.#response.writeHead(status, this.#headers);
    this.#response.end(plain ? value : JSON.stringify(value));
  }
}

server.listen(Number(process.env.http_port ?? 3000), '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${server.address().port}\n`);
});
