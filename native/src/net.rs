//! The data plane: objects that come from other nodes, and go there.

#![expect(
    clippy::too_many_arguments,
    reason = "a call of JavaScript passes everything; napi-derive repeats what stands at a function"
)]

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Weak};

use mobula_net::{
    Config, DataPlane, Identity, LinkError, Name, NodeId, PullError, Pulled, Refusal, Serve, Ticket, Wanted,
};
use mobula_sched::Bell;
use mobula_store::{BufferId, Store};
use mobula_sync::Mutex;
use napi::JsValue;
use napi::bindgen_prelude::{Env, Function, Unknown};
use napi_derive::napi;

use crate::bell::UvBell;
use crate::bytes::Bytes;
use crate::error::{Code, Result, fail};
use crate::port::{Binding, binding};
use crate::runtime::Runtime;

type Ends = Arc<Mutex<Vec<(Ticket, std::result::Result<Pulled, PullError>)>>>;

/// The data plane of a runtime, while it listens.
#[derive(Debug, Default)]
pub(crate) struct Net(Mutex<Option<Arc<Listening>>>);

#[derive(Debug)]
struct Listening {
    plane: DataPlane,
    objects: Arc<Objects>,
    ends: Ends,
}

impl Net {
    /// Ends the data plane; what was served is held no more, and what has come and nobody has taken goes.
    pub(crate) fn stop(&self) {
        let listening = self.0.lock().take();
        if let Some(listening) = listening {
            listening.plane.stop();
            listening.ends.lock().clear();
        }
    }

    fn get(&self) -> Result<Arc<Listening>> {
        match &*self.0.lock() {
            Some(listening) => Ok(Arc::clone(listening)),
            None => fail(Code::Invalid, "the data plane does not listen"),
        }
    }
}

/// What others may pull. It has one reference to each buffer.
#[derive(Debug)]
struct Objects {
    store: Arc<Store>,
    objects: Mutex<HashMap<Name, Vec<BufferId>>>,
}

impl Serve for Objects {
    fn find(&self, name: &Name) -> Option<Vec<BufferId>> {
        let objects = self.objects.lock();
        let buffers = objects.get(name)?;
        for &buffer in buffers {
            self.store.retain(buffer);
        }
        Some(buffers.clone())
    }
}

impl Objects {
    fn release(&self, buffers: Vec<BufferId>) {
        for buffer in buffers {
            self.store.release(buffer);
        }
    }
}

impl Drop for Objects {
    fn drop(&mut self) {
        let objects = std::mem::take(&mut *self.objects.lock());
        for buffers in objects.into_values() {
            self.release(buffers);
        }
    }
}

/// How a pull has ended.
#[napi(object)]
#[derive(Debug)]
pub struct NetEnd {
    pub ticket: f64,
    /// Numbers of `src/native/addon.ts`.
    pub kind: u32,
    /// Why, if it has failed.
    pub text: String,
    /// If it broke: bytes that have come, in whole ranges.
    pub got: f64,
    /// One after another: buffer, with one reference, which is the calling thread's, and the crc32 of all its bytes.
    pub buffers: Vec<u32>,
    /// The bytes of each buffer.
    pub lengths: Vec<f64>,
}

