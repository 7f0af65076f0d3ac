import { type CartPole, MAX_STEPS } from './cartpole.ts';
import type { Random } from './random.ts';

const HIDDEN = 16;
/** Numbers per hidden unit: four input weights, a bias, an output weight. */
const STRIDE = 6;
const OUTPUT_BIAS = HIDDEN * STRIDE;

/** How many numbers make a policy: four inputs, sixteen tanh units, one output. */
export const PARAMETERS: number = OUTPUT_BIAS + 1;

/** True to push right: the sign of the network's output. */
export function pushesRight(parameters: Float32Array, world: CartPole): boolean {
  const { position, speed, angle, angularSpeed } = world;
  let output = weight(parameters, OUTPUT_BIAS);
  for (let base = 0; base < OUTPUT_BIAS; base += STRIDE) {
    const sum =
      weight(parameters, base) * position +
      weight(parameters, base + 1) * speed +
      weight(parameters, base + 2) * angle +
      weight(parameters, base + 3) * angularSpeed +
      weight(parameters, base + 4);
    output += weight(parameters, base + 5) * Math.tanh(sum);
  }
  return output > 0;
}

/** Plays one episode and returns its length, which is its return: CartPole pays one point per step. */
export function playEpisode(world: CartPole, parameters: Float32Array, next: Random): number {
  world.reset(next);
  for (let step = 1; step <= MAX_STEPS; step += 1) {
    if (world.step(pushesRight(parameters, world))) return step;
  }
  return MAX_STEPS;
}

function weight(parameters: Float32Array, index: number): number {
  return parameters[index] as number;
}
