import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';
import type { Logger } from 'pino';

type OnResult = Parameters<SpanExporter['export']>[1];

/** `ExportResultCode.SUCCESS`. */
const success = 0;

/** Exporter that logs when exports begin to fail, and when they succeed again, instead of each failure. */
export class ReportedExporter implements SpanExporter {
  readonly #exporter: SpanExporter;
  readonly #endpoint: string;
  readonly #logger: Logger;
  #lost = 0;

  /** @param endpoint address of the collector, without credentials. */
  constructor(exporter: SpanExporter, { endpoint, logger }: { endpoint: string; logger: Logger }) {
    this.#exporter = exporter;
    this.#endpoint = endpoint;
    this.#logger = logger;
  }

  export(spans: ReadableSpan[], onResult: OnResult): void {
    this.#exporter.export(spans, (result) => {
      if (result.code === success) this.#succeeded();
      else this.#failed(spans.length, result.error);
      onResult(result);
    });
  }

  shutdown(): Promise<void> {
    return this.#exporter.shutdown();
  }

  async forceFlush(): Promise<void> {
    await this.#exporter.forceFlush?.();
  }

  #failed(count: number, error: Error | undefined): void {
    const isFirst = this.#lost === 0;
    this.#lost += count;
    if (!isFirst) return;
    const reason = reasonOf(error);
    const message = `traces can't be sent to ${this.#endpoint}: ${reason}; they are lost until it answers, and nothing else is affected`;
    this.#logger.warn(message);
  }

  #succeeded(): void {
    if (this.#lost === 0) return;
    this.#logger.info({ lostSpans: this.#lost }, `traces are sent to ${this.#endpoint} again`);
    this.#lost = 0;
  }
}

/** Returns why an export failed: an `AggregateError`, as for a host with several addresses, has no message of its own. */
function reasonOf(error: Error | undefined): string {
  if (error instanceof AggregateError && error.errors[0] instanceof Error) return error.errors[0].message;
  return error?.message || 'it refuses them';
}
