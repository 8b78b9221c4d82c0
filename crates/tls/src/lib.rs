#![doc = include_str!("../README.md")]

mod authority;
mod devices;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod hello;
mod learned;
mod leaves;
mod own;
mod remote;
mod replay;
mod signer;
mod upstream;

pub use authority::{Authority, AuthorityError, AuthorityFolder, CaStanding, list_name};
pub use devices::{DeviceAuthorities, DeviceAuthorityError};
pub use hello::{ClientHello, HELLO_MAX, HelloError, NamedServer, Offer, Reading, read_client_hello};
pub use learned::{LEARNED_MAX, LEFT_ALONE_FOR, LearnedSite, LearnedSites, WhyLeft};
pub use leaves::{LeafError, LeafFor, Leaves};
pub use own::OwnServer;
pub use remote::{RemoteSigner, serve_signer};
pub use replay::{HelloFailure, Replay, read_hello};
pub use signer::{Listing, Refreshing, SignError, SignedLeaf, Signer, Signing, SigningRequest};
pub use upstream::{
    Agreed, LeftOut, Protocol, RevocationError, RevocationFolder, Revocations, Roots, Upstream, UpstreamError,
    UpstreamFailure, UpstreamStream, has_key_of, protocol,
};
