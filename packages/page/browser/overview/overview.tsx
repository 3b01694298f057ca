import { summary } from '../data/summary.ts';
import { formatCount } from '../format/number.ts';
import { shown } from '../format/shown.ts';

/** Overview: how many resources are ready, and why the others aren't. */
export function Overview() {
  const { value } = summary;
  if (!value) return <p>Loading…</p>;
  return (
    <>
      <h1>Overview</h1>
      {value.delegations.map(({ name, kind, total, ready, waiting, failing }) => (
        <section key={name}>
          <h2>{shown(name)}</h2>
          <p>
            {formatCount(total)} {shown(kind)}: {formatCount(ready)} ready, {formatCount(waiting)} waiting,{' '}
            {formatCount(failing)} failing
          </p>
        </section>
      ))}
    </>
  );
}
