//! Any text as a manifest: the builder returns, and a mistake has a message.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use phalanx_bundle::Architecture;

fuzz_target!(|text: &str| {
    let nothing = |_: &str| Err("nothing is prepared here".to_owned());
    for architecture in [Architecture::X86_64, Architecture::Aarch64] {
        let built = phalanx_bundle::build_from_str("fuzz", text, Path::new("/nonexistent"), &nothing, architecture);
        if let Err(error) = built {
            assert!(!error.to_string().is_empty());
        }
    }
});
