//! Kernels and sizes that cannot work: each is refused with its cause, at the key that has to change.

use super::Workshop;
use super::images::{BzImage, Elf, multiboot_elf, multiboot_header};

/// The diagnostic of a domain with this kernel, and its parts that must be there.
#[track_caller]
fn refused(kernel: &[u8], lines: &str, parts: &[&str]) {
    let shop = Workshop::new(&[("kernel", kernel), ("initrd", &[7; 3 << 20]), ("empty", &[])]);
    let text = shop.domain(&format!("kernel = 'kernel'\n{lines}")).expect_err("must be refused");
    for part in parts {
        assert!(text.contains(part), "no «{part}» in:\n{text}");
    }
}

#[test]
fn files_that_are_no_kernels_are_called_by_name() {
    let iso = [vec![0; 0x8001], b"CD001".to_vec()].concat();
    let multiboot2 = [0xe852_50d6u32, 0, 24].map(u32::to_le_bytes).concat();
    for (kernel, looks) in [
        (&b""[..], "an empty file"),
        (b"hello\n", "a text file"),
        (b"\x1f\x8b\x08\0", "a gzip file"),
        (b"070701", "a cpio archive, perhaps the initrd"),
        (b"\0\x01\x02", "raw data"),
        (&iso, "an ISO image"),
        (&multiboot2, "a multiboot 2 kernel, which is not supported"),
    ] {
        refused(kernel, "", &["the kernel is of no known format", &format!("looks like {looks}"), "3 | kernel"]);
    }
}

#[test]
fn a_format_that_the_file_does_not_have() {
    let elf = Elf::default().build();
    refused(&elf, "format = 'bzimage'", &["not a Linux bzImage", "looks like a 64-bit ELF file", "leave `format` out"]);
    refused(&elf, "format = 'multiboot'", &["no multiboot header that can be followed"]);
    refused(&BzImage::default().build(), "format = 'elf'", &["not an ELF file", "looks like a Linux bzImage"]);
    refused(&elf, "format = 'flat'", &["a flat binary needs an address", "add for example `load = 0x100000`"]);
}

#[test]
fn linux_kernels_that_do_not_do() {
    let old = BzImage { version: 0x206, ..BzImage::default() };
    refused(&old.build(), "", &["too old", "boot protocol 2.06, at least 2.12 is needed"]);
    let narrow = BzImage { xloadflags: 0, ..BzImage::default() };
    refused(&narrow.build(), "", &["no 64-bit entry"]);
    let whole = BzImage::default().build();
    refused(&whole[..whole.len() - 16], "", &["the Linux kernel is truncated", "5104 bytes, its header says 5120"]);
}

#[test]
fn elf_files_that_do_not_do() {
    refused(
        &Elf { machine: 183, ..Elf::default() }.build(),
        "",
        &["for another processor", "it is for aarch64", "this system for x86_64"],
    );
    refused(&Elf { machine: 4, ..Elf::default() }.build(), "", &["for another processor", "machine number 4"]);
    refused(
        &Elf { kind: 3, ..Elf::default() }.build(),
        "",
        &["not an executable at fixed addresses", "relocation-model=static"],
    );
    let whole = Elf::default().build();
    refused(&whole[..whole.len() - 1], "", &["the ELF file is truncated", "611 bytes, a segment ends at 612"]);
    refused(&whole[..40], "", &["the ELF file is damaged"]);
    let plain = Elf { is_64: false, machine: 3, paddr: 0x10_0000, ..Elf::default() };
    refused(&plain.build(), "", &["looks like a 32-bit ELF file without PVH note and multiboot header"]);
}

#[test]
fn multiboot_kernels_that_do_not_do() {
    let elf = Elf { code: multiboot_header(0x18, [0; 5]), ..multiboot_elf() };
    refused(&elf.build(), "", &["asks for something that is not provided", "header flags 0x18"]);
    let addresses = |fields| multiboot_header(1 << 16, fields);
    let wrong = "the addresses in the multiboot header are wrong";
    refused(&addresses([0x1000, 0x2000, 0, 0, 0]), "", &[wrong, "header at 0x1000, load address 0x2000"]);
    refused(&addresses([0x10_0000, 0x10_0000, 0x10_1000, 0, 0]), "", &[wrong, "it ends at 0x101000, past the file"]);
}

