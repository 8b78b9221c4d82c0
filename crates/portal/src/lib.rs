#![doc = include_str!("../README.md")]

mod app;
mod assets;
mod changed;
mod chart;
mod clause_source;
mod client;
mod controllers;
mod cookie;
mod ctx;
mod evidence;
mod failure;
mod fields;
mod forms;
mod gateways;
mod guard;
mod limits;
mod missing;
mod once;
mod onward;
mod powers;
mod profiles;
mod router;
mod security;
mod site_words;
mod text;
mod views;
mod words;

pub use app::{Away, CaCertificate, CaFile, CaFiles, Demo, DemoPerson, Look, Looking, Pac, PortalParts, Settings};
pub use client::Client;
pub use gateways::{GatewayView, Gateways, GatewaysPort, GatewaysView, LeftAlone, ProcessView, Requests, Withdrawn};
pub use router::Portal;

#[cfg(test)]
mod tests;
