import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

export interface RecordedCall {
  functionName: string;
  topic: string;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
}

/** What the gateway answers a call with: a status, or a status and a text, once it resolves. */
export type Answering = (call: RecordedCall, nth: number) => Promise<number | [number, string]>;

/** An HTTP server that lists functions as OpenFaaS does and records the calls that it answers. */
export class RecordingGateway {
  readonly calls: RecordedCall[] = [];
  /** Calls being answered now, and the most there ever were, by function and topic. */
  readonly inFlight = new Map<string, { now: number; most: number }>();
  functions: { name: string; annotations?: Record<string, string> }[];
  answering: Answering;
  listed = 0;
  #server = createServer();
  #port = 0;

  constructor(topics: Record<string, string>, answering: Answering = () => Promise.resolve(200)) {
    this.functions = Object.entries(topics).map(([name, topic]) => ({ name, annotations: { topic } }));
    this.answering = answering;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Opens the port; the same one again after `close`. */
  async open(): Promise<this> {
    this.#server = createServer((request, response) => void this.#serve(request, response));
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#port, '127.0.0.1', resolve);
    });
    const address = this.#server.address();
    if (address !== null && typeof address === 'object') this.#port = address.port;
    return this;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  /** Bodies of the calls of a function, or of one of its topics, as text, in the order of their arrival. */
  bodies(functionName: string, topic?: string): string[] {
    return this.calls
      .filter((call) => call.functionName === functionName && (topic === undefined || call.topic === topic))
      .map((call) => call.body.toString());
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url === '/system/functions') {
      this.listed += 1;
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(this.functions));
      return;
    }
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    await new Promise((resolve) => request.once('end', resolve));
    const topic = request.headers['x-topic'];
    const call: RecordedCall = {
      functionName: request.url?.slice('/function/'.length) ?? '',
      topic: typeof topic === 'string' ? topic : '',
      headers: request.headers,
      body: Buffer.concat(chunks),
    };
    const key = `${call.functionName} ${call.topic}`;
    const flight = this.inFlight.get(key) ?? { now: 0, most: 0 };
    this.inFlight.set(key, flight);
    flight.now += 1;
    flight.most = Math.max(flight.most, flight.now);
    this.calls.push(call);
    const answer = await this.answering(call, this.calls.length);
    flight.now -= 1;
    const [status, text] = typeof answer === 'number' ? [answer, ''] : answer;
    response.statusCode = status;
    response.end(text);
  }
}
