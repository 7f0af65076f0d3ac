use std::collections::{BTreeMap, HashMap};

use mobula_sync::Mutex;
use napi::bindgen_prelude::Buffer;
use napi_derive::napi;

use crate::bytes::Bytes;
use crate::error::{Code, Result, fail};
use crate::port::binding;

/// Key lists that all threads of the process know by number.
const MAX_SHAPES: usize = 1 << 16;

type Entries = BTreeMap<(String, String), Box<[u8]>>;

/// What threads of the process share beside tasks and objects.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    /// By table and key.
    entries: Mutex<Entries>,
    shapes: Mutex<Shapes>,
}

#[derive(Debug, Default)]
struct Shapes {
    ids: HashMap<Vec<String>, u32>,
    lists: Vec<Vec<String>>,
}

/// Writes a table's entry; false, and nothing written, if it exists and `replace` is false.
#[napi(catch_unwind)]
pub fn table_put(port: u32, table: String, key: String, value: Bytes, replace: bool) -> Result<bool> {
    let mut entries = binding(port)?.runtime.tables.entries.lock();
    let entry = (table, key);
    if !replace && entries.contains_key(&entry) {
        return Ok(false);
    }
    // SAFETY: the caller's thread is here, and copies before it goes on.
    entries.insert(entry, unsafe { value.as_slice() }.into());
    Ok(true)
}

/// A table's entry, copied.
#[napi(catch_unwind)]
pub fn table_get(port: u32, table: String, key: String) -> Result<Option<Buffer>> {
    let entries = binding(port)?.runtime.tables.entries.lock();
    Ok(entries.get(&(table, key)).map(|value| value.to_vec().into()))
}

/// Removes a table's entry; false if there was none.
#[napi(catch_unwind)]
pub fn table_delete(port: u32, table: String, key: String) -> Result<bool> {
    Ok(binding(port)?
        .runtime
        .tables
        .entries
        .lock()
        .remove(&(table, key))
        .is_some())
}

/// The keys of a table, in order.
#[napi(catch_unwind)]
pub fn table_keys(port: u32, table: String) -> Result<Vec<String>> {
    let entries = binding(port)?.runtime.tables.entries.lock();
    let from = (table.clone(), String::new());
    Ok(entries
        .range(from..)
        .take_while(|((of, _), _)| *of == table)
        .map(|((_, key), _)| key.clone())
        .collect())
}

/// The number of a key list, or -1 when there is no room for more.
#[napi(catch_unwind)]
pub fn intern_shape(port: u32, keys: Vec<String>) -> Result<i32> {
    let mut shapes = binding(port)?.runtime.tables.shapes.lock();
    if let Some(&id) = shapes.ids.get(&keys) {
        return Ok(id as i32);
    }
    if shapes.lists.len() >= MAX_SHAPES {
        return Ok(-1);
    }
    let id = shapes.lists.len() as u32;
    shapes.ids.insert(keys.clone(), id);
    shapes.lists.push(keys);
    Ok(id as i32)
}

/// The key list with this number.
#[napi(catch_unwind)]
pub fn shape_keys(port: u32, id: u32) -> Result<Vec<String>> {
    let shapes = binding(port)?.runtime.tables.shapes.lock();
    shapes
        .lists
        .get(id as usize)
        .cloned()
        .map_or_else(|| fail(Code::Invalid, format_args!("no shape {id}")), Ok)
}
