import type { Random } from './random.ts';

/** An episode of CartPole-v1 ends here at the latest, so this is the highest return there is. */
export const MAX_STEPS = 500;

const GRAVITY = 9.8;
const POLE_MASS = 0.1;
const TOTAL_MASS = 1.0 + POLE_MASS;
const HALF_POLE_LENGTH = 0.5;
const POLE_MOMENT = POLE_MASS * HALF_POLE_LENGTH;
const FORCE = 10;
const SECONDS_PER_STEP = 0.02;
const MAX_ANGLE = (12 * 2 * Math.PI) / 360;
const MAX_POSITION = 2.4;

/**
 * CartPole-v1 as Gym defines it (Barto, Sutton and Anderson's cart and pole; explicit Euler steps):
 * one point for every step, over when the pole leans more than 12°, the cart leaves ±2.4, or after 500 steps.
 */
export class CartPole {
  position = 0;
  speed = 0;
  angle = 0;
  angularSpeed = 0;

  /** Starts an episode: every number of the state is drawn from ±0.05. */
  reset(next: Random): void {
    this.position = next() * 0.1 - 0.05;
    this.speed = next() * 0.1 - 0.05;
    this.angle = next() * 0.1 - 0.05;
    this.angularSpeed = next() * 0.1 - 0.05;
  }

  /** Pushes the cart to the right or to the left for one step; true once the pole or the cart is out of bounds. */
  step(pushRight: boolean): boolean {
    const force = pushRight ? FORCE : -FORCE;
    const cos = Math.cos(this.angle);
    const sin = Math.sin(this.angle);
    const push = (force + POLE_MOMENT * this.angularSpeed * this.angularSpeed * sin) / TOTAL_MASS;
    const angularAcceleration =
      (GRAVITY * sin - cos * push) / (HALF_POLE_LENGTH * (4 / 3 - (POLE_MASS * cos * cos) / TOTAL_MASS));
    const acceleration = push - (POLE_MOMENT * angularAcceleration * cos) / TOTAL_MASS;
    this.position += SECONDS_PER_STEP * this.speed;
    this.speed += SECONDS_PER_STEP * acceleration;
    this.angle += SECONDS_PER_STEP * this.angularSpeed;
    this.angularSpeed += SECONDS_PER_STEP * angularAcceleration;
    return Math.abs(this.position) > MAX_POSITION || Math.abs(this.angle) > MAX_ANGLE;
  }
}
