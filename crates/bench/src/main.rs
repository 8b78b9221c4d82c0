#![doc = include_str!("../README.md")]
// A benchmark reads the clock, prints, and stops at the first thing that is not as it should be.
#![allow(clippy::disallowed_methods, clippy::print_stdout)]

mod dns;
mod lists;
mod machine;
mod ours;
mod pairs;
mod peers;
mod policy;
mod proxy;
mod sites;
mod stats;
mod through;
mod tls;
mod tunnel;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use mimalloc::MiMalloc;

/// The program's own allocator.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Measures Schoolgate beside its peers.
#[derive(Debug, Parser)]
#[command(name = "schoolgate-bench")]
struct Arguments {
    #[command(subcommand)]
    bench: Bench,
}

#[derive(Debug, Subcommand)]
enum Bench {
    /// The list index: size, build, look-ups.
    Lists(lists::Arguments),
    /// The checker and the scenarios, on the packs that come along.
    Policy(policy::Arguments),
    /// Plain requests through the proxy, beside Squid and tinyproxy.
    Proxy(pairs::Arguments),
    /// Tunnels through the proxy, beside Squid and tinyproxy.
    Tunnel(pairs::Arguments),
    /// Looking into TLS, beside Squid's ssl-bump and mitmproxy.
    Tls(pairs::Arguments),
    /// The DNS door, beside Unbound and dnsdist.
    Dns(pairs::Arguments),
    /// A process of a bench.
    #[command(hide = true)]
    ServeSite(sites::ServeSite),
    /// A process of a bench.
    #[command(hide = true)]
    ServeProxy(ours::proxy::ServeProxy),
    /// A process of a bench.
    #[command(hide = true)]
    ServeDns(ours::dns::ServeDns),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().bench {
        Bench::Lists(arguments) => lists::run(&arguments),
        Bench::Policy(arguments) => policy::run(&arguments),
        Bench::Proxy(arguments) => proxy::run(&arguments),
        Bench::Tunnel(arguments) => tunnel::run(&arguments),
        Bench::Tls(arguments) => tls::run(&arguments),
        Bench::Dns(arguments) => dns::run(&arguments),
        Bench::ServeSite(arguments) => sites::serve(&arguments),
        Bench::ServeProxy(arguments) => ours::proxy::serve(&arguments),
        Bench::ServeDns(arguments) => ours::dns::serve(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
