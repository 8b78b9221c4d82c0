#![doc = include_str!("../README.md")]
mod assets;
mod chart;
mod limits;
mod security;
mod views;
