use std::fs;
use std::path::Path;

use super::cgroup::{Version, hierarchies, number};

/// A bound on memory and how much of it is taken, in bytes.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Memory {
    /// The most that may be in use.
    pub limit: u64,
    /// What is in use and cannot simply be dropped: caches of files are not counted.
    pub used: u64,
    /// Whether it is a control group's: what is written to files counts there until the disk has it.
    pub group: bool,
}

impl Memory {
    /// What is left.
    #[must_use]
    pub fn available(&self) -> u64 {
        self.limit.saturating_sub(self.used)
    }
}

/// The bounds on this process's memory: the machine's, and those of its control groups (version 1 and 2,
/// walking up). The one with the least left is first; empty when the system tells nothing.
///
/// Reads a few files of `/proc` and
/// `/sys`: some tens of microseconds.
#[must_use]
pub fn memory() -> Vec<Memory> {
    memory_at(Path::new("/"))
}

/// The most memory this process can ever have, in bytes: the least limit of all that [`memory`] tells.
#[must_use]
pub fn memory_limit() -> Option<u64> {
    memory().iter().map(|bound| bound.limit).min()
}

/// How many processors this process may use: those it is allowed to run on, bounded by the quota of its
/// control groups, rounded up; at least 1.
#[must_use]
pub fn processors() -> usize {
    cpu_quota().map_or(allowed(), |quota| quota.min(allowed())).max(1)
}

/// The processors' worth of time that this process's control groups allow it, rounded up; `None` without a quota.
#[must_use]
pub fn cpu_quota() -> Option<usize> {
    quota_at(Path::new("/"))
}

fn memory_at(root: &Path) -> Vec<Memory> {
    let mut bounds: Vec<Memory> = machine(root).into_iter().collect();
    for hierarchy in hierarchies(root, "memory") {
        bounds.extend(
            hierarchy
                .groups
                .iter()
                .filter_map(|group| of_group(group, hierarchy.version)),
        );
    }
    // A limit above the machine's memory is no limit; version 1 says "none" with a number near 2^63.
    if let Some(total) = machine(root).map(|memory| memory.limit) {
        bounds.retain(|bound| bound.limit <= total);
    }
    bounds.sort_by_key(Memory::available);
    bounds
}

fn machine(root: &Path) -> Option<Memory> {
    let text = fs::read_to_string(root.join("proc/meminfo")).ok()?;
    let field = |name| value_of(&text, name).map(|kibibytes| kibibytes * 1024);
    let limit = field("MemTotal:")?;
    let available = field("MemAvailable:").or_else(|| field("MemFree:"))?;
    Some(Memory {
        limit,
        used: limit.saturating_sub(available),
        group: false,
    })
}

fn of_group(group: &Path, version: Version) -> Option<Memory> {
    let (limit, usage, prefix) = match version {
        Version::V1 => ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_"),
        Version::V2 => ("memory.max", "memory.current", ""),
    };
    let limit = number(group, limit)?;
    let usage = number(group, usage)?;
    let stat = fs::read_to_string(group.join("memory.stat")).unwrap_or_default();
    let caches = ["active_file", "inactive_file"].map(|name| value_of(&stat, &format!("{prefix}{name}")));
    Some(Memory {
        limit,
        used: usage.saturating_sub(caches.into_iter().flatten().sum()),
        group: true,
    })
}

/// The number after `name` at the beginning of a line.
fn value_of(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| {
        let mut words = line.split_ascii_whitespace();
        (words.next()? == name).then(|| words.next()?.parse().ok())?
    })
}

fn quota_at(root: &Path) -> Option<usize> {
    let groups = hierarchies(root, "cpu").into_iter();
    let quotas = groups.flat_map(|hierarchy| {
        let version = hierarchy.version;
        hierarchy.groups.into_iter().filter_map(move |group| {
            let (quota, period) = match version {
                Version::V1 => (
                    number(&group, "cpu.cfs_quota_us")?,
                    number(&group, "cpu.cfs_period_us")?,
                ),
                Version::V2 => {
                    let text = fs::read_to_string(group.join("cpu.max")).ok()?;
                    let (quota, period) = text.trim().split_once(' ')?;
                    (quota.parse().ok()?, period.parse().ok()?)
                }
            };
            (period > 0).then(|| quota.div_ceil(period))
        })
    });
    quotas
        .min()
        .map(|quota| usize::try_from(quota).unwrap_or(usize::MAX))
}

