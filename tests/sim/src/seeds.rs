//! The same test for many seeds.

use std::ops::Range;

/// Which seeds to simulate: a number of them, or a range such as `33..34` to see one again.
const VARIABLE: &str = "PHALANX_SIM_SEEDS";

/// Runs a test for each seed, and says which one it failed for.
pub fn for_seeds(seeds: impl IntoIterator<Item = u64>, test: impl Fn(u64)) {
    for seed in seeds {
        let report = Report(seed);
        test(seed);
        drop(report);
    }
}

/// The seeds that the environment variable `PHALANX_SIM_SEEDS` asks for, or `0..usual`.
///
/// # Panics
/// Where the variable is neither a number nor a range.
#[must_use]
pub fn seeds(usual: u64) -> Range<u64> {
    let Ok(text) = std::env::var(VARIABLE) else { return 0..usual };
    parse(&text).unwrap_or_else(|| panic!("{VARIABLE}={text}: write a number or a range such as 33..34"))
}

fn parse(text: &str) -> Option<Range<u64>> {
    match text.split_once("..") {
        Some((first, end)) => Some(first.parse().ok()?..end.parse().ok()?),
        None => Some(0..text.parse().ok()?),
    }
}

/// Names the seed if it is dropped by a panic.
struct Report(u64);

impl Drop for Report {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "the seed was {0}: {VARIABLE}={0}..{1} shows it again where the test asks for it",
                self.0,
                self.0 + 1
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn seeds_are_a_number_or_a_range() {
        assert_eq!((parse("12"), parse("33..34")), (Some(0..12), Some(33..34)));
        assert_eq!((parse(""), parse("1..x"), parse("-1")), (None, None, None));
    }
}
