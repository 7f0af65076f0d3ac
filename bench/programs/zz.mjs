import { sum } from '../compare/bodies.mjs';
import { get, init, put, remote, shutdown } from '../lib/mobula.mjs';
import { median } from '../lib/stats.mjs';
const source = new Float64Array((64 * 2 ** 20) / 8).fill(1);
await init({ numCpus: 2, objectStoreMemory: '1GiB' });
const ref = put(source); const small = put(new Float64Array(16384));
const task = remote(function t(numbers, step){ const s = performance.now(); let total=0; for (let i=0;i<numbers.length;i+=step) total+=numbers[i]; return [total, performance.now()-s, performance.timeOrigin + s, performance.timeOrigin + performance.now()]; });

async function rounds(n, r){ const all=[],inn=[],pre=[],post=[]; for(let i=0;i<n;i++){const s=performance.now(); const [,t,b,e]=await get(task.remote(r,512)); const now=performance.now(); all.push(now-s); inn.push(t); pre.push(b-performance.timeOrigin-s); post.push(now-(e-performance.timeOrigin));} console.log('all',median(all).toFixed(3),'inside',median(inn).toFixed(3),'min',Math.min(...inn).toFixed(3),'before',median(pre).toFixed(3),'after',median(post).toFixed(3));}
if (process.argv[2]) { const t0=remote(function n(a,b){return a.length}); for (let i=0;i<+process.argv[2];i++) await get(t0.remote(small,1)); }
await rounds(64, ref);
await new Promise(r=>setTimeout(r,2000));
for (let i=0;i<3;i++) await rounds(64, ref);
for (let i=0;i<3;i++) await rounds(64, small);
await shutdown();
