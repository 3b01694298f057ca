/** What the standard variables of OpenTelemetry (`OTEL_*`) ask for. Those of the exporter and of resource attributes are read by its SDK. */
export interface TracingSettings {
  /** Name of the process in traces. */
  serviceName: string;
  sampler: SamplerChoice;
  batch: BatchSettings;
  /** Longest time that an export may take, with its repetitions, in milliseconds. A stop takes this long if the collector doesn't answer. */
  exportTimeout: number;
  /** Address of the collector for the log, without credentials. */
  endpoint: string;
}

/** Sampler, and whether the decision of a caller precedes it. */
export interface SamplerChoice {
  decision: 'always_on' | 'always_off' | 'traceidratio';
  /** Share of the traces that are recorded, from 0 to 1. */
  ratio: number;
  isParentBased: boolean;
}

/** Sending of spans. Times in milliseconds. */
export interface BatchSettings {
  scheduledDelayMillis?: number;
  exportTimeoutMillis?: number;
  maxQueueSize?: number;
  maxExportBatchSize?: number;
}

/** Settings, and remarks about values that are ignored. OpenTelemetry requires that those never keep a program from running. */
export interface ReadTracing {
  /** Missing unless the environment asks for traces. */
  settings?: TracingSettings;
  remarks: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Half of the default of OpenTelemetry, so that a stop doesn't take long. */
const defaultExportTimeout = 5_000;
const defaultEndpoint = 'http://localhost:4318';
const batchVariables = {
  OTEL_BSP_SCHEDULE_DELAY: 'scheduledDelayMillis',
  OTEL_BSP_EXPORT_TIMEOUT: 'exportTimeoutMillis',
  OTEL_BSP_MAX_QUEUE_SIZE: 'maxQueueSize',
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE: 'maxExportBatchSize',
} as const;

/** Reads the variables. Nothing is traced unless an endpoint of OTLP, or the exporter `otlp`, is named. */
export function readTracing(environment: Environment): ReadTracing {
  const remarks: string[] = [];
  if (!isWanted(environment, remarks)) return { remarks };
  remarkProtocol(environment, remarks);
  const settings = {
    serviceName: valueIn(environment, 'OTEL_SERVICE_NAME') ?? 'kplug-operator',
    sampler: readSampler(environment, remarks),
    batch: readBatch(environment, remarks),
    exportTimeout: readExportTimeout(environment, remarks),
    endpoint: readEndpoint(environment),
  };
  return { settings, remarks };
}

function isWanted(environment: Environment, remarks: string[]): boolean {
  if (valueIn(environment, 'OTEL_SDK_DISABLED')?.toLowerCase() === 'true') return false;
  const exporters = valueIn(environment, 'OTEL_TRACES_EXPORTER')
    ?.split(',')
    .map((one) => one.trim());
  if (!exporters) return endpointOf(environment) !== undefined;
  const others = exporters.filter((one) => one !== 'otlp' && one !== 'none');
  if (others.length > 0) remarks.push(`OTEL_TRACES_EXPORTER: ${others.join(', ')} isn't supported; use otlp`);
  return exporters.includes('otlp') && !exporters.includes('none');
}

function remarkProtocol(environment: Environment, remarks: string[]): void {
  const names = ['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL'];
  const name = names.find((one) => valueIn(environment, one) !== undefined);
  const protocol = name && valueIn(environment, name);
  if (protocol === undefined || protocol === 'http/protobuf') return;
  remarks.push(
    `${name}: ${protocol} isn't supported; spans are sent by http/protobuf, for which collectors have the port 4318`,
  );
}

function readSampler(environment: Environment, remarks: string[]): SamplerChoice {
  const name = valueIn(environment, 'OTEL_TRACES_SAMPLER')?.toLowerCase() ?? 'parentbased_always_on';
  const isParentBased = name.startsWith('parentbased_');
  const decision = isParentBased ? name.slice('parentbased_'.length) : name;
  switch (decision) {
    case 'always_on':
      return { decision, ratio: 1, isParentBased };
    case 'always_off':
      return { decision, ratio: 0, isParentBased };
    case 'traceidratio':
      return { decision, ratio: readRatio(environment, remarks), isParentBased };
    default:
      remarks.push(`OTEL_TRACES_SAMPLER: ${name} isn't supported; all traces are recorded`);
      return { decision: 'always_on', ratio: 1, isParentBased: true };
  }
}

function readRatio(environment: Environment, remarks: string[]): number {
  const text = valueIn(environment, 'OTEL_TRACES_SAMPLER_ARG');
  const ratio = Number(text ?? 1);
  if (ratio >= 0 && ratio <= 1) return ratio;
  remarks.push(`OTEL_TRACES_SAMPLER_ARG: ${text} is no number from 0 to 1; all traces are recorded`);
  return 1;
}

function readBatch(environment: Environment, remarks: string[]): BatchSettings {
  const settings: BatchSettings = {};
  for (const [name, field] of Object.entries(batchVariables)) {
    const value = readNumber(environment, name, remarks);
    if (value !== undefined) settings[field] = value;
  }
  return settings;
}

function readExportTimeout(environment: Environment, remarks: string[]): number {
  const names = ['OTEL_EXPORTER_OTLP_TRACES_TIMEOUT', 'OTEL_EXPORTER_OTLP_TIMEOUT'];
  const name = names.find((one) => valueIn(environment, one) !== undefined);
  return (name && readNumber(environment, name, remarks)) || defaultExportTimeout;
}

function readNumber(environment: Environment, name: string, remarks: string[]): number | undefined {
  const text = valueIn(environment, name);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  remarks.push(`${name}: ${text} is no whole number above 0; the default is used`);
  return undefined;
}

function readEndpoint(environment: Environment): string {
  const text = endpointOf(environment) ?? defaultEndpoint;
  if (!URL.canParse(text)) return 'a malformed endpoint';
  const url = new URL(text);
  return `${url.protocol}//${url.host}`;
}

function endpointOf(environment: Environment): string | undefined {
  return (
    valueIn(environment, 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT') ?? valueIn(environment, 'OTEL_EXPORTER_OTLP_ENDPOINT')
  );
}

/** An empty variable is as good as none, as OpenTelemetry requires. */
function valueIn(environment: Environment, name: string): string | undefined {
  return environment[name]?.trim() || undefined;
}
