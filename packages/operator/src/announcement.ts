import type { DelegationDeclaration } from '@kplug/controller';
import { kplugCommand } from './kplug-command.ts';
import type { OperatorTerminal } from './operator-terminal.ts';

/** Operator that has just started. */
export interface StartedOperator {
  /** Directory of manifests; missing for a cluster. */
  directory: string | undefined;
  /** State directory, if one is set. */
  stateDir: string | undefined;
  /** Context of the kubeconfig, if it isn't the current one. */
  context: string | undefined;
  delegations: readonly DelegationDeclaration[];
  /** Folder whose files are run as plugins. */
  pluginsDirectory: string;
  heartbeatAddress: string;
  /** Empty without an admin port. */
  adminAddress: string;
  /** URL of the page for people; empty without one. */
  pageUrl: string;
  /** True if plugins need TLS and a proof of identity. */
  isSecured: boolean;
}

/** Prints the addresses of an operator, and the next steps. */
export function announce(operator: StartedOperator, { print, colors }: OperatorTerminal): void {
  const { directory, stateDir, context, delegations, pluginsDirectory, heartbeatAddress, adminAddress, pageUrl } =
    operator;
  const manifests = directory === undefined || directory === '.' ? '' : ` --manifests ${quote(directory)}`;
  const where = stateDir === undefined ? manifests : `${manifests} --state-dir ${quote(stateDir)}`;
  const place =
    directory === undefined ? `the cluster of ${context ?? 'the current context'}` : `the manifests in ${directory}`;
  const kplug = kplugCommand();
  const startPlugin = operator.isSecured
    ? 'with KPLUG_CONTROLLER, KPLUG_TLS_CA and KPLUG_TOKEN_FILE: see docs/security.md'
    : `KPLUG_CONTROLLER=${heartbeatAddress} node my-plugin.ts`;
  const kind = delegations[0]?.base.kind.toLowerCase() ?? 'KIND';
  const declared = delegations.map(
    ({ base, api }) => `  ${base.kind} (${base.apiVersion}) to plugins of the API ${api}`,
  );
  print(
    [
      `${colors.green('The operator runs')} on ${place}. It delegates`,
      ...(declared.length > 0 ? declared : ['  the kinds of Delegation resources']),
      '',
      `Heartbeat address  ${colors.bold(heartbeatAddress)}${operator.isSecured ? ' (TLS)' : ''}`,
      ...(pageUrl ? [`Page               ${colors.bold(pageUrl)}`] : []),
      `Admin port         ${adminAddress ? `${colors.bold(`http://${adminAddress}`)} (/healthz, /readyz, /metrics, kplug.v1)` : 'none'}`,
      '',
      'Next, in other terminals:',
      `  start a plugin    cp my-plugin.ts ${quote(pluginsDirectory)}/`,
      `                    or ${startPlugin}`,
      `  list plugins      ${kplug} plugins${where}`,
      `  list resources    ${directory === undefined ? 'kubectl' : kplug} get ${kind}${where}`,
      `  explain a choice  ${kplug} explain ${kind}/NAME${where}`,
      'Press Ctrl+C to stop.',
      '',
    ].join('\n'),
  );
}

/** Quotes a word for a shell. */
function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
