//! The server layer over real sockets, in each way a process can be set up.

mod attributes;
mod client;
mod context;
mod endings;
mod harness;
