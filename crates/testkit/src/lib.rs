#![doc = include_str!("../README.md")]

mod chromium;
mod curl;
mod data;
pub mod fuzz;
mod network;
mod product;

pub use chromium::{ChromiumError, page_under_policies};
pub use curl::{Answer, Curl, CurlError};
pub use data::{DataError, found_below, shared_data, unpack};
pub use network::{Network, NetworkError};
pub use product::{Product, ProductError, Stopped};
