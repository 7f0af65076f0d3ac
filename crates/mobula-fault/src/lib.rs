//! Named places at which a test can make the core fail.
//!
//! `failpoint!("store.seal.before")` stands where a step begins or ends; `failpoint!(io "spill.rename")` also where
//! a system call may fail, in a function that gives an `io::Result`. Without the feature `failpoints`, which only
//! tests turn on, both are nothing. With it, a point that a test has armed kills the process, holds the thread until
//! it has been told to end, fails, or lets time pass. `docs/testing.md` says how the points are swept.

#[cfg(feature = "failpoints")]
mod armed;
#[cfg(feature = "failpoints")]
mod points;

#[cfg(feature = "failpoints")]
pub use armed::{Action, Hits, arm, disarm, enter, fired, hits, reach, release, set_stopper, try_reach};
#[cfg(feature = "failpoints")]
pub use points::{POINTS, Point, point};

/// A place at which a test can make the core fail.
#[cfg(feature = "failpoints")]
#[macro_export]
macro_rules! failpoint {
    (io $name:literal) => {{
        const POINT: usize = $crate::point($name, true);
        $crate::try_reach(POINT)?;
    }};
    ($name:literal) => {{
        const POINT: usize = $crate::point($name, false);
        $crate::reach(POINT);
    }};
}

/// A place at which a test can make the core fail: nothing in this build.
#[cfg(not(feature = "failpoints"))]
#[macro_export]
macro_rules! failpoint {
    (io $name:literal) => {};
    ($name:literal) => {};
}
