// `npm run docs`: the API reference, in target/docs/. A public name without documentation is an error.
import { install, tool } from './run.mjs';

install();
tool('typedoc/bin/typedoc', []);
