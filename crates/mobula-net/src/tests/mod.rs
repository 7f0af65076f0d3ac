//! The data plane between stores: in one process, in two, and with peers that lie.

mod identities;
mod lies;
mod processes;
mod pulls;
mod strangers;
mod support;
