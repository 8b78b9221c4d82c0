//! Settings in, running product out.

pub mod data_dir;
pub mod demo;
mod front;
mod gateway;
mod metrics;
mod pem;
pub mod playground;
pub mod processes;
pub mod product;
mod reached;
mod revocations;
mod seals;
pub mod serve;
pub mod settings;
mod shown;
pub mod sources;
pub mod status;
mod upkeep;
