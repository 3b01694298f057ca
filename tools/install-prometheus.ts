import { findPrometheus } from './prometheus/find-prometheus.ts';

/** `pnpm prometheus:install`: gets Prometheus for the tests of metrics and alerts, unless it is installed. Prints the server's path. */
console.log((await findPrometheus((message) => console.error(`Prometheus: ${message}`))).prometheus);
