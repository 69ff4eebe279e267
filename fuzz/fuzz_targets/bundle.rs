//! Any bytes as a bundle: the parser returns, and everything in what it accepts can be read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use phalanx_abi::bundle::Bundle;

fuzz_target!(|bytes: &[u8]| {
    let Ok(bundle) = Bundle::parse(bytes) else { return };
    for domain in bundle.domains() {
        let size: u64 = domain.regions().map(|region| region.size).sum();
        assert_eq!(size, domain.memory());
        for segment in domain.segments() {
            assert!(!segment.bytes.is_empty());
        }
        let _ = (domain.name(), domain.vcpus(), domain.entry(), domain.devices().count());
    }
});
