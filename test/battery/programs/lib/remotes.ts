import { remote } from 'mobula';

export const twice = remote((x: number) => x * 2);
export const Adder = remote(
  class {
    n: number;
    constructor(n: number) {
      this.n = n;
    }
    add(by: number) {
      return this.n + by;
    }
  },
  { numCpus: 0 },
);
