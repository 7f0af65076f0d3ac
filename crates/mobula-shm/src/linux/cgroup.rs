use std::fs;
use std::path::{Path, PathBuf};

/// A control group this process is in, and its ancestors as far as they are visible, innermost first.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Hierarchy {
    pub(super) version: Version,
    pub(super) groups: Vec<PathBuf>,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Version {
    V1,
    V2,
}

/// Where `controller` (`memory`, `cpu`) may bound this process: at most one hierarchy of each version.
///
/// `root` is `/`, or in tests a directory with made-up `proc` and mount points.
pub(super) fn hierarchies(root: &Path, controller: &str) -> Vec<Hierarchy> {
    let memberships = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let mounts = fs::read_to_string(root.join("proc/self/mountinfo")).unwrap_or_default();
    let mut found: Vec<Hierarchy> = Vec::new();
    for mount in mounts.lines().filter_map(Mount::parse) {
        let version = match mount.kind {
            "cgroup" if mount.options.split(',').any(|option| option == controller) => Version::V1,
            "cgroup2" => Version::V2,
            _ => continue,
        };
        let Some(group) = membership(&memberships, version, controller) else {
            continue;
        };
        if found.iter().any(|hierarchy| hierarchy.version == version) {
            continue;
        }
        // In a container the mount shows a part of the tree: `mount.root` is what it begins at. A group outside
        // of that part cannot be seen; the mount's own top is then the nearest that can.
        let below = Path::new(group).strip_prefix(mount.root).unwrap_or(Path::new(""));
        let top = root.join(mount.point.trim_start_matches('/'));
        let group = top.join(below);
        let visible = group.ancestors().take_while(|path| path.starts_with(&top));
        let groups = visible.map(Path::to_owned).collect();
        found.push(Hierarchy { version, groups });
    }
    found
}

/// The path of this process's group, from lines such as `4:memory:/docker/1f` and `0::/user.slice`.
fn membership<'a>(lines: &'a str, version: Version, controller: &str) -> Option<&'a str> {
    lines.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':');
        let (id, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
        let ours = match version {
            Version::V1 => controllers.split(',').any(|name| name == controller),
            Version::V2 => id == "0" && controllers.is_empty(),
        };
        ours.then_some(path)
    })
}

/// A line of `/proc/self/mountinfo`: `36 35 98:0 /root /point rw,noatime shared:1 - kind source options`.
struct Mount<'a> {
    root: &'a str,
    point: &'a str,
    kind: &'a str,
    options: &'a str,
}

impl<'a> Mount<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (place, what) = line.split_once(" - ")?;
        let mut place = place.split(' ').skip(3);
        let mut what = what.split(' ');
        Some(Self {
            root: place.next()?,
            point: place.next()?,
            kind: what.next()?,
            options: what.nth(1)?,
        })
    }
}

/// The number in a file of a control group; `None` when there is none or it says `max`.
pub(super) fn number(group: &Path, file: &str) -> Option<u64> {
    fs::read_to_string(group.join(file)).ok()?.trim().parse().ok()
}
