/** The pools at the settings that serve them best; each opens as `{ call, close }`. */

const fileOf = (name) => new URL(`./workers/${name}.mjs`, import.meta.url);

export const POOLS = {
  async piscina(workers, body) {
    const { Piscina } = await import('piscina');
    const pool = new Piscina({
      filename: fileOf('module').href,
      name: body,
      minThreads: workers,
      maxThreads: workers,
      concurrentTasksPerWorker: 64,
    });
    return { call: (value) => pool.run(value), close: () => pool.destroy() };
  },

  async tinypool(workers, body) {
    const { Tinypool } = await import('tinypool');
    const pool = new Tinypool({
      filename: fileOf('module').href,
      name: body,
      minThreads: workers,
      maxThreads: workers,
      concurrentTasksPerWorker: 64,
    });
    return { call: (value) => pool.run(value), close: () => pool.destroy() };
  },

  async workerpool(workers, body) {
    const { default: workerpool } = await import('workerpool');
    const size = { minWorkers: workers, maxWorkers: workers };
    const pool = workerpool.pool(fileOf('workerpool').pathname, { ...size, workerType: 'thread' });
    return { call: (value) => pool.exec(body, [value]), close: () => pool.terminate(true) };
  },

  poolifier: (workers, body) => openPoolifier(workers, body, {}),

  'poolifier+queue': (workers, body) =>
    openPoolifier(workers, body, { enableTasksQueue: true, tasksQueueOptions: { concurrency: 64 } }),
};

async function openPoolifier(workers, body, options) {
  const { FixedThreadPool } = await import('poolifier');
  const pool = new FixedThreadPool(workers, fileOf('poolifier').pathname, {
    ...options,
    workerOptions: { workerData: { body } },
  });
  return { call: (value) => pool.execute(value), close: () => pool.destroy() };
}
