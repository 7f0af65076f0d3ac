use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use mobula_store::{BufferId, EnvId, Store, StoreConfig};
use mobula_sync::Mutex;
use mobula_sync::atomic::{AtomicU64, Ordering};

use crate::limits::RANGE;
use crate::link::{Link, Own};
use crate::proof::Token;
use crate::{Config, DataPlane, Identity, Name, NodeId, PullError, Pulled, Serve, Ticket, URGENT, Wanted};

pub(super) const TOKEN: &[u8] = b"token of the tests";
pub(super) const LOCAL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// Only a hang takes so long.
pub(super) const HANG: Duration = Duration::from_secs(60);
const ENV: EnvId = EnvId(1);

pub(super) fn name(number: u64) -> Name {
    Name::new(&number.to_le_bytes()).unwrap()
}

pub(super) fn node_id(number: u8) -> NodeId {
    NodeId([number; 8])
}

/// Bytes that tell which buffer and which place they belong to.
pub(super) fn pattern(seed: u64, len: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..len)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        })
        .collect()
}

pub(super) fn store(capacity: u64) -> Arc<Store> {
    let config = StoreConfig {
        max_mappings: None,
        capacity,
        spill_directory: std::env::temp_dir(),
        memory_limit: None,
    };
    Arc::new(Store::open(config).unwrap())
}

/// Objects by name. It holds one reference to each buffer.
pub(super) struct Objects {
    store: Arc<Store>,
    objects: Mutex<HashMap<Name, Vec<BufferId>>>,
}

impl Serve for Objects {
    fn find(&self, name: &Name) -> Option<Vec<BufferId>> {
        let buffers = self.objects.lock().get(name).cloned()?;
        for &buffer in &buffers {
            self.store.retain(buffer);
        }
        Some(buffers)
    }
}

/// A node: a store, a data plane, and what was reported.
pub(super) struct Node {
    pub(super) id: NodeId,
    pub(super) store: Arc<Store>,
    pub(super) plane: DataPlane,
    objects: Arc<Objects>,
    ends: Mutex<Receiver<(Ticket, Result<Pulled, PullError>)>>,
}

impl Node {
    pub(super) fn new(number: u8, capacity: u64) -> Self {
        Self::with(number, capacity, 1 << 30, TOKEN)
    }

    pub(super) fn with(number: u8, capacity: u64, most: u64, token: &[u8]) -> Self {
        Self::at(number, capacity, LOCAL, most, token, None)
    }

    pub(super) fn at(
        number: u8,
        capacity: u64,
        address: SocketAddr,
        most: u64,
        token: &[u8],
        identity: Option<Identity>,
    ) -> Self {
        let store = store(capacity);
        let objects = Arc::new(Objects {
            store: Arc::clone(&store),
            objects: Mutex::default(),
        });
        let (send, ends) = channel();
        let config = Config {
            node: node_id(number),
            address,
            token: token.to_vec(),
            identity,
            most,
        };
        let plane = DataPlane::listen(
            &config,
            Arc::clone(&store),
            Arc::clone(&objects) as _,
            move |ticket, end| {
                send.send((ticket, end)).unwrap();
            },
        );
        Self {
            id: config.node,
            store,
            plane: plane.unwrap(),
            objects,
            ends: Mutex::new(ends),
        }
    }

    /// Makes an object; gives what its buffers have.
    pub(super) fn make(&self, number: u64, lengths: &[u64]) -> Vec<Vec<u8>> {
        let data: Vec<_> = lengths
            .iter()
            .zip(0..)
            .map(|(&len, index)| pattern(number * 100 + index, len))
            .collect();
        self.put(number, &data);
        data
    }

    pub(super) fn put(&self, number: u64, data: &[Vec<u8>]) {
        let buffers = data.iter().map(|bytes| {
            let id = self.store.put(bytes, ENV).unwrap();
            self.store.adopt(id);
            id
        });
        let buffers = buffers.collect();
        self.objects.objects.lock().insert(name(number), buffers);
    }

    /// The object is served no more, and this node gives its references back.
    pub(super) fn unmake(&self, number: u64) {
        for buffer in self.objects.objects.lock().remove(&name(number)).unwrap() {
            self.store.release(buffer);
        }
    }

    /// A buffer that was pulled is an object of this node.
    pub(super) fn adopt(&self, number: u64, buffer: BufferId) {
        self.objects.objects.lock().insert(name(number), vec![buffer]);
    }

    pub(super) fn buffers(&self, number: u64) -> Vec<BufferId> {
        self.objects.objects.lock()[&name(number)].clone()
    }

    /// An object of this node, as another wants it.
    pub(super) fn wanted(&self, number: u64, bytes: u64) -> Wanted {
        Self::wanted_at(self.id, self.plane.address(), number, bytes)
    }

