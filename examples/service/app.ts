import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import { get, init, put, shutdown } from 'mobula';
import { ITEMS, loadCatalogue } from './catalogue.ts';
import type { Config } from './config.ts';
import { Gate } from './gate.ts';
import { Health } from './health.ts';
import { Popular } from './popular.ts';
import { similarTo } from './similar.ts';

const itemId = { type: 'object', properties: { id: { type: 'integer', minimum: 0, maximum: ITEMS - 1 } } } as const;
type ItemRequest = FastifyRequest<{ Params: { id: number } }>;

/** The service, ready to listen. Closing it stops mobula too. */
export async function createApp(config: Config): Promise<FastifyInstance> {
  const app = Fastify();
  const runtime = await init();
  const catalogue = put(loadCatalogue());
  const popular = Popular.remote();
  const gate = new Gate(config.queueLimit);
  const health = new Health(runtime, gate);

  app.get('/items/:id/similar', { schema: { params: itemId } }, (request: ItemRequest, reply) =>
    gate.admit(reply, async () => {
      const { id } = request.params;
      // A client that hangs up cancels its task.
      const matches = similarTo.options({ signal: request.signal }).remote(catalogue, id, 10);
      const [similar] = await get([matches, popular.add.remote(id)]);
      return { id, similar };
    }),
  );

  app.get('/popular', (_request, reply) => gate.admit(reply, () => get(popular.top.remote(10))));

  app.get('/health', (_request, reply) => reply.code(health.stopping ? 503 : 200).send(health.report()));

  app.addHook('onRequest', async () => {
    health.accepted++;
  });
  app.addHook('onResponse', async () => {
    health.answered++;
  });
  app.addHook('preClose', async () => {
    health.stopping = true;
  });
  // Runs when every request is answered.
  app.addHook('onClose', async () => {
    health.close();
    await shutdown();
    console.log(`stopped: ${health.answered} of ${health.accepted} requests answered`);
  });
  return app;
}
