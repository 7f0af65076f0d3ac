// Planted bugs. Each replaces one place of the core, which must occur exactly once, and names the tests that must fail then.
// `npm run test:mutants` runs them.

const loom = (filter) => ({ kind: 'loom', args: ['-p', 'mobula-queue', '--test', 'loom'], filter });
const states = (filter) => ({ kind: 'loom', args: ['-p', 'mobula-sched', '--lib'], filter });
const shuttle = (crate, filter) => ({ kind: 'shuttle', args: ['-p', crate, '--test', 'shuttle'], filter });
const model = { kind: 'model', args: [], filter: 'test/chaos/model.test.js' };
const plain = (crate, test, filter) => ({ kind: 'plain', args: ['-p', crate, '--test', test], filter });

const queue = 'crates/mobula-queue/src';
const sched = 'crates/mobula-sched/src';
const store = 'crates/mobula-store/src';

export const mutants = [
  {
    name: 'a ring looks for sleepers without a fence',
    file: `${queue}/doorbell.rs`,
    from: `        // Pairs with the fence in \`sleep_unless\`.
        fence(Ordering::SeqCst);`,
    to: '',
    by: loom('bells::a_consumer_never_sleeps'),
  },
  {
    name: 'a sleeper looks for work without a fence',
    file: `${queue}/doorbell.rs`,
    from: `        // Pairs with the fence in \`ring\`.
        fence(Ordering::SeqCst);`,
    to: '',
    by: loom('bells::a_consumer_never_sleeps'),
  },
  {
    name: 'an object is completed without publishing its value',
    file: `${queue}/waiters.rs`,
    from: 'self.0.swap(DONE, Ordering::AcqRel)',
    to: 'self.0.swap(DONE, Ordering::Relaxed)',
    by: loom('waiters::'),
  },
  {
    name: 'a waiter that finds the object done does not see its value',
    file: `${queue}/waiters.rs`,
    from: `        let mut word = self.0.load(Ordering::Acquire);`,
    to: `        let mut word = self.0.load(Ordering::Relaxed);`,
    by: loom('waiters::a_waiter_that_races'),
  },
  {
    name: 'what does not fit into the ring is taken from the overflow and lost',
    file: `${queue}/ready.rs`,
    from: `            let Some(&first) = overflow.front() else { break };
            if self.ring.push(first).is_err() {
                break;
            }
            overflow.pop_front();`,
    to: `            let Some(first) = overflow.pop_front() else { break };
            if self.ring.push(first).is_err() {
                break;
            }`,
    by: loom('queues::an_overflowing_queue'),
  },
  {
    name: 'a slot of the ring is filled without publishing the item',
    file: `${queue}/ring.rs`,
    from: 'slot.stamp.store(ticket + 1, Ordering::Release);',
    to: 'slot.stamp.store(ticket + 1, Ordering::Relaxed);',
    by: loom('queues::two_producers'),
  },
  {
    name: 'a claim is a load and a store',
    file: `${queue}/claim.rs`,
    from: 'self.0.swap(TAKEN, Ordering::AcqRel) == OPEN',
    to: `{
            let open = self.0.load(Ordering::Acquire) == OPEN;
            self.0.store(TAKEN, Ordering::Release);
            open
        }`,
    by: loom('claims::a_task_is_begun'),
  },
  {
    name: 'the last arrival does not see what the others wrote',
    file: `${queue}/counter.rs`,
    from: 'self.0.fetch_sub(1, Ordering::AcqRel) == 1',
    to: 'self.0.fetch_sub(1, Ordering::Relaxed) == 1',
    by: loom('queues::exactly_one_arrival'),
  },
  {
    name: 'a task waits for one arrival too few',
    file: `${sched}/submit.rs`,
    from: 'cell.missing.arm(deps + 1);',
    to: 'cell.missing.arm(deps);',
    by: plain('mobula-sched', 'node', 'tasks::'),
  },
  {
    name: 'a worker that has looked for work in vain still counts as one that looks',
    file: `${queue}/idle.rs`,
    from: 'self.searching.store(0, Ordering::Relaxed);',
    to: '',
    by: loom('bells::a_worker_that_looks'),
  },
  {
    name: 'a worker does not look again for work before it sleeps',
    file: `${sched}/dispatch.rs`,
    from: '.sleep_unless(|| self.port_has_work(port, crew) || !list.is_listed(port.id))',
    to: '.sleep_unless(|| false)',
    by: shuttle('mobula-sched', 'workers_that_sleep'),
  },
  {
    name: 'who gives a CPU back looks for tasks too early',
    file: `${sched}/resources.rs`,
    from: 'fence(Ordering::SeqCst);',
    to: '',
    by: states('models::a_cpu_that_is_given_back'),
  },
  {
    name: 'the queue of the node waits for the own queues to be empty',
    file: `${sched}/policy.rs`,
    from: '_ => [Shared, Special, Own],',
    to: '_ => [Own, Special, Shared],',
    by: plain('mobula-sched', 'node', 'fairness::'),
  },
  {
    name: 'no CPU is reserved for who has waited long',
    file: `${sched}/watch.rs`,
    from: 'self.resources.reserve(reserved);',
    to: 'self.resources.reserve(0);',
    by: plain('mobula-sched', 'node', 'fairness::'),
  },
  {
    name: 'the deadline of an attempt ends the next',
    file: `${sched}/watch.rs`,
    from: ' && cell.deadline.load(Ordering::Relaxed) == deadline.at',
    to: '',
    by: plain('mobula-sched', 'node', 'limits::'),
  },
  {
    name: 'a task that is settled twice: the state moves without comparing',
    file: `${sched}/task.rs`,
    from: `        self.state
            .compare_exchange(
                word(generation, from),
                word(generation, to),
                Ordering::AcqRel,
                Ordering::Relaxed,
            )
            .is_ok()`,
    to: `        let moves = self.state.load(Ordering::Acquire) == word(generation, from);
        if moves {
            self.state.store(word(generation, to), Ordering::Release);
        }
        moves`,
    by: states('models::a_task_that_ends'),
  },
  {
    name: 'whoever frees an object does not see what the others wrote',
    file: `${sched}/object.rs`,
    from: 'self.refs.fetch_sub(1, Ordering::AcqRel)',
    to: 'self.refs.fetch_sub(1, Ordering::Relaxed)',
    by: states('models::an_object_is_read'),
  },
  {
    name: 'a call without retries runs again when its actor starts again',
    file: `${sched}/actor/restart.rs`,
    from: 'if creates || node.tasks.get(task).attempt() > self.retries(task) {',
    to: 'if creates {',
    by: shuttle('mobula-sched', 'without_retries'),
  },
  {
    name: 'a call that runs again goes behind the others',
    file: `${sched}/actor/calls.rs`,
    from: 'actor.queue.insert(place, task);',
    to: 'let _ = place;\n        actor.queue.push_back(task);',
    by: shuttle('mobula-sched', 'an_actor_that_starts_again'),
  },
  {
    name: 'a mapped buffer is evicted',
    file: `${store}/meta.rs`,
    from: 'self.pins > 0 || self.borrows > 0',
    to: 'self.borrows > 0',
    by: shuttle('mobula-store', 'threads_that_share'),
  },
  {
    name: 'a buffer that came into use while it was written to disk is evicted all the same',
    file: `${store}/meta.rs`,
    from: 'if !buffer.is_in_use() && buffer.refs > 0 {',
    to: 'if buffer.refs > 0 {',
    by: shuttle('mobula-store', 'threads_that_share'),
  },
  {
    name: 'pages are used again before the view of them is gone',
    file: `${store}/meta.rs`,
    from: 'if buffer.refs == 0 && !buffer.is_in_use() && !restoring {',
    to: 'if buffer.refs == 0 && !restoring {',
    by: plain('mobula-store', 'store', 'model::'),
  },
  {
    name: 'the checksum of a spill file is not compared',
    file: `${store}/spill.rs`,
    from: 'if hasher.finalize() == self.checksum {',
    to: 'if hasher.finalize() == self.checksum || self.length > 0 {',
    by: plain('mobula-store', 'store', 'spill::'),
  },
  {
    name: 'what a dead thread stored and told nobody stays',
    file: `${store}/view.rs`,
    from: `        for id in loose {
            self.adopt(id);
            self.release(id);
        }`,
    to: '        drop(loose);',
    by: plain('mobula-store', 'store', 'lifecycle::'),
  },
  {
    name: 'a mapping that was written to is given to the next view',
    file: `${store}/spares.rs`,
    from: 'if !self.pagemap.is_unwritten(&mapped) {',
    to: 'if !self.pagemap.tells() {',
    by: plain('mobula-store', 'store', 'spares::'),
  },
  {
    name: 'mappings of a buffer stay when it is freed, for the next of its number',
    file: `${store}/meta.rs`,
    from: 'if buffer.viewed > 1 && (buffer.refs == 0 || !resident) {',
    to: 'if buffer.viewed > 1 && !resident {',
    by: plain('mobula-store', 'store', 'spares::'),
  },
  {
    name: 'a mapping that somebody may still have is given to another',
    file: `${store}/view.rs`,
    from: 'self.end_view(view, false);',
    to: 'self.end_view(view, true);',
    by: plain('mobula-store', 'store', 'spares::'),
  },
  {
    name: 'a value does not take over its buffers',
    file: `${sched}/held.rs`,
    from: 'if !self.node.store.adopt(buffer, self.port) {',
    to: 'if buffer.id == u32::MAX {',
    by: plain('mobula-sched', 'node', 'tasks::'),
  },
  {
    name: 'a thread gives back a handle that it does not hold',
    file: `${sched}/submit.rs`,
    from: 'if cell.owner.load(Ordering::Relaxed) != u32::from(self.port) {',
    to: 'if cell.owner.load(Ordering::Relaxed) == u32::MAX - 1 {',
    by: plain('mobula-sched', 'node', 'wire::'),
  },
  {
    name: 'a thread ends a task that another runs',
    file: `${sched}/held.rs`,
    from: 'if self.node.is_at(task, self.port) {',
    to: 'if task != u32::MAX {',
    by: plain('mobula-sched', 'node', 'wire::'),
  },
  {
    name: 'a cell whose generations are used up is used again',
    file: `${sched}/task.rs`,
    from: 'let again = generation < last;',
    to: 'let again = generation < u32::MAX || last == 0;',
    by: plain('mobula-sched', 'node', 'generations::'),
  },
  {
    name: 'a thread is ended for a task that it has not begun',
    file: `${sched}/cancel.rs`,
    from: 'let Some(slot) = slot.filter(|&slot| self.reclaim(inner, slot, task.index)) else {',
    to: 'let Some(slot) = slot.filter(|_| task.index == u32::MAX) else {',
    by: plain('mobula-sched', 'node', 'cancel::'),
  },
  {
    name: 'an actor that comes when resources are just free overtakes one that waits for them',
    file: `${sched}/actor/placing.rs`,
    from: 'if denied.iter().any(|less| demand.covers(less)) {',
    to: 'if denied.len() > 1000 {',
    by: shuttle('mobula-sched', 'actors_that_want'),
  },
  {
    name: 'an actor that wants something else waits behind one that waits',
    file: `${sched}/resources.rs`,
    from: 'self.cpu >= less.cpu && less.others.iter().all(has)',
    to: 'self.cpu >= less.cpu || less.others.iter().all(has)',
    by: plain('mobula-sched', 'node', 'actor_ends::'),
  },
  {
    name: 'an actor is ended in place of one that had its number',
    file: `${sched}/actor/placing.rs`,
    from: 'actor.object == object && actor.lives_on(host)',
    to: 'actor.object != object && actor.lives_on(host)',
    by: shuttle('mobula-sched', 'an_actor_is_not_ended'),
  },
  {
    name: 'what a thread waited for is told to the one that has its number',
    file: `${sched}/dispatch.rs`,
    from: '| Event::Item { life, .. } => life != self.life,',
    to: '| Event::Item { life, .. } => life == u16::MAX,',
    by: plain('mobula-sched', 'node', 'deaths::'),
  },
  {
    name: 'a task whose worker is gone is not tried again',
    file: `${sched}/burial.rs`,
    from: 'if !poison && cell.tries() <= self.retries(task) {',
    to: 'if !poison && cell.tries() > u32::MAX - 1 {',
    by: model,
  },
  {
    name: 'calls of an actor run in another order than they were made',
    file: `${sched}/actor/calls.rs`,
    from: 'actor.queue.push_back(task);',
    to: 'actor.queue.push_front(task);',
    by: model,
  },
];
