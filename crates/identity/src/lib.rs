#![doc = include_str!("../README.md")]

mod identify;
mod token;
mod trust;

pub use identify::{Identified, Identities, Looking, Refused, SHARED_CLASS};
pub use token::basic_credentials;
pub use trust::{LEARNED_FOR, TrustBook};
