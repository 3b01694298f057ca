import type { TestProject } from 'vitest/node';
import { Broker } from './broker.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** URL of the broker. */
    controlPlaneBroker: string;
  }
}

/** Starts and stops the broker around a test run. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const broker = new Broker((message) => console.error(`control plane: ${message}`));
  project.provide('controlPlaneBroker', await broker.listen());
  return () => broker.close();
}
