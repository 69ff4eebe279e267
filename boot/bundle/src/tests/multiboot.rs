//! Multiboot 1: the information, by program headers and by the header's own addresses.

use super::images::{Elf, multiboot_elf, multiboot_header};
use super::{Built, Workshop};

const INFO: u64 = 0x7000;

fn build(kernel: &[u8], lines: &str) -> Built {
    let shop = Workshop::new(&[("unikernel", kernel), ("data.bin", b"abc")]);
    shop.domain(&format!("kernel = 'unikernel'\nmemory = '16M'\n{lines}")).unwrap()
}

#[test]
fn information_tells_everything() {
    let built = build(&multiboot_elf().build(), "cmdline = 'one two'\ninitrd = 'data.bin'");
    assert_eq!(built.u32(INFO), 0x24d, "flags");
    assert_eq!((built.u32(INFO + 4), built.u32(INFO + 8)), (639, 15 * 1024), "lower and upper memory");
    assert_eq!(built.text(built.u32(INFO + 16).into()), "unikernel one two");
    assert_eq!(built.u32(INFO + 20), 1, "modules");
    let module: u64 = built.u32(INFO + 24).into();
    assert_eq!((built.u32(module), built.u32(module + 4)), (0xff_f000, 0xff_f003));
    assert_eq!(built.text(built.u32(module + 8).into()), "data.bin");
    let map: u64 = built.u32(INFO + 48).into();
    assert_eq!(built.u32(INFO + 44), 3 * 24);
    let last = map + 2 * 24;
    assert_eq!(
        (built.u32(last), built.u64(last + 4), built.u64(last + 12), built.u32(last + 20)),
        (20, 0x10_0000, 0xf0_0000, 1)
    );
    assert_eq!(built.text(built.u32(INFO + 64).into()), "phalanx");
}

#[test]
fn starts_in_protected_mode() {
    let entry = build(&multiboot_elf().build(), "").entry();
    assert_eq!((entry.rip.get(), entry.gprs[0].get(), entry.gprs[3].get()), (0x10_0020, 0x2bad_b002, INFO));
    assert_eq!((entry.cr0.get(), entry.cs.attributes.get()), (0x11, 0xc9b));
}

#[test]
fn without_initrd_there_is_no_module() {
    let built = build(&multiboot_elf().build(), "");
    assert_eq!(built.u32(INFO + 20), 0);
    assert_eq!(built.text(built.u32(INFO + 16).into()), "unikernel");
}

/// A file with the header at 0x40 that wants to be at 2 MiB from the header's page on.
fn by_addresses(load_end: u32) -> Vec<u8> {
    let header = multiboot_header(1 << 16, [0x20_0040, 0x20_0020, load_end, 0x20_4000, 0x20_0060]);
    [vec![0x11; 0x40], header, vec![0x22; 0x40]].concat()
}

#[test]
fn address_fields_place_any_file() {
    let built = build(&by_addresses(0x20_0070), "");
    assert_eq!(built.entry().rip, 0x20_0060);
    assert_eq!(built.read(0x20_0020, 0x20), [0x11; 0x20], "from the load address on, not from the start of the file");
    assert_eq!(built.read(0x20_0060, 0x11), [vec![0x22; 0x10], vec![0]].concat(), "up to the end of the load");
    assert_eq!(build(&by_addresses(0), "").read(0x20_0060, 0x40), [0x22; 0x40], "no end means the end of the file");
}

#[test]
fn a_64_bit_elf_file_is_multiboot_only_with_address_fields() {
    let offset = 0x20_0000 + Elf::CODE as u32;
    let with = multiboot_header(1 << 16, [offset, 0x20_0000, 0, 0, 0x20_0300]);
    let elf = Elf { code: with, ..Elf::default() };
    assert_eq!(build(&elf.build(), "").entry().rip, 0x20_0300);
    let elf = Elf { code: multiboot_header(0, [0; 5]), ..Elf::default() };
    assert_eq!(build(&elf.build(), "").entry().rip, 0x10_0010, "long mode");
}
