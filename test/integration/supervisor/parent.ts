// A supervisor that a test can kill.
import { Supervised } from '../../../src/boot/supervisor/supervised.ts';
import type { Behaviour } from './child.ts';

const told = JSON.parse(process.argv[2] ?? '') as Behaviour;
const supervised = new Supervised({
  name: 'node',
  entry: new URL('./child.js', import.meta.url),
  replace: true,
  output: 2,
  config: (start) => ({ ...told, start }),
});
await supervised.over;
