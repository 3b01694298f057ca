import { clients } from '../data/clients.ts';
import { now } from '../data/connection.ts';
import { useLoaded } from '../data/use-loaded.ts';
import { formatCount, formatShare } from '../format/number.ts';
import { formatClock } from '../format/time.ts';
import { Failure, Loading } from '../parts/notices.tsx';
import { Panel } from '../parts/panel.tsx';
import { filter } from '../routing/location.ts';
import { HistoryChart } from './history-chart.tsx';
import { addUp, coarser, type HistoryData } from './history-data.ts';

/** Interval at which the history is loaded again, in milliseconds. */
const interval = 15_000;

/** Passes and failures of about the last hour, as a chart and as a table. */
export function History() {
  const { value, problem, retry } = useLoaded('history', (signal) => clients.load.getHistory({}, { signal }), interval);
  const { delegation } = filter.value;
  const data = value && addUp(value, delegation);
  return (
    <Panel title="Passes of the last hour" {...(delegation ? { end: delegation } : {})}>
      {problem && !value && <Failure what="history" problem={problem} retry={retry} />}
      {!problem && !data && <Loading what="the history" />}
      {data && <Chart data={data} />}
    </Panel>
  );
}

function Chart({ data }: { data: HistoryData }) {
  const passes = data.passes.reduce((a, b) => a + b, 0);
  const failed = data.failed.reduce((a, b) => a + b, 0);
  if (passes === 0) return <p class="muted">No pass in this time.</p>;
  return (
    <>
      <p class="number">
        <strong>{formatCount(passes)}</strong> {passes === 1 ? 'pass' : 'passes'},{' '}
        <span class={failed > 0 ? 'state-failing' : 'muted'}>
          <strong>{formatCount(failed)}</strong> failed{failed > 0 ? ` (${formatShare(failed, passes)})` : ''}
        </span>
      </p>
      <HistoryChart data={data} />
      <details>
        <summary>As a table</summary>
        <Table data={coarser(data, 12)} />
      </details>
    </>
  );
}

function Table({ data }: { data: HistoryData }) {
  return (
    <table class="data-table">
      <thead>
        <tr>
          <th scope="col">From</th>
          <th scope="col" class="right">
            Passes
          </th>
          <th scope="col" class="right">
            Failed
          </th>
        </tr>
      </thead>
      <tbody>
        {data.times.map((time, index) => (
          <tr key={time}>
            <td>{formatClock(time * 1_000, now.value)}</td>
            <td class="right">{formatCount(data.passes[index] ?? 0)}</td>
            <td class="right">{formatCount(data.failed[index] ?? 0)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
