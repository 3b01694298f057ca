import type { TestProject } from 'vitest/node';
import { Broker } from './broker.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the broker of control planes listens. */
    controlPlaneBroker: string;
  }
}

/** Run by vitest before the first test file and after the last one. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const broker = new Broker((message) => console.error(`control plane: ${message}`));
  project.provide('controlPlaneBroker', await broker.listen());
  return () => broker.close();
}
