import workerpool from 'workerpool';
import { noop, object } from '../bodies.mjs';

workerpool.worker({ noop, object });
