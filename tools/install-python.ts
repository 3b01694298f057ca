import { installPython } from './python/environment.ts';

/** `pnpm python:install`: creates `packages/sdk-python/.venv`, the environment for developing, testing and checking the Python package. */
console.log(await installPython((message) => console.error(`Python: ${message}`)));
