//! The names of all points. `failpoint!` takes no other.

/// A place that a test can arm.
#[derive(Debug, Clone, Copy)]
pub struct Point {
    /// What a test calls it.
    pub name: &'static str,
    /// Whether the code there may fail, so that it can be armed with an error.
    pub fails: bool,
}

impl Point {
    const fn new(name: &'static str) -> Self {
        Self { name, fails: false }
    }

    const fn io(name: &'static str) -> Self {
        Self { name, fails: true }
    }
}

/// All points, in the order of the core's layers.
pub const POINTS: &[Point] = &[
    Point::new("store.put.before"),
    Point::new("store.put.reserved"),
    Point::new("store.put.filled"),
    Point::io("store.copy"),
    Point::new("store.create.reserved"),
    Point::io("store.create.allocated"),
    Point::new("store.create.mapped"),
    Point::new("store.receive.reserved"),
    Point::io("store.receive.write"),
    Point::new("store.receive.seal"),
    Point::new("store.seal.before"),
    Point::new("store.seal.taken"),
    Point::new("store.seal.after"),
    Point::new("store.unmap.before"),
    Point::new("store.unmap.after"),
    Point::new("store.map.borrowed"),
    Point::new("store.map.mapped"),
    Point::new("store.release_env.before"),
    Point::new("store.release_env.taken"),
    Point::new("store.restore.before"),
    Point::new("store.restore.reserved"),
    Point::new("store.restore.read"),
    Point::io("store.allocate"),
    Point::new("store.reserve.granted"),
    Point::new("store.evict.chosen"),
    Point::new("store.evict.before"),
    Point::new("store.evict.written"),
    Point::new("store.cool"),
    Point::new("store.release"),
    Point::io("spill.write.before"),
    Point::io("spill.write.chunk"),
    Point::new("spill.write.after"),
    Point::io("spill.open"),
    Point::new("spill.open.named"),
    Point::io("spill.read.before"),
    Point::io("spill.read.chunk"),
    Point::new("spill.delete"),
    Point::io("net.serve.bytes"),
    Point::new("net.pull.whole"),
    Point::new("commands.harvest"),
    Point::new("submit.read"),
    Point::new("submit.cell"),
    Point::new("submit.waiting"),
    Point::new("submit.registered"),
    Point::new("object.release"),
    Point::new("object.put"),
    Point::new("result.before"),
    Point::new("result.settling"),
    Point::new("result.settled"),
    Point::new("task.again"),
    Point::new("task.hand_back"),
    Point::new("task.pending"),
    Point::new("task.occupy"),
    Point::new("task.block"),
    Point::new("task.yield"),
    Point::new("turn.pass_on"),
    Point::new("template.end"),
    Point::new("follow.take"),
    Point::new("follow.taken"),
    Point::new("forward.push"),
    Point::new("forward.take"),
    Point::new("away.wait"),
    Point::new("lineage.again"),
    Point::new("queue.local"),
    Point::new("queue.plain"),
    Point::new("crew.plain"),
    Point::new("crew.special"),
    Point::new("crew.over"),
    Point::new("crew.cancel"),
    Point::new("turn.deliver"),
    Point::new("turn.wake"),
    Point::new("object.settle"),
    Point::new("object.propagate"),
    Point::new("object.free"),
    Point::new("task.ready"),
    Point::new("task.fail"),
    Point::new("task.free"),
    Point::new("queue.special"),
    Point::new("resources.give"),
    Point::new("object.subscribe"),
    Point::new("queue.steal"),
    Point::new("step.begin"),
    Point::new("batch.end"),
    Point::new("batch.reclaim"),
    Point::new("take.stop"),
    Point::new("take.stopped"),
    Point::new("step.sleep"),
    Point::new("step.asleep"),
    Point::new("news.write"),
    Point::new("task.take"),
    Point::new("task.taken"),
    Point::new("task.offer"),
    Point::new("task.special"),
    Point::new("actor.create"),
    Point::new("actor.call"),
    Point::new("actor.ready"),
    Point::new("actor.place"),
    Point::new("actor.hosted"),
    Point::new("actor.host"),
    Point::new("actor.wait"),
    Point::new("actor.fly"),
    Point::new("actor.call_back"),
    Point::new("actor.again"),
    Point::new("actor.ended"),
    Point::new("actor.made"),
    Point::new("actor.crashed"),
    Point::new("actor.restart"),
    Point::new("actor.place_anew"),
    Point::new("actor.moved"),
    Point::new("actor.end"),
    Point::new("actor.fail_queued"),
    Point::new("actor.retire"),
    Point::new("cancel.found"),
    Point::new("cancel.settling"),
    Point::new("port.close"),
    Point::new("port.closed"),
    Point::new("bury.begin"),
    Point::new("bury.shut"),
    Point::new("bury.recovered"),
    Point::new("bury.end"),
    Point::new("watchdog.look"),
    Point::new("watchdog.put_back"),
    Point::new("task.expire"),
    Point::new("task.put_back"),
    Point::new("attach.open"),
    Point::new("attach.opened"),
    Point::new("port.regions"),
    Point::new("native.attach"),
    Point::new("native.detach"),
    Point::new("native.bury"),
    Point::new("native.unpin"),
    Point::new("native.seal"),
    Point::new("native.ring"),
    Point::new("native.bell.end"),
];

/// The number of a point; evaluated when the code is compiled.
///
/// # Panics
/// When there is no such point, or it is not of this kind.
#[must_use]
pub const fn point(name: &str, fails: bool) -> usize {
    let mut point = 0;
    while point < POINTS.len() {
        if equal(POINTS[point].name.as_bytes(), name.as_bytes()) {
            assert!(
                POINTS[point].fails == fails,
                "the list says otherwise whether it may fail"
            );
            return point;
        }
        point += 1;
    }
    panic!("a point that is not in the list");
}

const fn equal(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut at = 0;
    while at < a.len() {
        if a[at] != b[at] {
            return false;
        }
        at += 1;
    }
    true
}
