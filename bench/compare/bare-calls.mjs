/** Calls over a port, by hand: `[number, method, value]` there, `[number, result]` back, a Map of promises. */
export class Caller {
  #port;
  #pending = new Map();
  #calls = 0;

  /** A Worker or a MessagePort. */
  constructor(port) {
    this.#port = port;
    const settle = ([id, value, error]) => {
      const { resolve, reject } = this.#pending.get(id);
      this.#pending.delete(id);
      if (error === undefined) resolve(value);
      else reject(error);
    };
    // A Worker has no `onmessage`; on a port it is faster than `on`.
    if ('onmessage' in port) port.onmessage = ({ data }) => settle(data);
    else port.on('message', settle);
  }

  call(method, value) {
    return new Promise((resolve, reject) => {
      const id = this.#calls++;
      this.#pending.set(id, { resolve, reject });
      this.#port.postMessage([id, method, value]);
    });
  }
}

/** Answers what a `Caller` at the other end of the port asks. Methods may return promises. */
export function serve(port, target) {
  port.onmessage = ({ data: [id, method, value] }) => {
    try {
      const result = target[method](value);
      if (result instanceof Promise) {
        result.then(
          (fulfilled) => port.postMessage([id, fulfilled]),
          (error) => port.postMessage([id, undefined, error]),
        );
      } else {
        port.postMessage([id, result]);
      }
    } catch (error) {
      port.postMessage([id, undefined, error]);
    }
  };
}
