import { kubernetesVersion } from '@kplug/testing/control-plane/versions';
import { expect, it } from 'vitest';
import { helmArguments } from './helm-arguments.ts';

it.each([
  [
    ['template', 'x', 'chart'],
    ['template', '--kube-version', kubernetesVersion, 'x', 'chart'],
  ],
  [
    ['lint', 'chart'],
    ['lint', '--kube-version', kubernetesVersion, 'chart'],
  ],
  [
    ['template', 'x', '--kube-version', '1.34.2'],
    ['template', 'x', '--kube-version', '1.34.2'],
  ],
  [
    ['template', 'x', '--kube-version=1.34.2'],
    ['template', 'x', '--kube-version=1.34.2'],
  ],
  [
    ['upgrade', '--install', 'x', 'chart'],
    ['upgrade', '--install', 'x', 'chart'],
  ],
])('%j becomes %j', (args, expected) => expect(helmArguments(args)).toEqual(expected));
