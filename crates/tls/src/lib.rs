#![doc = include_str!("../README.md")]

mod authority;
mod devices;
mod hello;
mod learned;
mod leaves;
mod remote;
mod replay;
mod signer;
mod upstream;

pub use authority::{Authority, AuthorityError, list_name};
pub use devices::{DeviceAuthorities, DeviceAuthorityError};
pub use hello::{ClientHello, HELLO_MAX, HelloError, NamedServer, Offer, Reading, read_client_hello};
pub use learned::{LEARNED_MAX, LEFT_ALONE_FOR, LearnedSite, LearnedSites, WhyLeft};
pub use leaves::{LeafError, LeafFor, Leaves};
pub use remote::{RemoteSigner, serve_signer};
pub use replay::{HelloFailure, Replay, read_hello};
pub use signer::{Listing, SignError, SignedLeaf, Signer, Signing, SigningRequest};
pub use upstream::{
    Agreed, LeftOut, Protocol, RevocationError, Revocations, Roots, Upstream, UpstreamError, UpstreamFailure,
    UpstreamStream, protocol,
};