/// Begins to listen; gives the TCP port. `node` has 8 bytes; `address` is an IP address and a port, 0 for one that the system
/// chooses; an empty `key` is none. `on_bell` is called on the thread's loop when pulls have ended.
#[napi(catch_unwind)]
pub fn net_listen(
    env: Env,
    port: u32,
    node: Bytes,
    address: String,
    token: Bytes,
    key: Bytes,
    certificate: Bytes,
    most: f64,
    on_bell: Function<'_, Unknown<'_>, Unknown<'_>>,
) -> Result<u32> {
    let runtime = &binding(port)?.runtime;
    let mut net = runtime.net.0.lock();
    if net.is_some() {
        return fail(Code::Invalid, "the data plane listens already");
    }
    // SAFETY: the caller's thread is here, and copies before it goes on.
    let (token, key, certificate) = unsafe { (token.as_slice(), key.as_slice(), certificate.as_slice()) };
    let config = Config {
        node: node_id(node)?,
        address: socket_address(&address)?,
        token: token.to_vec(),
        identity: (!key.is_empty()).then(|| Identity {
            key: key.to_vec(),
            certificate: certificate.to_vec(),
        }),
        most: most as u64,
    };
    let ending: Weak<Runtime> = Arc::downgrade(runtime);
    let on_end = Box::new(move || {
        if let Some(runtime) = ending.upgrade() {
            runtime.net.stop();
        }
    });
    let bell = UvBell::new(env.raw(), on_bell.value().value, on_end)?;
    let objects = Arc::new(Objects {
        store: Arc::clone(&runtime.store),
        objects: Mutex::default(),
    });
    let ends = Ends::default();
    let told = Arc::clone(&ends);
    let report = move |ticket, end| {
        told.lock().push((ticket, end));
        bell.ring();
    };
    let plane = DataPlane::listen(
        &config,
        Arc::clone(&runtime.store),
        Arc::clone(&objects) as _,
        report,
    )
    .map_err(|error| napi::Error::new(Code::Connection, error.to_string()))?;
    let chosen = plane.address().port();
    *net = Some(Arc::new(Listening { plane, objects, ends }));
    Ok(chosen.into())
}

/// Ends the data plane, and waits until nothing of it uses the store.
#[napi(catch_unwind)]
pub fn net_stop(port: u32) -> Result<()> {
    binding(port)?.runtime.net.stop();
    Ok(())
}

/// Others may pull an object by this name from now on. It has one more reference to each buffer as long.
#[napi(catch_unwind)]
pub fn net_serve(port: u32, name: Bytes, buffers: Vec<u32>) -> Result<()> {
    let net = binding(port)?.runtime.net.get()?;
    let buffers: Vec<_> = buffers.into_iter().map(BufferId).collect();
    let name = object_name(name)?;
    for &buffer in &buffers {
        net.objects.store.retain(buffer);
    }
    let before = net.objects.objects.lock().insert(name, buffers);
    net.objects.release(before.unwrap_or_default());
    Ok(())
}

/// Nobody may pull it any more; pulls that have begun go on. False if there was none.
#[napi(catch_unwind)]
pub fn net_unserve(port: u32, name: Bytes) -> Result<bool> {
    let net = binding(port)?.runtime.net.get()?;
    let before = net.objects.objects.lock().remove(&object_name(name)?);
    let was = before.is_some();
    net.objects.release(before.unwrap_or_default());
    Ok(was)
}

/// Whether nothing but the data plane holds a buffer of this name any more; false if there is none.
#[napi(catch_unwind)]
pub fn net_is_alone(port: u32, name: Bytes) -> Result<bool> {
    let net = binding(port)?.runtime.net.get()?;
    let objects = net.objects.objects.lock();
    let buffers = objects.get(&object_name(name)?);
    Ok(buffers.is_some_and(|all| {
        all.iter()
            .all(|&buffer| net.objects.store.references(buffer) == 1)
    }))
}

/// Pulls an object of `bytes` bytes from the node `peer`, whose data plane is at `address`; gives the ticket. Its end comes by
/// `net_take`.
#[napi(catch_unwind)]
pub fn net_pull(
    port: u32,
    peer: Bytes,
    address: String,
    name: Bytes,
    bytes: f64,
    priority: f64,
) -> Result<f64> {
    let wanted = Wanted {
        peer: node_id(peer)?,
        address: socket_address(&address)?,
        name: object_name(name)?,
        bytes: bytes as u64,
        priority: priority as u64,
    };
    let net = binding(port)?.runtime.net.get()?;
    let ticket = net.plane.pull(&wanted).map_err(|error| {
        let code = match error {
            PullError::Closed => Code::Closed,
            PullError::Differs { .. } => Code::Invalid,
            _ => Code::Connection,
        };
        napi::Error::new(code, error.to_string())
    })?;
    Ok(ticket.0 as f64)
}

