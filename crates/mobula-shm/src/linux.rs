mod arena;
mod cgroup;
mod copies;
mod limits;
mod view;

pub use arena::{Arena, page_size};
pub use copies::Copies;
pub use limits::{Memory, memory, memory_limit, processors};
pub use view::{Access, Part, map, unmap};
