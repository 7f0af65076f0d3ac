import type { AnyFunction } from './shipped.ts';

const name = 'function anonymous';

/** Words of the language that no variable can be called, and what every function that is no arrow function has of its own. */
const reserved = new Set(
  (
    'break case catch continue default delete do else false finally for if in instanceof new null return switch throw true try ' +
    'typeof void while this arguments'
  ).split(' '),
);

/**
 * Whether a function looks as if `new Function` had made it, and uses nothing but its parameters: then it means the same wherever it stands, and
 * V8 need not be asked. What follows a dot is a property; any other word, if in a string, is taken for a variable.
 */
export function isClosed(fn: AnyFunction, text: string): boolean {
  if (!text.startsWith(name)) return false;
  const head = /^function anonymous\(([\w$, ]*)\n\) \{\n/.exec(text);
  if (head === null || Object.getPrototypeOf(fn) !== Function.prototype || !isSloppy(fn)) return false;
  const parameters = (head[1] ?? '').split(/[, ]+/);
  const body = text.slice(head[0].length).replace(/(?<![.\d])\.[A-Za-z_$][\w$]*/g, '.');
  if (/[\\#]/.test(body)) return false;
  return wordsOf(body).every((word) => /^\d/.test(word) || reserved.has(word) || parameters.includes(word));
}

/** Strict functions have no `caller`: reading it throws. Those of sloppy code have one of their own until Node 24. */
export function isSloppy(fn: object): boolean {
  if (Object.hasOwn(fn, 'caller')) return true;
  try {
    Reflect.get(fn, 'caller');
    return true;
  } catch {
    return false;
  }
}

/** Maximal runs of what may stand in a name, each once; strings and comments add words that do no harm. */
export function wordsOf(text: string): string[] {
  return [...new Set(text.match(/[^\s!-#%-/:-@[-^`{-~]+/g))];
}

/** Inside of what `new Function` made, `anonymous` is a name like any other: where it is used, it goes from the head of the text. */
export function withoutName(text: string): string {
  return text.includes('anonymous', name.length) ? text.replace(name, 'function'.padEnd(name.length)) : text;
}
