//! The proxy on real sockets, with an origin in this process, CAs of our own and a clock that stands still.

mod connect;
mod framing;
mod kit;
mod plain;
mod standing;