/// Nobody wants it any more. False if it has ended; its end comes then, or has come.
#[napi(catch_unwind)]
pub fn net_cancel(port: u32, ticket: f64) -> Result<bool> {
    let net = binding(port)?.runtime.net.get()?;
    Ok(net.plane.cancel(Ticket(ticket as u64)))
}

/// Nobody will go on with what a broken pull of this name has left.
#[napi(catch_unwind)]
pub fn net_forget(port: u32, name: Bytes) -> Result<()> {
    let net = binding(port)?.runtime.net.get()?;
    net.plane.forget(object_name(name)?);
    Ok(())
}

/// Ends all connections with a node, which is dead.
#[napi(catch_unwind)]
pub fn net_hang_up(port: u32, node: Bytes) -> Result<()> {
    let net = binding(port)?.runtime.net.get()?;
    net.plane.hang_up(node_id(node)?);
    Ok(())
}

/// How pulls have ended since the last call.
#[napi(catch_unwind)]
pub fn net_take(port: u32) -> Result<Vec<NetEnd>> {
    let binding = binding(port)?;
    let ends = std::mem::take(&mut *binding.runtime.net.get()?.ends.lock());
    Ok(ends
        .into_iter()
        .map(|(ticket, end)| told(binding, ticket, end))
        .collect())
}

fn told(binding: &Binding, ticket: Ticket, end: std::result::Result<Pulled, PullError>) -> NetEnd {
    let ticket = ticket.0 as f64;
    match end {
        Ok(pulled) => {
            let store = &binding.runtime.store;
            let all = pulled.take();
            // The thread has stored them, as far as the core is concerned.
            for buffer in &all {
                store.hand_to(buffer.id, binding.env);
            }
            NetEnd {
                ticket,
                kind: 0,
                text: String::new(),
                got: 0.0,
                buffers: all.iter().flat_map(|buffer| [buffer.id.0, buffer.sum]).collect(),
                lengths: all.iter().map(|buffer| store.len(buffer.id) as f64).collect(),
            }
        }
        Err(error) => NetEnd {
            ticket,
            kind: kind(&error),
            text: error.to_string(),
            got: match error {
                PullError::Broken { got, .. } | PullError::Unreachable { got, .. } => got as f64,
                _ => 0.0,
            },
            buffers: Vec::new(),
            lengths: Vec::new(),
        },
    }
}

fn kind(error: &PullError) -> u32 {
    match error {
        PullError::Unreachable { cause, .. } => match cause {
            LinkError::Unauthorized => 2,
            LinkError::Version { .. } => 3,
            LinkError::OtherNode { .. } => 4,
            _ => 1,
        },
        PullError::Broken { .. } => 5,
        PullError::Refused { why, .. } => match why {
            Refusal::Unknown => 6,
            Refusal::Lost => 7,
            _ => 8,
        },
        PullError::Differs { .. } => 9,
        PullError::Corrupt { .. } => 10,
        PullError::NoRoom(_) => 11,
        PullError::Closed => 13,
        // Memory, and what may come.
        _ => 12,
    }
}

fn node_id(bytes: Bytes) -> Result<NodeId> {
    // SAFETY: the caller's thread is here, and copies before it goes on.
    match unsafe { bytes.as_slice() }.try_into() {
        Ok(bytes) => Ok(NodeId(bytes)),
        Err(_) => fail(Code::Invalid, "the id of a node has 8 bytes"),
    }
}

fn object_name(bytes: Bytes) -> Result<Name> {
    // SAFETY: the caller's thread is here, and copies before it goes on.
    match Name::new(unsafe { bytes.as_slice() }) {
        Some(name) => Ok(name),
        None => fail(Code::Invalid, "a name has at most 32 bytes"),
    }
}

fn socket_address(text: &str) -> Result<SocketAddr> {
    match text.parse() {
        Ok(address) => Ok(address),
        Err(_) => fail(Code::Invalid, format_args!("{text} is no IP address with a port")),
    }
}
