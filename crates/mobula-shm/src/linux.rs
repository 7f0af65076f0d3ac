mod arena;
mod cgroup;
mod limits;
mod view;

pub use arena::{Arena, huge_pages, page_size};
pub use limits::{Memory, cpu_quota, memory, memory_limit, processors};
pub use view::{Part, map, unmap};
