//! The data plane made to fail at its points: each pull ends with a typed error, nothing is left, and the next one is right.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use mobula_fault::{Action, arm, disarm, fired};
use mobula_net::{Config, DataPlane, Name, NodeId, PullError, Pulled, Serve, Ticket, URGENT, Wanted};
use mobula_store::{BufferId, EnvId, PIECE, Store, StoreConfig};
use mobula_sync::Mutex;

const LEN: u64 = 3 * PIECE + 100;
const HANG: Duration = Duration::from_secs(60);
/// Points are the process's: one test at a time.
static ONE: std::sync::LazyLock<Mutex<()>> = std::sync::LazyLock::new(Mutex::default);

struct Objects(Arc<Store>, HashMap<Name, BufferId>);

impl Serve for Objects {
    fn find(&self, name: &Name) -> Option<Vec<BufferId>> {
        let buffer = *self.1.get(name)?;
        self.0.retain(buffer);
        Some(vec![buffer])
    }
}

struct Node {
    store: Arc<Store>,
    plane: DataPlane,
    ends: Receiver<(Ticket, Result<Pulled, PullError>)>,
}

fn name() -> Name {
    Name::new(b"object").unwrap()
}

fn data() -> Vec<u8> {
    (0..LEN).map(|at| (at * 31 / 7) as u8).collect()
}

impl Node {
    fn new(number: u8, serves: bool) -> Self {
        let config = StoreConfig {
            max_mappings: None,
            capacity: 64 << 20,
            spill_directory: std::env::temp_dir(),
            memory_limit: None,
        };
        let store = Arc::new(Store::open(config).unwrap());
        let mut objects = HashMap::new();
        if serves {
            let buffer = store.put(&data(), EnvId(0)).unwrap();
            store.adopt(buffer);
            objects.insert(name(), buffer);
        }
        let config = Config {
            node: NodeId([number; 8]),
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            token: b"token".to_vec(),
            identity: None,
            most: 64 << 20,
        };
        let (send, ends) = channel();
        let objects = Arc::new(Objects(Arc::clone(&store), objects));
        let report = move |ticket, end| send.send((ticket, end)).unwrap();
        let plane = DataPlane::listen(&config, Arc::clone(&store), objects, report).unwrap();
        Self { store, plane, ends }
    }

    fn pull(&self, from: &Node) -> Result<Pulled, PullError> {
        let wanted = Wanted {
            peer: NodeId([1; 8]),
            address: from.plane.address(),
            name: name(),
            bytes: LEN,
            priority: URGENT,
        };
        self.plane.pull(&wanted).unwrap();
        self.ends.recv_timeout(HANG).expect("a pull ends").1
    }

    fn assert_right(&self, pulled: &Pulled) {
        let mut bytes = vec![0; LEN as usize];
        self.store.read(pulled.buffers()[0].id, 0, &mut bytes).unwrap();
        assert_eq!(bytes, data());
    }

    fn assert_empty(&self) {
        let stats = self.store.stats();
        assert_eq!((stats.used, stats.buffers), (0, 0), "{stats:?}");
    }
}

#[test]
fn a_sender_that_fails_anywhere_breaks_the_pull_which_goes_on() {
    let _one = ONE.lock();
    let (a, b) = (Node::new(1, true), Node::new(2, false));
    // 16 chunks a range.
    for hit in [1, 2, 16, 17, 33, 49] {
        assert!(arm("net.serve.bytes", hit, Action::Error(5)));
        let end = b.pull(&a);
        assert_eq!(fired(), 1);
        disarm();
        let whole = u64::from(hit - 1) / 16 * PIECE;
        assert!(
            matches!(end, Err(PullError::Broken { got, .. }) if got == whole),
            "{end:?}"
        );
        let pulled = b.pull(&a).unwrap();
        b.assert_right(&pulled);
        drop(pulled);
        b.assert_empty();
    }
}

#[test]
fn a_receiver_without_memory_says_so_and_keeps_the_connection() {
    let _one = ONE.lock();
    let a = Node::new(1, true);
    for hit in [1, 3, 20, 49] {
        // New each time: its pages are fresh.
        let b = Node::new(2, false);
        assert!(arm("store.receive.write", hit, Action::Error(28)));
        let end = b.pull(&a);
        assert_eq!(fired(), 1);
        disarm();
        assert!(matches!(end, Err(PullError::Memory(_))), "{end:?}");
        b.assert_empty();
        b.assert_right(&b.pull(&a).unwrap());
    }
}

#[test]
fn a_receiver_that_is_slow_at_every_step_gets_it_right() {
    let _one = ONE.lock();
    let (a, b) = (Node::new(1, true), Node::new(2, false));
    for point in [
        "store.receive.reserved",
        "store.receive.seal",
        "net.pull.whole",
        "net.serve.bytes",
    ] {
        assert!(arm(point, 1, Action::Delay(20)));
        b.assert_right(&b.pull(&a).unwrap());
        assert!(fired() > 0, "{point}");
        disarm();
    }
}
