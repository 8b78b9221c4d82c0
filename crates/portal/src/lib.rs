#![doc = include_str!("../README.md")]

mod assets;
mod chart;
mod client;
mod cookie;
mod failure;
mod fields;
mod limits;
mod security;
mod views;
mod words;

pub use client::Client;
