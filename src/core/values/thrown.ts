import { describeThrown } from '../../common/thrown.ts';
import { type Carries, remainingProperties, remainsOf } from '../../store/codec/index.ts';

/**
 * What arrives of something thrown that cannot travel whole: everything in it that can, with a mark in place of each part that
 * cannot. What cannot travel at all, such as a function or an instance of a class that is no error, becomes an Error that says
 * so and has the properties that can.
 */
export function remainsOfThrown(thrown: unknown, carries: Carries): unknown {
  const left = remainsOf(thrown, carries);
  if (typeof left !== 'string' || typeof thrown === 'string') return left;
  const error = new Error(`something was thrown that cannot travel: ${describeThrown(thrown)}`);
  // The stack of the throw is not known, and this function's own would be misleading.
  error.stack = `${error.name}: ${error.message}`;
  if (typeof thrown === 'object' && thrown !== null) {
    Object.defineProperties(error, Object.getOwnPropertyDescriptors(propertiesOf(thrown, carries)));
  }
  return error;
}

function propertiesOf(thrown: object, carries: Carries): object {
  try {
    // What it says of itself is in the message already, if it is a text.
    const { message: _, ...properties } = remainingProperties(thrown, carries) as Record<string, unknown>;
    return properties;
  } catch {
    return {};
  }
}
