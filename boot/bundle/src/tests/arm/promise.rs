//! What the builder promises for every manifest: its output parses, and every machine finds a device tree where X0
//! points.

use dtoolkit::fdt::Fdt;
use phalanx_abi::bundle::{Bundle, ONLY_GICV2, ONLY_GICV3};
use proptest::prelude::*;

use super::images::{Image, elf, gzip};
use super::{Built, RAM, workshop};
use crate::Architecture::Aarch64;
use crate::tests::images::Elf;

fn kernels() -> impl Strategy<Value = (Vec<u8>, &'static str)> {
    let image = (0..0x20_0000u64, 1..0x200_0000u64, 0x100..0x2000usize, any::<bool>());
    prop_oneof![
        image.prop_map(|(text_offset, image_size, code, packed)| {
            let image = Image { text_offset, image_size, code, section: None }.build();
            (if packed { gzip(&image) } else { image }, "")
        }),
        (RAM..RAM + 0x500_0000, 100..0x100_0000u64)
            .prop_map(|(paddr, memory)| { (Elf { paddr, vaddr: paddr, entry: paddr, memory, ..elf() }.build(), "") }),
        (1..5000usize).prop_map(|size| (vec![0xd5; size], "format = 'flat'")),
        (1..5000usize).prop_map(|size| (vec![0xd5; size], "load = 0\nflash = '2M'")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_is_built_parses_and_has_a_device_tree(
        (kernel, lines) in kernels(),
        initrd in any::<bool>(),
        pages in 256..0x8000u64,
        vcpus in 1..=64u32,
    ) {
        let initrd = if initrd { "initrd = 'initrd'" } else { "" };
        let lines = format!("kernel = 'kernel'\n{initrd}\nvcpus = {vcpus}\nmemory = '{}K'\n{lines}", pages * 4);
        let Ok(built) = workshop(&kernel).domain_for(Aarch64, &lines) else {
            return Ok(());
        };
        let domain = built.only();
        prop_assert_eq!(domain.vcpus(), vcpus);
        prop_assert!(domain.regions().any(|region| (region.gpa, region.size) == (RAM, pages * 4096)));
        for machine in [ONLY_GICV2, ONLY_GICV3] {
            let tree = built.tree(machine);
            let cpus = Fdt::new(&tree).unwrap().find_node("/cpus").map(|cpus| dtoolkit::Node::children(&cpus).count());
            prop_assert_eq!(cpus, Some(vcpus as usize));
        }
    }

    #[test]
    fn damaged_kernels_are_refused_or_built(
        (kernel, lines) in kernels(),
        damage in proptest::collection::vec((0..0x200usize, any::<u8>()), 1..8),
    ) {
        let mut kernel = kernel;
        for (at, byte) in damage {
            if let Some(place) = kernel.get_mut(at) {
                *place = byte;
            }
        }
        let built = workshop(&kernel).domain_for(Aarch64, &format!("kernel = 'kernel'\n{lines}"));
        if let Ok(Built { bytes, .. }) = built {
            prop_assert!(Bundle::parse(&bytes).is_ok());
        }
    }
}
