//! The store through its public face.

mod lifecycle;
mod model;
mod moving;
mod pressure;
mod spares;
mod spill;
mod support;
mod threads;
