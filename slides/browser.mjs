// The browser that prints and tests, from where `make deps-docs` puts it.
import {createRequire} from 'node:module';
import {resolve} from 'node:path';

const modules = resolve(process.env.NODE_MODULES ?? 'build/node/node_modules');
const {chromium} = createRequire(modules + '/')('playwright-core');

export const launch = () =>
  chromium.launch({executablePath: process.env.CHROMIUM});
