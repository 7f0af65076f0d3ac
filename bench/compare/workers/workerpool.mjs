import workerpool from 'workerpool';
import { noop, object, smallValue } from '../bodies.mjs';

workerpool.worker({ noop, object, smallValue });
