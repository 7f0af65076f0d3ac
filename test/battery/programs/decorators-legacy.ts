// TypeScript's old decorators (`experimentalDecorators`).
import { may, must, type Program } from '../inside/program.ts';

function logged(_target: any, _key: string, descriptor: PropertyDescriptor) {
  const method = descriptor.value;
  descriptor.value = function (this: any, ...args: any[]) {
    return ['logged', method.apply(this, args)];
  };
}
function sealed(target: Function) {
  Object.seal(target.prototype);
}

class Service {
  @logged
  run(x: number) {
    return x + 1;
  }
}
@sealed
class Sealed {
  value = 1;
}

export const programs: Program[] = [
  may('a method decorator', (call) => call((x: number) => new Service().run(x), 1)),
  may('a method decorator, actor', (call) => call.actor(Service).run(1)),
  may('a class decorator', (call) => call(() => [new Sealed().value, Object.isSealed(Sealed.prototype)])),
  must('a decorator as a plain function', (call) => call(() => typeof logged)),
];
