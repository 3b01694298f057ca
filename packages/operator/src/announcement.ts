import type { DelegationDeclaration } from '@kplug/controller';
import type { OperatorTerminal } from './operator-terminal.ts';

/** An operator that has just started. */
export interface StartedOperator {
  /** Missing for a cluster. */
  directory: string | undefined;
  /** The context of the kubeconfig, if it isn't the current one. */
  context: string | undefined;
  delegations: readonly DelegationDeclaration[];
  heartbeatAddress: string;
  adminAddress: string;
}

/** Tells where an operator listens and what to do next. */
export function announce(operator: StartedOperator, { print, colors }: OperatorTerminal): void {
  const { directory, context, delegations, heartbeatAddress, adminAddress } = operator;
  const where = directory === undefined || directory === '.' ? '' : ` --manifests ${quote(directory)}`;
  const place =
    directory === undefined ? `the cluster of ${context ?? 'the current context'}` : `the manifests in ${directory}`;
  const kind = delegations[0]?.base.kind.toLowerCase() ?? 'KIND';
  const declared = delegations.map(
    ({ base, api }) => `  ${base.kind} (${base.apiVersion}) to plugins of the API ${api}`,
  );
  print(
    [
      `${colors.green('The operator runs')} on ${place}. It delegates`,
      ...(declared.length > 0 ? declared : ['  what Delegation resources say']),
      '',
      `Plugins beat to  ${colors.bold(heartbeatAddress)}`,
      `Admin port       ${colors.bold(`http://${adminAddress}`)} (/healthz, /readyz, /metrics, kplug.v1)`,
      '',
      'Next, in other terminals:',
      `  start a plugin    KPLUG_CONTROLLER=${heartbeatAddress} node my-plugin.js`,
      `  see the plugins   kplug plugins${where}`,
      `  see the resources ${directory === undefined ? 'kubectl' : 'kplug'} get ${kind}${where}`,
      `  ask for reasons   kplug explain ${kind}/NAME${where}`,
      'Stop it with Ctrl+C.',
      '',
    ].join('\n'),
  );
}

/** A word as a shell takes it. */
function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