fn allowed() -> usize {
    // SAFETY: a set of bits, for which zero is a value.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: the set is as large as is said.
    if unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &raw mut set) } == 0 {
        // SAFETY: the set is initialised.
        usize::try_from(unsafe { libc::CPU_COUNT(&set) }).unwrap_or(1)
    } else {
        // More processors than the set can tell.
        std::thread::available_parallelism().map_or(1, usize::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    /// A directory with files, removed on drop.
    struct Root(PathBuf);

    impl Root {
        fn new(name: &str, files: &[(&str, &str)]) -> Self {
            let root = std::env::temp_dir().join(format!("mobula-shm-{name}-{}", std::process::id()));
            for (path, text) in files {
                let path = root.join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            Self(root)
        }
    }

    impl Drop for Root {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    const MEMINFO: &str = "MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: 600 kB\n";

    #[test]
    fn without_control_groups_the_machine_is_the_bound() {
        let root = Root::new("machine", &[("proc/meminfo", MEMINFO)]);
        assert_eq!(
            memory_at(&root.0),
            [Memory {
                limit: 1_024_000,
                used: 409_600,
                group: false,
            }]
        );
        assert_eq!(quota_at(&root.0), None);
    }

    #[test]
    fn the_tightest_ancestor_of_version_2_comes_first() {
        let root = Root::new(
            "v2",
            &[
                ("proc/meminfo", MEMINFO),
                ("proc/self/cgroup", "0::/pod/box\n"),
                (
                    "proc/self/mountinfo",
                    "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n",
                ),
                ("sys/fs/cgroup/pod/box/memory.max", "max\n"),
                ("sys/fs/cgroup/pod/box/memory.current", "5\n"),
                ("sys/fs/cgroup/pod/box/cpu.max", "max 100000\n"),
                ("sys/fs/cgroup/pod/memory.max", "500000\n"),
                ("sys/fs/cgroup/pod/memory.current", "400000\n"),
                (
                    "sys/fs/cgroup/pod/memory.stat",
                    "anon 9\nactive_file 20000\ninactive_file 80000\n",
                ),
                ("sys/fs/cgroup/pod/cpu.max", "150000 100000\n"),
            ],
        );
        assert_eq!(
            memory_at(&root.0)[0],
            Memory {
                limit: 500_000,
                used: 300_000,
                group: true,
            }
        );
        assert_eq!(quota_at(&root.0), Some(2));
    }

    #[test]
    fn in_a_container_version_1_is_read_at_the_top_of_the_mount() {
        let root = Root::new(
            "v1",
            &[
                ("proc/meminfo", MEMINFO),
                (
                    "proc/self/cgroup",
                    "4:memory:/docker/1f\n3:cpu,cpuacct:/docker/1f\n",
                ),
                (
                    "proc/self/mountinfo",
                    "40 30 0:30 /docker/1f /cg/memory ro shared:1 - cgroup cgroup rw,memory\n\
           41 30 0:31 /docker/1f /cg/cpu ro - cgroup cgroup rw,cpu,cpuacct\n",
                ),
                ("cg/memory/memory.limit_in_bytes", "9223372036854771712\n"),
                ("cg/memory/memory.usage_in_bytes", "1\n"),
                ("cg/cpu/cpu.cfs_quota_us", "-1\n"),
                ("cg/cpu/cpu.cfs_period_us", "100000\n"),
            ],
        );
        assert_eq!(
            memory_at(&root.0),
            [Memory {
                limit: 1_024_000,
                used: 409_600,
                group: false,
            }]
        );
        assert_eq!(quota_at(&root.0), None);
        fs::write(root.0.join("cg/memory/memory.limit_in_bytes"), "700000").unwrap();
        fs::write(root.0.join("cg/memory/memory.usage_in_bytes"), "690000").unwrap();
        fs::write(root.0.join("cg/cpu/cpu.cfs_quota_us"), "50000").unwrap();
        assert_eq!(
            memory_at(&root.0)[0],
            Memory {
                limit: 700_000,
                used: 690_000,
                group: true,
            }
        );
        assert_eq!(quota_at(&root.0), Some(1));
    }

    #[test]
    fn this_machine_has_memory_and_a_processor() {
        let bounds = memory();
        assert!(bounds.iter().all(|bound| bound.limit > 0));
        assert!(!bounds.is_empty());
        assert!(processors() >= 1);
    }
}
