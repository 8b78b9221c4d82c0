#![doc = include_str!("../README.md")]

mod authority;
mod devices;
mod hello;
mod leaves;
mod remote;
mod replay;
mod signer;
mod upstream;

pub use authority::{Authority, AuthorityError};
pub use devices::{DeviceAuthorities, DeviceAuthorityError};
pub use hello::{ClientHello, HELLO_MAX, HelloError, NamedServer, Reading, read_client_hello};
pub use leaves::{LeafError, LeafFor, Leaves};
pub use remote::{RemoteSigner, serve_signer};
pub use replay::{HelloFailure, Replay, read_hello};
pub use signer::{SignError, SignedLeaf, Signer, Signing, SigningRequest};
pub use upstream::{Protocol, Upstream, UpstreamError, UpstreamFailure, UpstreamStream, protocol};
