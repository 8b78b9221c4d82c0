//! `cargo xtask`: the project's own automation, one word for each thing a developer does.
//!
//! Knows the product only from outside, by its folders and its command line, so that it compiles in seconds and still
//! runs when the product does not compile.
#![allow(clippy::print_stdout, reason = "printing is what this program does")]
#![allow(
    clippy::disallowed_methods,
    reason = "a tool reads its environment and times its own steps; the rules are for the product"
)]

mod bench;
mod ci;
mod demo;
mod docs;
mod fuzz;
mod install;
mod package;
mod reference;
mod shell;
mod source;
mod tally;
mod target;
mod tidy;
mod web;

use std::process::ExitCode;

use crate::shell::Trouble;

const HELP: &str = "\
cargo xtask COMMAND

  demo [ARGS…]    build everything and start the demo school; ARGS go to `schoolgate demo` (try `--help`)
  test            install what the tests need when it is missing, then run everything that CI runs
  ci              the same without installing: format, tidy, web, lints, licences, tests, examples, pages, walk
  walk            the walk through the demo in Chromium and with curl
  doc             the reference pages of the crates; every link must lead somewhere
  tidy            only the house rules: layers, sizes, banned calls, stale documents, licences (seconds)
  docs            write the generated parts of the documents again
  web             styles and scripts of the pages, by npm; nothing to do when their sources have not changed
  package         the Debian package, by cargo-deb    [--check] [--try]
  coverage        account for every row of the registers of clauses    [--prove] [--survivors] [--json]
  fuzz [TARGET…]  fuzz targets with coverage, by cargo-fuzz; all of them or some    [--seconds N]
  soak [SECONDS]  everything at once through the proxy, for ten minutes or so many seconds
  bench lists     measure the list index            [--json]
  bench policy    measure the checker on the packs  [--json]
  bench proxy     plain requests through the proxy, beside Squid and tinyproxy    [--json]
  bench tunnel    tunnels through the proxy, beside Squid and tinyproxy           [--json]
  bench tls       looking into TLS, beside Squid's ssl-bump and mitmproxy         [--json]
  bench dns       the DNS door, beside Unbound and dnsdist                        [--json]
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            eprintln!("xtask: {trouble}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(words: &[String]) -> Result<(), Trouble> {
    let (command, rest) = match words.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("help", words),
    };
    match command {
        "demo" => demo::demo(rest),
        "fuzz" => fuzz::fuzz(rest),
        "soak" => bench::soak(rest),
        "bench" => bench::bench(rest),
        "package" => package::package(rest),
        "coverage" => bench::coverage(rest),
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            Ok(())
        }
        _ if !rest.is_empty() => {
            Err(Trouble::new(format!("`{command}` takes no arguments, but got `{}`", rest.join(" "))))
        }
        "test" => ci::test(),
        "ci" => ci::ci(),
        "walk" => ci::walk_alone(),
        "doc" => ci::documentation_alone(),
        "tidy" => tidy::tidy(),
        "docs" => docs::write_all(),
        "web" => web::build(),
        _ => Err(Trouble::new(format!("there is no command `{command}`; `cargo xtask help` lists them"))),
    }
}
