//! Nodes in processes of their own.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use mobula_sync::Mutex;
use std::sync::Arc;

use super::support::{Node, Proxy, content, node_id, pattern, temporary};
use crate::limits::RANGE;
use crate::{LinkError, PullError};

const MIB: u64 = 1 << 20;
/// Set in the processes that serve.
const SERVES: &str = "MOBULA_NET_TEST_SERVES";
const LENGTHS: [u64; 2] = [6 * RANGE + 11, 1000];

/// In another process: serves an object until its standard input ends. In the tests' own it does nothing.
#[test]
fn serving_process() {
    if std::env::var_os(SERVES).is_none() {
        return;
    }
    let node = Node::new(1, 128 * MIB);
    node.make(1, &LENGTHS);
    let file = std::env::var(SERVES).unwrap();
    fs::write(format!("{file}.new"), node.plane.address().to_string()).unwrap();
    fs::rename(format!("{file}.new"), &file).unwrap();
    let mut line = String::new();
    let _ = BufReader::new(std::io::stdin()).read_line(&mut line);
}

/// A process that serves.
struct Serving {
    child: Arc<Mutex<Child>>,
    address: SocketAddr,
}

impl Serving {
    fn start(what: &str) -> Self {
        let file = temporary(what);
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "tests::processes::serving_process", "--nocapture"]);
        let child = command
            .env(SERVES, &file)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        super::support::until(|| file.exists());
        let address = fs::read_to_string(&file).unwrap().parse().unwrap();
        fs::remove_file(&file).unwrap();
        Self {
            child: Arc::new(Mutex::new(child)),
            address,
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let mut child = self.child.lock();
        let _ = child.kill();
        let _ = child.wait();
    }
}

fn data() -> Vec<Vec<u8>> {
    vec![pattern(100, LENGTHS[0]), pattern(101, LENGTHS[1])]
}

#[test]
fn an_object_comes_from_another_process() {
    let serving = Serving::start("serves");
    let node = Node::new(2, 128 * MIB);
    let wanted = Node::wanted_at(node_id(1), serving.address, 1, LENGTHS.iter().sum());
    let pulled = node.pull(&wanted).unwrap();
    assert_eq!(content(&node.store, &pulled), data());
}

#[test]
fn a_sender_that_is_killed_in_the_middle_breaks_the_pull_which_goes_on_elsewhere() {
    let serving = Serving::start("killed");
    let victim = Arc::clone(&serving.child);
    let cut = Proxy::new(serving.address, 3 * RANGE + 17, move || {
        victim.lock().kill().unwrap();
    });
    let node = Node::new(2, 128 * MIB);
    let wanted = Node::wanted_at(node_id(1), cut.address, 1, LENGTHS.iter().sum());
    let end = node.pull(&wanted);
    let Err(PullError::Broken { got, cause, .. }) = end else {
        panic!("{end:?}")
    };
    assert!(matches!(cause, LinkError::Ended), "{cause:?}");
    assert_eq!(got, 2 * RANGE);
    // The same place is tried again in vain; what had come stays.
    let wanted = Node::wanted_at(node_id(1), serving.address, 1, LENGTHS.iter().sum());
    let end = node.pull(&wanted);
    assert!(
        matches!(end, Err(PullError::Unreachable { got, .. }) if got == 2 * RANGE),
        "{end:?}"
    );
    let other = Node::new(3, 128 * MIB);
    other.put(1, &data());
    let rest = Proxy::new(other.plane.address(), u64::MAX, || {});
    let wanted = Node::wanted_at(other.id, rest.address, 1, LENGTHS.iter().sum());
    let pulled = node.pull(&wanted).unwrap();
    assert_eq!(content(&node.store, &pulled), data());
    let passed = rest.passed.load(mobula_sync::atomic::Ordering::Relaxed);
    assert!(passed < LENGTHS.iter().sum::<u64>() - got + 1000, "{passed}");
}
