// `mobula start` without the command around it, and with doubles: carries out the plan that it is given.
import { PlanServer, type Serving } from '../../../src/boot/supervisor/serve.ts';
import { doubles } from './double-head.ts';

const server = new PlanServer(JSON.parse(process.argv[2] ?? '') as Serving, doubles());
server.up.then(
  (up) => console.log(JSON.stringify(up)),
  (error: unknown) => console.log((error as Error).message),
);
const failure = await server.over;
console.log(failure === undefined ? 'over' : failure.message);
