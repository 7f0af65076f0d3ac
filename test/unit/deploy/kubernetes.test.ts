import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import test from 'node:test';
import { asked, ROOM_MS, startPlan } from './commands.ts';
import {
  type Container,
  documents,
  type Kustomization,
  type NetworkPolicy,
  type Service,
  text,
  type Workload,
} from './files.ts';

const POD_IP = '10.1.2.3';

const [service, head] = documents('head.yaml') as readonly [Service, Workload];
const [nodes] = documents('nodes.yaml') as readonly [Workload];
const [policy] = documents('network-policy.yaml') as readonly [NetworkPolicy];
const [kustomization] = documents('kustomization.yaml') as readonly [Kustomization];
const workloads: readonly Workload[] = [head, nodes];

const podOf = ({ spec }: Workload) => spec.template.spec;
const containerOf = (one: Workload): Container => podOf(one).containers[0];

/** What a container would do, with `$(NAME)` as Kubernetes fills it in: from its environment. */
function planOf(one: Workload) {
  const { command, args, env } = containerOf(one);
  const filled = args.map((arg) =>
    arg.replace(/\$\((\w+)\)/g, (_all, name) => {
      const path = env.find((entry) => entry.name === name)?.valueFrom.fieldRef?.fieldPath;
      assert.equal(path, 'status.podIP', arg);
      return POD_IP;
    }),
  );
  return startPlan([...command, ...filled]);
}

test('kustomization.yaml names each manifest, the image and the secret', () => {
  const manifests = readdirSync(new URL('../../../../deploy/', import.meta.url)).filter(
    (name) => name.endsWith('.yaml') && !['compose.yaml', 'kustomization.yaml'].includes(name),
  );
  assert.deepEqual([...kustomization.resources].sort(), manifests.sort());
  assert.deepEqual(
    kustomization.images.map(({ name }) => name),
    ['mobula-app'],
  );
  for (const one of workloads) {
    assert.equal(containerOf(one).image, 'mobula-app');
    const token = containerOf(one).env.find(({ name }) => name === 'MOBULA_AUTH_TOKEN')?.valueFrom.secretKeyRef;
    const secret = kustomization.secretGenerator.find(({ name }) => name === token?.name);
    assert.deepEqual(secret?.envs, [text('.gitignore').trim()]);
    assert.equal(token?.key, 'MOBULA_AUTH_TOKEN');
  }
});

test('the head is one pod with a volume and a name', () => {
  const { head: plan, node } = planOf(head);
  assert.deepEqual([head.kind, head.spec.replicas, head.spec.serviceName], ['StatefulSet', 1, service.metadata.name]);
  assert.equal(node, undefined);
  assert.deepEqual([plan?.bind, plan?.advertise], ['0.0.0.0', service.metadata.name]);
  assert.deepEqual([service.kind, service.spec.clusterIP], ['Service', 'None']);
  const [{ port = 0, targetPort = '' } = {}] = service.spec.ports;
  const target = containerOf(head).ports?.find(({ name }) => name === targetPort);
  assert.deepEqual([port, target?.containerPort], [plan?.port, plan?.port]);
  assert.deepEqual(service.spec.selector, head.spec.template.metadata.labels);
  const [mount] = containerOf(head).volumeMounts;
  assert.deepEqual(
    head.spec.volumeClaimTemplates?.map(({ metadata }) => metadata.name),
    [mount?.name],
  );
  assert.ok(String(plan?.dataDir).startsWith(`${mount?.mountPath}/`));
});

test('a node joins the head by the name of its service, and is reached at the IP of its pod', () => {
  const { head: none, node } = planOf(nodes);
  assert.equal(nodes.kind, 'Deployment');
  assert.equal(none, undefined);
  const address = `${service.metadata.name}:${service.spec.ports[0]?.port}`;
  assert.deepEqual([node?.address, node?.bind, node?.advertise], [address, '0.0.0.0', POD_IP]);
  const names = podOf(nodes).volumes?.map(({ name }) => name);
  for (const mount of containerOf(nodes).volumeMounts) assert.ok(names?.includes(mount.name));
});

test('probes ask the head; only the head dies of one', () => {
  const { startupProbe, readinessProbe, livenessProbe } = containerOf(head);
  for (const probe of [startupProbe, readinessProbe, livenessProbe]) {
    assert.equal(asked(probe?.exec.command ?? []), `127.0.0.1:${planOf(head).head?.port}`);
    assert.equal(probe?.timeoutSeconds, 15);
  }
  const node = containerOf(nodes);
  assert.equal(asked(node.readinessProbe.exec.command), planOf(nodes).node?.address);
  assert.deepEqual([node.startupProbe, node.livenessProbe], [undefined, undefined]);
});

test('pods have limits and no rights, and are left time to drain', () => {
  for (const one of workloads) {
    const { terminationGracePeriodSeconds, securityContext } = podOf(one);
    assert.ok(terminationGracePeriodSeconds * 1000 >= planOf(one).drainMs + ROOM_MS);
    assert.deepEqual([securityContext.runAsNonRoot, securityContext.runAsUser], [true, 1000]);
    const { requests, limits } = containerOf(one).resources;
    assert.ok(requests['cpu'] !== undefined && requests['memory'] !== undefined && limits['memory'] !== undefined);
  }
});

test('only pods with the label of the cluster reach its pods', () => {
  const { matchLabels } = policy.spec.podSelector;
  assert.deepEqual(policy.spec.policyTypes, ['Ingress']);
  assert.deepEqual(policy.spec.ingress, [{ from: [{ podSelector: { matchLabels } }] }]);
  for (const { spec } of workloads) {
    const { labels } = spec.template.metadata;
    assert.deepEqual(spec.selector.matchLabels, labels);
    for (const [name, value] of Object.entries(matchLabels)) assert.equal(labels[name], value);
  }
  assert.notDeepEqual(head.spec.selector.matchLabels, nodes.spec.selector.matchLabels);
});
