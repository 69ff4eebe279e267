//! Any text as a manifest: the builder returns, and a mistake has a message.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let nothing = |_: &str| Err("nothing is prepared here".to_owned());
    if let Err(error) = phalanx_bundle::build_from_str("fuzz", text, Path::new("/nonexistent"), &nothing) {
        assert!(!error.to_string().is_empty());
    }
});
