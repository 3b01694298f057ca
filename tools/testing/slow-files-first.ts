import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Ends of the paths of test files that start first, in this order: those that build programs or start the control plane, which
 * others wait for, then those that take longest, so that none of them runs alone at the end.
 */
export const slowFiles: readonly string[] = [
  'resources/kubernetes/outage.test.ts',
  'test/conformance.test.ts',
  'test/languages.test.ts',
  'charts/values.test.ts',
  'databases/install-mariadb.test.ts',
  'test/plugin-template.test.ts',
  'wrong-plugins.test.ts',
  'wrong-controllers.test.ts',
  'completion.test.ts',
  'bench.test.ts',
  'supervisor/plugins-folder.test.ts',
  'test/python.test.ts',
  'admin-commands.test.ts',
  'wrong-v0-plugins.test.ts',
  'conform-controller.test.ts',
  'actions/operator.test.ts',
];

/** Sequencer that starts `slowFiles` first; the others follow in vitest's own order. */
export default class SlowFilesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const index = slowFiles.findIndex((end) => moduleId.endsWith(`/${end}`));
      return index < 0 ? slowFiles.length : index;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}
