//! Runs the bodies of fuzz targets in ordinary tests: over their corpus, and over inputs made from it.
//!
//! The same bodies are run with coverage by `cargo xtask fuzz`. What is made here is the same on every machine: the lots
//! are drawn from the target's name, so that a failure comes again until it is mended.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// A fuzz target: its name, which is also that of its corpus and of its file in `fuzz/targets`, and its body, which
/// panics where something does not hold.
pub type Target = (&'static str, fn(&[u8]));

/// Longest input that is made, in bytes; seeds may be longer.
const INPUT_MAX: usize = 8 * 1024;
/// Most inputs that are made for a target.
const INPUTS_MAX: usize = 4_000;
/// Bytes that mean something in many formats: ends, signs, separators.
const TELLING: &[u8] = b"\x00\x01\x7f\x80\xff\xc0\n\r\t \"#%&'*+,-./:;<=>?@[\\]^_`{|}~";

/// Runs every target over its corpus, then over mutations of it: as many as have `budget` bytes together.
///
/// # Panics
///
/// With the input, where a target does not hold, and where one has no corpus or no place in `fuzz/`.
#[track_caller]
pub fn hold(targets: &[Target], budget: usize) {
    for (name, body) in targets {
        let seeds = corpus(name);
        assert!(!seeds.is_empty(), "fuzz/corpus/{name} is empty");
        for seed in &seeds {
            run(name, *body, seed);
        }
        let mut mutator = Mutator::new(name);
        let mut left = budget;
        for _ in 0..INPUTS_MAX {
            let input = mutator.input(&seeds);
            let Some(rest) = left.checked_sub(input.len()) else { break };
            left = rest;
            run(name, *body, &input);
        }
    }
}

/// The seeds of a target, in the order of their names.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let target = root.join("targets").join(format!("{name}.rs"));
    assert!(target.is_file(), "fuzz/targets/{name}.rs is missing");
    let folder = fs::read_dir(root.join("corpus").join(name)).into_iter().flatten().flatten();
    let mut paths: Vec<_> = folder.map(|entry| entry.path()).collect();
    paths.sort();
    paths.iter().filter_map(|path| fs::read(path).ok()).collect()
}

fn run(name: &str, body: fn(&[u8]), input: &[u8]) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| body(input))) {
        eprintln!("{name} does not hold for b\"{}\"", input.escape_ascii());
        std::panic::resume_unwind(panic);
    }
}

/// Makes inputs from seeds: bits turned, bytes put in, taken out and doubled, two inputs joined, ends cut off.
struct Mutator(u64);

impl Mutator {
    fn new(name: &str) -> Self {
        // FNV-1a: any start does that is another for each name.
        Self(
            name.bytes()
                .fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)),
        )
    }

    /// SplitMix64 (Steele, Lea and Flood, 2014).
    fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below `end`; 0 for an end of 0.
    fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.draw() % end).unwrap_or(0)
    }

    fn pick<'a>(&mut self, seeds: &'a [Vec<u8>]) -> &'a [u8] {
        let place = self.below(seeds.len());
        seeds.get(place).map_or(&[], |seed| seed)
    }

    fn input(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut input = self.pick(seeds).to_vec();
        for _ in 0..=self.below(6) {
            self.change(&mut input, seeds);
        }
        input.truncate(INPUT_MAX);
        input
    }

    fn change(&mut self, input: &mut Vec<u8>, seeds: &[Vec<u8>]) {
        let at = self.below(input.len() + 1);
        let end = at + self.below((input.len() - at).min(64) + 1);
        let [low, ..] = self.draw().to_le_bytes();
        let telling = TELLING.get(self.below(TELLING.len())).copied().unwrap_or(0);
        match self.below(8) {
            0 => input.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << (low & 7)),
            1 => input.iter_mut().skip(at).take(1).for_each(|byte| *byte = low),
            2 => input.iter_mut().skip(at).take(1).for_each(|byte| *byte = telling),
            3 => input.insert(at, if low & 1 == 0 { low } else { telling }),
            4 => drop(input.drain(at..end)),
            5 => {
                let again = input.get(at..end).unwrap_or_default().to_vec();
                input.splice(at..at, again);
            }
            6 => {
                let other = self.pick(seeds);
                let from = self.below(other.len());
                input.truncate(at);
                input.extend_from_slice(other.get(from..).unwrap_or_default());
            }
            _ => input.truncate(at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_differ_from_each_other_and_come_again() {
        let seeds = [b"GET / HTTP/1.1".to_vec(), b"\x16\x03\x01\x00\x04".to_vec()];
        let inputs = |name: &str| {
            let mut mutator = Mutator::new(name);
            (0..500).map(|_| mutator.input(&seeds)).collect::<Vec<_>>()
        };
        assert_eq!(inputs("one"), inputs("one"));
        assert_ne!(inputs("one"), inputs("other"));
        let mut different = inputs("one");
        different.sort();
        different.dedup();
        assert!(400 < different.len(), "{}", different.len());
    }

    #[test]
    fn what_does_not_hold_is_found() {
        let seeds = [b"abc".to_vec()];
        let mut mutator = Mutator::new("found");
        assert!((0..20_000).any(|_| mutator.input(&seeds).starts_with(b"ab\xff")));
    }
}
