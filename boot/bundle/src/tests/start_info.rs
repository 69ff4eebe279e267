//! PVH, long mode, flat binaries and real mode: the start info and the state that points to it.

use super::images::Elf;
use super::{Built, Workshop};

const START_INFO: u64 = 0x7000;

fn check_start_info(built: &Built) {
    assert_eq!(built.u32(START_INFO), 0x336e_c578);
    assert_eq!(built.u32(START_INFO + 4), 1, "version");
    assert_eq!(built.u32(START_INFO + 12), 1, "modules");
    let module = built.u64(START_INFO + 16);
    assert_eq!((built.u64(module), built.u64(module + 8)), (0xff_f000, 3));
    assert_eq!(built.read(0xff_f000, 3), b"abc");
    assert_eq!(built.text(built.u64(START_INFO + 24)), "one two");
    assert_eq!(built.read(built.u64(START_INFO + 32), 8), b"RSD PTR ");
    let map = built.u64(START_INFO + 40);
    assert_eq!(built.u32(START_INFO + 48), 3, "lines of the map");
    let last = map + 2 * 24;
    assert_eq!((built.u64(last), built.u64(last + 8), built.u32(last + 16)), (0x10_0000, 0xf0_0000, 1));
}

fn build(kernel: &[u8], lines: &str) -> Built {
    let shop = Workshop::new(&[("kernel", kernel), ("initrd", b"abc")]);
    let lines = format!("kernel = 'kernel'\ninitrd = 'initrd'\ncmdline = 'one two'\nmemory = '16M'\n{lines}");
    shop.domain(&lines).unwrap()
}

#[test]
fn an_elf_file_with_the_note_starts_by_pvh() {
    let built = build(&Elf { pvh: Some(0x10_0040), ..Elf::default() }.build(), "");
    check_start_info(&built);
    let entry = built.entry();
    assert_eq!((entry.rip.get(), entry.gprs[3].get()), (0x10_0040, START_INFO), "RIP, RBX");
    assert_eq!((entry.cr0.get(), entry.cr4.get(), entry.efer.get()), (0x11, 0, 0));
    assert_eq!((entry.cs.attributes.get(), entry.cs.limit.get()), (0xc9b, u32::MAX));
    assert_eq!((entry.tr.attributes.get(), entry.tr.limit.get()), (0x8b, 0x67));
}

#[test]
fn other_64_bit_elf_files_start_in_long_mode_at_their_physical_entry() {
    let built = build(&Elf::default().build(), "");
    check_start_info(&built);
    let entry = built.entry();
    assert_eq!(
        (entry.rip.get(), entry.gprs[7].get(), entry.gprs[4].get()),
        (0x10_0010, START_INFO, 0),
        "RIP, RDI, RSP"
    );
    assert_eq!(entry.efer, 0x500);
    assert_eq!(built.read(0x10_0000, 101), [vec![0xe1; 100], vec![0]].concat());
}

#[test]
fn a_32_bit_elf_file_may_start_by_pvh_too() {
    let elf =
        Elf { is_64: false, machine: 3, entry: 0x10_0000, vaddr: 0x10_0000, pvh: Some(0x10_0008), ..Elf::default() };
    assert_eq!(build(&elf.build(), "").entry().rip, 0x10_0008);
}

#[test]
fn a_flat_binary_starts_where_the_manifest_says() {
    let built = build(&[0x90; 64], "format = 'flat'\nload = 0x200000");
    check_start_info(&built);
    assert_eq!(built.entry().rip, 0x20_0000);
    assert_eq!(built.read(0x20_0000, 64), [0x90; 64]);
    assert_eq!(build(&[0x90; 64], "load = 0x200000\nentry = 0x200010").entry().rip, 0x20_0010, "format is not needed");
}

#[test]
fn a_flat_binary_may_start_in_real_mode() {
    let built = build(&[0x90; 64], "format = 'real-mode'\nload = 0x13000\nentry = 0x13010");
    check_start_info(&built);
    let entry = built.entry();
    assert_eq!((entry.cs.selector.get(), entry.cs.base.get(), entry.rip.get()), (0x1000, 0x1_0000, 0x3010));
    assert_eq!((entry.cr0.get(), entry.efer.get(), entry.gprs[3].get()), (0x10, 0, START_INFO), "CR0, EFER, RBX");
    assert_eq!((entry.idtr.base.get(), entry.idtr.limit.get()), (0, 0x3ff), "the interrupt vectors");
}
