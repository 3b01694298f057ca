import { useRef } from 'preact/hooks';
import { Command } from '../parts/command.tsx';
import { Icon } from '../parts/icon.tsx';
import { commandsFor } from './commands.ts';

/** Menu with the commands that show the same in a terminal. */
export function Commands({ resourceKey }: { resourceKey: string }) {
  const menu = useRef<HTMLDetailsElement>(null);
  return (
    <details
      class="menu"
      ref={menu}
      onKeyDown={(event) => event.key === 'Escape' && menu.current?.removeAttribute('open')}
    >
      <summary class="button">
        <Icon name="copy" /> Copy as kplug command
      </summary>
      <div class="wide">
        {commandsFor(resourceKey).map((command) => (
          <Command key={command} text={command} />
        ))}
      </div>
    </details>
  );
}
