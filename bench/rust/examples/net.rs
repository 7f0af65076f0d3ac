//! 1 GiB from one process to another over TCP: from store to store by the data plane, or by a bare program with the same stream,
//! checksums and buffers.
//!
//!     net store|tls|bare serve        prints its address, and serves until its standard input ends
//!     net store|tls|bare pull ADDRESS prints a line of JSON: GB/s into fresh pages, into warm ones, into warm ones that this
//!                                     process has mapped, and the same bytes again

#![expect(clippy::print_stdout, reason = "a program that reports")]

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use mobula_net::{
    Config, DataPlane, Identity, Name, NodeId, PullError, Pulled, Serve, Ticket, URGENT, Wanted,
};
use mobula_store::{BufferId, EnvId, PIECE, Store, StoreConfig};

const SIZE: usize = 1 << 30;
/// As the data plane: how much is checked at once, while it is in the cache.
const CHUNK: usize = 256 << 10;
const SERVER: NodeId = NodeId([1; 8]);
/// So many objects, so that each way is measured with checksums that nobody knows yet.
const OBJECTS: u8 = 3;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["bare", "serve"] => bare_serve(),
        ["bare", "pull", address] => bare_pull(address.parse().unwrap()),
        [_, "serve"] => store_serve(identity()),
        [_, "pull", address] => store_pull(identity(), address.parse().unwrap()),
        _ => panic!("net store|tls|bare serve|pull [ADDRESS]"),
    }
}

/// With TLS: the key pair, in files that the environment names.
fn identity() -> Option<Identity> {
    let file = |name| std::env::var(name).ok().map(|file| std::fs::read(file).unwrap());
    Some(Identity {
        key: file("NET_KEY")?,
        certificate: file("NET_CERTIFICATE")?,
    })
}

fn report(seconds: [f64; 4]) {
    const GB: f64 = 1.073_741_824;
    let [fresh, unmapped, warm, again] = seconds.map(|seconds| GB / seconds);
    println!("{{\"fresh\":{fresh:.3},\"unmapped\":{unmapped:.3},\"warm\":{warm:.3},\"again\":{again:.3}}}");
}

fn pattern(seed: u8) -> Vec<u8> {
    (0..SIZE)
        .map(|at| (at / 4096) as u8 ^ seed ^ (at as u8))
        .collect()
}

