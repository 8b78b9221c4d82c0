//! Packs with their registers, for the tools that go through all of them.

pub mod pack;
pub mod register;
