import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { type ReceivedSpan, readExportRequest } from './otlp-message.ts';

/**
 * Receiver of traces over OTLP/HTTP (protobuf, with or without gzip), as a collector is one, for processes in any language:
 *
 *     await using collector = await OtlpReceiver.start();
 *     startProgram({ ...process.env, ...collector.environment, OTEL_SERVICE_NAME: 'my-plugin' });
 *     const call = await collector.waitFor(({ service, name }) => service === 'kplug-operator' && name.endsWith('/Reconcile'));
 *     const handler = await collector.waitFor(({ parentSpanId }) => parentSpanId === call.spanId);
 *     collector.trace(call.traceId); // all spans of the trace that were received up to now
 */
export class OtlpReceiver {
  /** All spans that were received, in the order in which they came. */
  readonly spans: ReceivedSpan[] = [];
  /** Requests that weren't exports of spans, or malformed, with the reason. A test should find it empty. */
  readonly faults: string[] = [];
  readonly #server: Server;
  readonly #waiting = new Set<() => void>();
  #answer: { status: number } | undefined;

  private constructor() {
    this.#server = createServer((request, response) => void this.#receive(request, response));
  }

  /** Starts a receiver on a free port of this machine. */
  static async start(): Promise<OtlpReceiver> {
    const receiver = new OtlpReceiver();
    await new Promise<void>((resolve) => receiver.#server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  /** Value of `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Environment of a process that exports its spans here, each within milliseconds of its end. */
  get environment(): Record<string, string> {
    return {
      OTEL_EXPORTER_OTLP_ENDPOINT: this.endpoint,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
      OTEL_METRICS_EXPORTER: 'none',
      OTEL_LOGS_EXPORTER: 'none',
      OTEL_BSP_SCHEDULE_DELAY: '50',
    };
  }

  /** Returns the first received span that fulfils a condition, or waits for it. @param timeout longest wait, in milliseconds. */
  async waitFor(matches: (span: ReceivedSpan) => boolean, timeout = 30_000): Promise<ReceivedSpan> {
    const find = () => this.spans.find(matches);
    await this.#until(() => find() !== undefined, timeout);
    const found = find();
    if (found) return found;
    const received = this.spans.map(({ service, name }) => `${service}: ${name}`).join('\n');
    throw new Error(`no such span was received within ${timeout} ms, but:\n${received}`);
  }

  /** Spans of a trace that were received up to now: each is followed by its children, in the order in which they began. */
  trace(traceId: string): ReceivedSpan[] {
    const spans = this.spans.filter((span) => span.traceId === traceId).sort((a, b) => a.startedAt - b.startedAt);
    const ids = new Set(spans.map(({ spanId }) => spanId));
    // Times of parent and child may be equal, as clocks are coarse.
    const withChildren = (span: ReceivedSpan): ReceivedSpan[] => [
      span,
      ...spans.filter(({ parentSpanId }) => parentSpanId === span.spanId).flatMap(withChildren),
    ];
    return spans.filter(({ parentSpanId }) => !ids.has(parentSpanId)).flatMap(withChildren);
  }

  /** Refuses all exports from now on with a status code, as a collector that is overloaded (503). `undefined` to accept them again. */
  refuse(status: number | undefined): void {
    this.#answer = status === undefined ? undefined : { status };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request);
    if (this.#answer) {
      response.writeHead(this.#answer.status).end();
      return;
    }
    const { method, url, headers } = request;
    const isExport =
      method === 'POST' && url === '/v1/traces' && headers['content-type']?.startsWith('application/x-protobuf');
    if (!isExport) this.#note(`${method} ${url} as ${headers['content-type']}`);
    else this.#read(headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body);
    // An empty ExportTraceServiceResponse: everything was accepted.
    response.writeHead(isExport ? 200 : 404, { 'content-type': 'application/x-protobuf' }).end();
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  /** Waits until a condition is fulfilled that requests may fulfil, or for the timeout. */
  async #until(isFulfilled: () => boolean, timeout: number): Promise<void> {
    const ended = AbortSignal.timeout(timeout);
    while (!isFulfilled() && !ended.aborted) {
      await new Promise<void>((resolve) => {
        this.#waiting.add(resolve);
        ended.addEventListener('abort', () => resolve(), { once: true });
      });
    }
  }

  #read(body: Uint8Array): void {
    try {
      this.spans.push(...readExportRequest(body));
    } catch (error) {
      this.#note(`malformed: ${error}`);
    }
  }

  #note(fault: string): void {
    this.faults.push(fault);
  }
}