    pub(super) fn wanted_at(peer: NodeId, address: SocketAddr, number: u64, bytes: u64) -> Wanted {
        Wanted {
            peer,
            address,
            name: name(number),
            bytes,
            priority: URGENT,
        }
    }

    /// Pulls an object and waits for its end.
    pub(super) fn pull(&self, wanted: &Wanted) -> Result<Pulled, PullError> {
        let ticket = self.plane.pull(wanted)?;
        let (ended, end) = self.end();
        assert_eq!(ended, ticket);
        end
    }

    /// The next end that is reported.
    pub(super) fn end(&self) -> (Ticket, Result<Pulled, PullError>) {
        self.ends.lock().recv_timeout(HANG).expect("a pull ends")
    }

    /// Nothing has been reported.
    pub(super) fn assert_no_end(&self) {
        assert!(self.ends.lock().try_recv().is_err());
    }

    /// Waits until the store has nothing more, as soon as what is under way has ended.
    pub(super) fn assert_empty(&self) {
        until(|| {
            let stats = self.store.stats();
            (stats.used, stats.pinned, stats.buffers) == (0, 0, 0)
        });
    }

    /// Waits until nothing is held in memory.
    pub(super) fn assert_unpinned(&self) {
        until(|| self.store.stats().pinned == 0);
    }
}

pub(super) fn until(mut is: impl FnMut() -> bool) {
    let end = Instant::now() + HANG;
    while !is() {
        assert!(Instant::now() < end, "it does not come about");
        thread::sleep(Duration::from_millis(1));
    }
}

/// What a pulled object has.
pub(super) fn content(store: &Store, pulled: &Pulled) -> Vec<Vec<u8>> {
    let read = pulled.buffers().iter().map(|buffer| {
        let mut bytes = vec![0; usize::try_from(buffer.len).unwrap()];
        store.read(buffer.id, 0, &mut bytes).unwrap();
        assert_eq!(buffer.sum, crc32fast::hash(&bytes));
        bytes
    });
    read.collect()
}

/// Between a node and its peer: passes bytes on, and cuts the connection after `most` bytes of the peer's.
pub(super) struct Proxy {
    pub(super) address: SocketAddr,
    /// Bytes of the peer's that have been passed on.
    pub(super) passed: Arc<AtomicU64>,
}

impl Proxy {
    pub(super) fn new(to: SocketAddr, most: u64, at_the_end: impl Fn() + Send + 'static) -> Self {
        let listener = TcpListener::bind(LOCAL).unwrap();
        let address = listener.local_addr().unwrap();
        let passed = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&passed);
        thread::spawn(move || {
            while let Ok((socket, _)) = listener.accept() {
                let peer = TcpStream::connect(to).unwrap();
                let (mut from, mut into) = (socket.try_clone().unwrap(), peer.try_clone().unwrap());
                thread::spawn(move || std::io::copy(&mut from, &mut into));
                let mut bytes = vec![0; 64 << 10];
                loop {
                    let left = most - count.load(Ordering::Relaxed);
                    let length = (left as usize).min(bytes.len());
                    let Ok(read) = (&peer).read(&mut bytes[..length]) else {
                        break;
                    };
                    if read == 0 {
                        break;
                    }
                    count.fetch_add(read as u64, Ordering::Relaxed);
                    if (&socket).write_all(&bytes[..read]).is_err() {
                        break;
                    }
                }
                if count.load(Ordering::Relaxed) == most {
                    at_the_end();
                }
                let _ = socket.shutdown(Shutdown::Both);
                let _ = peer.shutdown(Shutdown::Both);
            }
        });
        Self { address, passed }
    }
}

/// How a node proves what it is.
pub(super) fn own(number: u8) -> Own {
    Own {
        node: node_id(number),
        token: Token::new(TOKEN),
        tls: None,
    }
}

/// A peer that proves the token and then does what it likes: `act` is called for each connection.
pub(super) fn peer(number: u8, act: impl Fn(&mut Link) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind(LOCAL).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        while let Ok((socket, _)) = listener.accept() {
            let (mut link, _) = Link::accepted(socket, &own(number)).unwrap();
            link.is_proven(None).unwrap();
            act(&mut link);
        }
    });
    address
}

/// A connection to `node` as another node makes it.
pub(super) fn dial(node: &Node, number: u8) -> Link {
    let socket = TcpStream::connect(node.plane.address()).unwrap();
    let link = Link::dialed(socket, &own(number), node.id).unwrap();
    link.is_proven(None).unwrap();
    link
}

/// Some bytes of ranges, and a rest.
pub(super) const LENGTHS: [u64; 6] = [0, 5, RANGE, RANGE + 1, 3 * RANGE - 5, 0];

pub(super) fn temporary(what: &str) -> PathBuf {
    std::env::temp_dir().join(format!("mobula-net-{what}-{}", std::process::id()))
}