#[test]
fn kernels_that_do_not_fit() {
    let linux = BzImage::default().build();
    refused(
        &linux,
        "memory = '16M'",
        &["the kernel does not fit", "2 MiB at 0x1000000, the domain has 16 MiB", "memory = \"18M\""],
    );
    let high = Elf { paddr: 0xfec0_0000, ..Elf::default() };
    refused(
        &high.build(),
        "memory = '8G'",
        &["a segment of the kernel does not fit", "link the kernel for a lower address"],
    );
    let flat = [0x90; 64];
    refused(&flat, "load = 0xfffffff0\nmemory = '1M'", &["the kernel does not fit", "load = 0xfffffff0"]);
    refused(&flat, "load = 0x7fffffffffffffff", &["the kernel does not fit"]);
}

#[test]
fn initrds_that_do_not_fit() {
    let linux = BzImage { init_size: 0x30_0000, ..BzImage::default() };
    let small = "memory = '1M'\ninitrd = 'initrd'";
    refused(
        &[0x90; 64],
        &format!("load = 0x40000\n{small}"),
        &["the initrd does not fit", "3 MiB", "initrd = 'initrd'"],
    );
    refused(&linux.build(), "initrd = 'empty'", &["the initrd is an empty file"]);
    refused(&linux.build(), "initrd = 'missing'", &["cannot read the initrd"]);
}

#[test]
fn pieces_that_overlap() {
    let low = Elf { paddr: 0x8000, entry: 0x8000, vaddr: 0x8000, memory: 0x2000, ..Elf::default() };
    refused(
        &low.build(),
        "",
        &[
            "the page tables and a segment of the kernel overlap",
            "the page tables: 0x9000 to 0xf000, a segment of the kernel: 0x8000 to 0xa000",
            "link or load the kernel elsewhere",
            "kernel = 'kernel'",
        ],
    );
    refused(&[0x90; 64], "load = 0xe0010", &["the ACPI tables and the kernel overlap", "load = 0xe0010"]);
    refused(&[0x90; 64], "load = 0x1ffff", &["the command line and the kernel overlap"]);
}

#[test]
fn command_lines_that_are_too_long() {
    let long = |len| format!("cmdline = '{}'", "x".repeat(len));
    let linux = BzImage::default().build();
    refused(&linux, &long(2048), &["the command line is too long for kernel", "2048 bytes, the kernel takes 2047"]);
    refused(&Elf::default().build(), &long(65536), &["65536 bytes, the kernel takes 65535"]);
}

#[test]
fn addresses_for_a_kernel_that_brings_its_own() {
    let linux = BzImage::default().build();
    refused(&linux, "load = 0x100000", &["`load` is for flat binaries", "remove `load`, or write `format = \"flat\"`"]);
    refused(&linux, "entry = 0x100000", &["`entry` is for flat binaries"]);
    let outside = "load = 0x100000\nentry = 0x100040";
    refused(
        &[0x90; 64],
        outside,
        &["`entry` lies outside the kernel", "0x100040, the kernel is at 0x100000 to 0x100040"],
    );
}

#[test]
fn real_mode_starts_that_cannot_be() {
    let real = |lines: &str| format!("format = 'real-mode'\n{lines}");
    let flat = [0x90; 64];
    refused(&flat, &real(""), &["a flat binary needs an address", "add for example `load = 0x100000`"]);
    let above = "real mode reaches the first 1 MiB only";
    refused(&flat, &real("load = 0x100000"), &[above, "starts at 0x100000", "load = 0x30000"]);
    let both = vec![0x90; 0x2_0000];
    refused(&both, &real("load = 0xf0000\nentry = 0x100000"), &[above, "starts at 0x100000"]);
    refused(&flat, &real("load = 0x30000\nentry = 0x30040"), &["`entry` lies outside the kernel"]);
}
