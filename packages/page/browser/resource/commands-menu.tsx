import { Command } from '../parts/command.tsx';
import { Icon } from '../parts/icon.tsx';
import { Menu } from '../parts/menu.tsx';
import { commandsFor } from './commands.ts';

/** Menu with the commands that show the same in a terminal. */
export function Commands({ resourceKey }: { resourceKey: string }) {
  const label = (
    <>
      <Icon name="copy" /> Copy as kplug command
    </>
  );
  return (
    <Menu label={label} isWide>
      {() => commandsFor(resourceKey).map((command) => <Command key={command} text={command} />)}
    </Menu>
  );
}
