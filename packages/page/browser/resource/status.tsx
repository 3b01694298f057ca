import type { ExplainResourceResponse, OperationInProgress } from '@kplug/protocol/services';
import { now } from '../data/connection.ts';
import { shown } from '../format/shown.ts';
import { Age } from '../parts/age.tsx';
import { Panel } from '../parts/panel.tsx';
import { statusSentences } from './status-sentences.ts';

/** Status of a resource in sentences, and its operations in progress. */
export function StatusPanel({ explained }: { explained: ExplainResourceResponse }) {
  const { operations, extensionProblems, requirements } = explained;
  const missing = requirements.filter(({ problemReason }) => problemReason);
  return (
    <Panel title="Status">
      <ul class="sentences">
        {statusSentences(explained, now.value).map((text) => (
          <li key={text}>{text}</li>
        ))}
        {extensionProblems.map(({ message, reason }) => (
          <li key={message} class="state-failing">
            {shown(message || reason)}
          </li>
        ))}
        {missing.map(({ plugin, name, problemReason, problemMessage }) => (
          <li key={`${plugin} ${name}`} class="state-failing">
            {shown(`${plugin} requires ${name}: ${problemMessage || problemReason}`)}
          </li>
        ))}
      </ul>
      {operations.map((operation) => (
        <Operation key={`${operation.plugin} ${operation.token}`} operation={operation} />
      ))}
    </Panel>
  );
}

function Operation({ operation }: { operation: OperationInProgress }) {
  const { plugin, percentage, message, startedAt, cancelled } = operation;
  const name = shown(message, 200) || 'An operation';
  return (
    <div class="operation">
      <p>
        {name}{' '}
        <span class="muted">
          ({shown(plugin, 80)}, began <Age time={startedAt} />
          {cancelled ? ', no longer wanted' : ''})
        </span>
      </p>
      {percentage === undefined ? (
        <p class="muted">It isn’t known how much is done.</p>
      ) : (
        <p class="progress">
          <progress max={100} value={percentage} aria-label={name} /> <span class="number">{percentage} %</span>
        </p>
      )}
    </div>
  );
}
