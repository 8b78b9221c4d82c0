#![doc = include_str!("../README.md")]
// A benchmark reads the clock, prints, and stops at the first thing that is not as it should be.
#![allow(clippy::disallowed_methods, clippy::print_stdout)]

mod lists;
mod machine;
mod policy;
mod proxy;
mod stats;

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
    /// The proxy, beside Squid.
    Proxy(proxy::Arguments),
    /// A process of the proxy's bench.
    #[command(hide = true)]
    ServeOrigin(proxy::ServeOrigin),
    /// A process of the proxy's bench.
    #[command(hide = true)]
    ServeProxy(proxy::ServeProxy),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().bench {
        Bench::Lists(arguments) => lists::run(&arguments),
        Bench::Policy(arguments) => policy::run(&arguments),
        Bench::Proxy(arguments) => proxy::run(&arguments),
        Bench::ServeOrigin(arguments) => proxy::serve_origin(&arguments),
        Bench::ServeProxy(arguments) => proxy::serve_proxy(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
