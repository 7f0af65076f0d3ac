// A driver whose output is read: test/cluster/output.test.ts starts it in a cluster of two nodes.
import { context, get, init, nodes, remote, shutdown, wait } from 'mobula';

const [address = '', mode = ''] = process.argv.slice(2);
await init({ address });

const on = nodes()
  .filter(({ driver }) => !driver)
  .map(({ nodeId }) => nodeId)
  .sort();
const [first = '', second = ''] = on;
const at = (nodeId: string) => ({ schedulingStrategy: { nodeId } as const });

const modes: Record<string, () => Promise<void>> = {
  async lines() {
    const says = remote(
      (i: number) => {
        console.log(`out ${i} ä😀`);
        console.error(`err ${i}`);
        return i;
      },
      { name: 'says' },
    );
    for (let i = 0; i < 30; i++) console.log(`result ${await get(says.options(at(first)).remote(i))}`);
  },
};

await modes[mode]?.();
await shutdown();
