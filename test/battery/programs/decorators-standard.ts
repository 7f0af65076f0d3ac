// The decorators of the language, which compilers lower.
import { may, type Program } from '../inside/program.ts';

function logged(method: any, _context: any) {
  return function (this: any, ...args: any[]) {
    return ['logged', method.apply(this, args)];
  };
}

class Service {
  @logged
  run(x: number) {
    return x + 1;
  }
}

export const programs: Program[] = [
  may('a method decorator', (call) => call((x: number) => new Service().run(x), 1)),
  may('a method decorator, actor', (call) => call.actor(Service).run(1)),
];
