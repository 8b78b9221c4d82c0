//! Settings in, running product out.

pub mod data_dir;
pub mod playground;
pub mod settings;
