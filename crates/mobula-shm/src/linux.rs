mod arena;
mod cgroup;
mod heap;
mod limits;
mod mappings;
mod pagemap;
mod shared;
mod source;
mod view;

pub use arena::{Arena, huge_pages, page_size};
pub use heap::trim_heap;
pub use limits::{Memory, cpu_quota, memory, memory_limit, processors};
pub use mappings::Mappings;
pub use pagemap::Pagemap;
pub use shared::{Shared, map_shared, open_shared};
pub use source::expect_reading;
pub use view::{Mapped, Part, map};
