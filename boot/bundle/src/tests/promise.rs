//! What the builder promises for every manifest: its output parses, and everything lies in RAM.

use phalanx_abi::bundle::Bundle;
use proptest::prelude::*;

use super::images::{BzImage, Elf, multiboot_elf};
use super::{Built, Workshop};

fn kernels() -> impl Strategy<Value = (Vec<u8>, &'static str)> {
    prop_oneof![
        (0x100_0000..0x600_0000u64, 1..0x200_0000u32, 1..0x200usize).prop_map(|(pref_address, init_size, code)| {
            (BzImage { pref_address, init_size, code: code * 16, ..BzImage::default() }.build(), "")
        }),
        (any::<bool>(), 0..0x500_0000u64, 0..0x100_0000u64).prop_map(|(pvh, paddr, memory)| {
            (Elf { pvh: pvh.then_some(paddr as u32), paddr, memory: memory.max(100), ..Elf::default() }.build(), "")
        }),
        (0..0x500_0000u64, 1..0x10_0000u64)
            .prop_map(|(paddr, memory)| { (Elf { paddr, memory: memory.max(32), ..multiboot_elf() }.build(), "",) }),
        (1..5000usize).prop_map(|size| (vec![0x90; size], "load = 0x100000")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_is_built_parses_and_lies_in_ram(
        (kernel, lines) in kernels(),
        initrd in proptest::option::of(1..100_000usize),
        pages in 256..0x8000u64,
        vcpus in 1..=64u32,
    ) {
        let shop = Workshop::new(&[("kernel", &kernel), ("initrd", &vec![7; initrd.unwrap_or(0)])]);
        let initrd = if initrd.is_some() { "initrd = 'initrd'" } else { "" };
        let memory = pages * 4;
        let built = shop.domain(&format!("kernel = 'kernel'\n{initrd}\nvcpus = {vcpus}\nmemory = '{memory}K'\n{lines}"));
        let Ok(Built { bytes, .. }) = built else {
            return Ok(());
        };
        let domain = Bundle::parse(&bytes).unwrap().domains().next().unwrap();
        prop_assert_eq!(domain.memory(), memory * 1024);
        prop_assert_eq!(domain.vcpus(), vcpus);
        for segment in domain.segments() {
            prop_assert!(segment.gpa + segment.bytes.len() as u64 <= memory * 1024);
        }
    }

    #[test]
    fn damaged_kernels_are_refused_or_built(
        (kernel, lines) in kernels(),
        damage in proptest::collection::vec((0..0x400usize, any::<u8>()), 1..8),
    ) {
        let mut kernel = kernel;
        for (at, byte) in damage {
            if let Some(place) = kernel.get_mut(at) {
                *place = byte;
            }
        }
        let shop = Workshop::new(&[("kernel", &kernel)]);
        if let Ok(Built { bytes, .. }) = shop.domain(&format!("kernel = 'kernel'\n{lines}")) {
            prop_assert!(Bundle::parse(&bytes).is_ok());
        }
    }
}

#[test]
fn several_domains_keep_their_order_and_properties() {
    let shop = Workshop::new(&[("kernel", &Elf::default().build())]);
    let manifest = "[[domain]]\nname = 'b'\nkernel = 'kernel'\nmemory = '5G'\nvcpus = 3\non-reboot = 'end'\n\
        [[domain]]\nname = 'a'\nkernel = 'kernel'\nconsole = false\ndirty-log = true\n";
    let bytes = shop.build(manifest).unwrap();
    let domains: Vec<_> = Bundle::parse(&bytes).unwrap().domains().collect();
    let facts = |index: usize| (domains[index].name(), domains[index].vcpus(), domains[index].console());
    assert_eq!((facts(0), facts(1)), (("b", 3, true), ("a", 1, false)));
    let regions: Vec<_> = domains[0].regions().map(|region| (region.gpa, region.size)).collect();
    assert_eq!(regions, [(0, 3 << 30), (4 << 30, 2 << 30)]);
    assert_eq!(domains[1].memory(), 256 << 20, "the default");
    assert_eq!(domains.iter().map(|domain| domain.dirty_log()).collect::<Vec<_>>(), [false, true]);
    let policies: Vec<_> = domains.iter().map(|domain| domain.on_reboot()).collect();
    assert_eq!(policies, [phalanx_abi::bundle::OnReboot::End, phalanx_abi::bundle::OnReboot::Restart]);
}
