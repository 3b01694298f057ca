import { installPython } from './python/environment.ts';

/** `pnpm python:install`: makes `packages/sdk-python/.venv`, in which the Python package is developed, tested and checked. */
console.log(await installPython((message) => console.error(`Python: ${message}`)));
