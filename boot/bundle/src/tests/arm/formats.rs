//! Each format of kernel: where it goes, and where it starts.

use super::images::{Image, elf, gzip, wrapped};
use super::{Built, KERNEL, RAM, build};
use crate::tests::images::Elf;

/// Start address and X0 to X3.
fn entry(built: &Built) -> (u64, [u64; 4]) {
    let entry = built.arm_entry();
    (entry.pc.get(), entry.x.map(|x| x.get()))
}

#[test]
fn an_image_starts_at_its_first_byte() {
    let image = Image::default().build();
    for lines in ["", "format = 'image'"] {
        let built = build(&image, lines);
        assert_eq!(entry(&built), (KERNEL, [RAM, 0, 0, 0]));
        assert_eq!(built.read(KERNEL, image.len() + 1), [image.clone(), vec![0]].concat());
    }
    let built = build(&Image { text_offset: 0x8_0000, ..Image::default() }.build(), "");
    assert_eq!(entry(&built).0, KERNEL + 0x8_0000);
    assert_eq!(built.read(KERNEL + 0x8_0038, 4), b"ARM\x64");
}

#[test]
fn compressed_images_are_unpacked() {
    let image = Image::default().build();
    for packed in [gzip(&image), wrapped(&gzip(&image), b"gzip\0")] {
        let built = build(&packed, "");
        assert_eq!(entry(&built).0, KERNEL);
        assert_eq!(built.read(KERNEL, image.len()), image);
    }
    assert_eq!(entry(&build(&gzip(&elf().build()), "")).0, 0x4030_0010);
}

#[test]
fn an_elf_file_starts_at_its_physical_entry() {
    let built = build(&elf().build(), "");
    assert_eq!(entry(&built), (0x4030_0010, [RAM, 0, 0, 0]));
    assert_eq!(built.read(0x4030_0000, 101), [vec![0xe1; 100], vec![0]].concat());
    let high = Elf { entry: 0xffff_0000_0000_0020, vaddr: 0xffff_0000_0000_0000, ..elf() };
    assert_eq!(entry(&build(&high.build(), "format = 'elf'")).0, 0x4030_0020);
    assert_eq!(entry(&build(&Elf { kind: 3, ..elf() }.build(), "")).0, 0x4030_0010, "needs no relocations");
}

#[test]
fn a_flat_binary_starts_where_the_manifest_says_or_where_linux_would() {
    let code = [0xd5; 64];
    assert_eq!(entry(&build(&code, "format = 'flat'")).0, KERNEL);
    assert_eq!(entry(&build(&code, "load = 0x40100000")).0, 0x4010_0000);
    assert_eq!(entry(&build(&code, "load = 0x40100000\nentry = 0x40100020")).0, 0x4010_0020);
    let gzip = gzip(&code);
    assert_eq!(build(&gzip, "format = 'flat'").read(KERNEL, gzip.len()), gzip, "nothing is unpacked");
}

#[test]
fn the_initrd_avoids_the_memory_that_the_image_grows_into() {
    let image = |image_size| Image { image_size, ..Image::default() }.build();
    let initrd = |kernel: &[u8]| {
        let built = build(kernel, "initrd = 'initrd'\nmemory = '64M'");
        let segment = built.only().segments().find(|segment| segment.bytes[0] == 0x17);
        segment.unwrap().gpa
    };
    assert_eq!(initrd(&image(0x3e0_0000 - 0x2000)), RAM + (64 << 20) - 0x2000);
    assert_eq!(initrd(&image(0x3e0_0000 - 0x1fff)), KERNEL - 0x2000, "below the kernel");
}
