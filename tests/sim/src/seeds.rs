//! The same test for many seeds.

/// Runs a test for each seed, and says which one it failed for.
pub fn for_seeds(seeds: impl IntoIterator<Item = u64>, test: impl Fn(u64)) {
    for seed in seeds {
        let report = Report(seed);
        test(seed);
        drop(report);
    }
}

/// Names the seed if it is dropped by a panic.
struct Report(u64);

impl Drop for Report {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the seed was {}", self.0);
        }
    }
}
