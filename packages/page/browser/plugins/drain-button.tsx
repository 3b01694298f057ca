import { useRef, useState } from 'preact/hooks';
import { clients } from '../data/clients.ts';
import { type Problem, problemOf } from '../data/problem.ts';
import { shown } from '../format/shown.ts';
import { announce } from '../parts/announce.tsx';
import { Icon } from '../parts/icon.tsx';

/** Asks an instance to drain, after a confirmation. */
export function DrainButton({ instanceId }: { instanceId: string }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [problem, setProblem] = useState<Problem>();
  const [isBusy, setBusy] = useState(false);
  const drain = async () => {
    setBusy(true);
    try {
      await clients.action.drainInstance({ instanceId });
      announce('The instance was asked to drain');
      dialog.current?.close();
    } catch (error) {
      setProblem(problemOf(error));
    }
    setBusy(false);
  };
  return (
    <>
      <button
        type="button"
        class="button"
        onClick={() => {
          setProblem(undefined);
          dialog.current?.showModal();
        }}
      >
        <Icon name="draining" /> Drain
      </button>
      <dialog ref={dialog} aria-label="Drain an instance">
        <h2>Drain this instance?</h2>
        <p>
          <code class="wrap">{shown(instanceId, 140)}</code> gets no new calls, finishes those in flight, and stops.
          Whatever runs it may start another one.
        </p>
        {problem && (
          <p class="state-failing" role="alert">
            {problem.title}: {shown(problem.detail)}
          </p>
        )}
        <div class="actions">
          <button type="button" class="button" onClick={() => dialog.current?.close()}>
            Keep it
          </button>
          <button type="button" class="button danger" disabled={isBusy} onClick={drain}>
            Drain
          </button>
        </div>
      </dialog>
    </>
  );
}