fn until_the_end() {
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

struct Objects {
    store: Arc<Store>,
    objects: HashMap<Name, BufferId>,
}

impl Serve for Objects {
    fn find(&self, name: &Name) -> Option<Vec<BufferId>> {
        let buffer = *self.objects.get(name)?;
        self.store.retain(buffer);
        Some(vec![buffer])
    }
}

fn name(number: u8) -> Name {
    Name::new(&[number]).unwrap()
}

type Ends = Receiver<(Ticket, Result<Pulled, PullError>)>;

fn plane(node: NodeId, objects: u8, identity: Option<Identity>) -> (Arc<Store>, DataPlane, Ends) {
    let store = Store::open(StoreConfig {
        max_mappings: None,
        capacity: (3 << 30) + (1 << 20),
        spill_directory: std::env::temp_dir(),
        memory_limit: None,
    });
    let store = Arc::new(store.unwrap());
    let made = (0..objects).map(|number| {
        let buffer = store.put(&pattern(number), EnvId(0)).unwrap();
        store.adopt(buffer);
        (name(number), buffer)
    });
    let objects = Objects {
        store: Arc::clone(&store),
        objects: made.collect(),
    };
    let host = if identity.is_some() {
        own_address()
    } else {
        "127.0.0.1:0".parse().unwrap()
    };
    let config = Config {
        node,
        address: host,
        token: b"benchmark".to_vec(),
        identity,
        most: 2 << 30,
    };
    let (send, ends) = channel();
    let report = move |ticket, end| send.send((ticket, end)).unwrap();
    let plane = DataPlane::listen(&config, Arc::clone(&store), Arc::new(objects), report).unwrap();
    (store, plane, ends)
}

/// An address of this machine that is not a loopback one: there, all is TLS.
fn own_address() -> SocketAddr {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
    socket.connect("192.0.2.1:9").unwrap();
    let mut address = socket.local_addr().unwrap();
    address.set_port(0);
    address
}

fn store_serve(identity: Option<Identity>) {
    let (_store, plane, _ends) = plane(SERVER, OBJECTS, identity);
    println!("{}", plane.address());
    until_the_end();
}

fn store_pull(identity: Option<Identity>, address: SocketAddr) {
    let (_store, plane, ends) = plane(NodeId([2; 8]), 0, identity);
    report([0, 1, 2, 2].map(|number| {
        let began = Instant::now();
        let wanted = Wanted {
            peer: SERVER,
            address,
            name: name(number),
            bytes: SIZE as u64,
            priority: URGENT,
        };
        plane.pull(&wanted).unwrap();
        let pulled = ends.recv().unwrap().1.unwrap();
        let seconds = began.elapsed().as_secs_f64();
        assert_eq!(pulled.buffers()[0].len, SIZE as u64);
        seconds
    }));
}

/// Memory as the store has it: a file without a name, mapped. `bytes` are written as `put` does.
fn memory(bytes: Option<&[u8]>) -> &'static mut [u8] {
    // SAFETY: a new file, and a mapping of it that nobody ends.
    unsafe {
        let mut file = File::from_raw_fd(libc::memfd_create(c"bare".as_ptr(), libc::MFD_CLOEXEC));
        file.set_len(SIZE as u64).unwrap();
        file.write_all(bytes.unwrap_or_default()).unwrap();
        let (prot, shared) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED);
        let memory = libc::mmap(std::ptr::null_mut(), SIZE, prot, shared, file.as_raw_fd(), 0);
        assert_ne!(memory, libc::MAP_FAILED);
        std::slice::from_raw_parts_mut(memory.cast(), SIZE)
    }
}

/// A request is the number of a range, of all ranges of all objects.
fn bare_serve() {
    let objects: Vec<_> = (0..OBJECTS)
        .map(|number| memory(Some(&pattern(number))))
        .collect();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        socket.set_nodelay(true).unwrap();
        let mut request = [0; 8];
        while socket.read_exact(&mut request).is_ok() {
            let at = u64::from_le_bytes(request) as usize * PIECE as usize;
            let mut hasher = crc32fast::Hasher::new();
            let range = at % SIZE..at % SIZE + PIECE as usize;
            for chunk in objects[at / SIZE][range].chunks(CHUNK) {
                hasher.update(chunk);
                socket.write_all(chunk).unwrap();
            }
            socket.write_all(&hasher.finalize().to_le_bytes()).unwrap();
        }
    });
    until_the_end();
}

fn bare_pull(address: SocketAddr) {
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_nodelay(true).unwrap();
    let memory = memory(None);
    report([0, 1, 2, 2].map(|object| {
        let began = Instant::now();
        let ranges = SIZE as u64 / PIECE;
        // Two are under way.
        let mut requests = object * ranges..(object + 1) * ranges;
        let mut ask = |socket: &mut TcpStream| {
            if let Some(request) = requests.next() {
                socket.write_all(&request.to_le_bytes()).unwrap();
            }
        };
        ask(&mut socket);
        for range in memory.chunks_mut(PIECE as usize) {
            ask(&mut socket);
            let mut hasher = crc32fast::Hasher::new();
            for chunk in range.chunks_mut(CHUNK) {
                socket.read_exact(chunk).unwrap();
                hasher.update(chunk);
            }
            let mut sum = [0; 4];
            socket.read_exact(&mut sum).unwrap();
            assert_eq!(hasher.finalize(), u32::from_le_bytes(sum));
        }
        began.elapsed().as_secs_f64()
    }));
}
