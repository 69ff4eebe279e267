//! What cannot work is refused with its cause, at the key that has to change.

use super::images::{Image, elf, gzip, wrapped};
use super::workshop;
use crate::Architecture::{Aarch64, X86_64};
use crate::tests::images::{BzImage, Elf};

/// The diagnostic of a domain with this kernel, and its parts that must be there.
#[track_caller]
fn refused(kernel: &[u8], lines: &str, parts: &[&str]) {
    let built = workshop(kernel).domain_for(Aarch64, &format!("kernel = 'kernel'\n{lines}"));
    let text = built.expect_err("must be refused");
    for part in parts {
        assert!(text.contains(part), "no «{part}» in:\n{text}");
    }
}

#[test]
fn kernels_for_other_machines() {
    let bzimage = BzImage::default().build();
    refused(
        &bzimage,
        "",
        &[
            "the kernel is for x86_64 machines",
            "looks like a Linux bzImage, this system is for aarch64",
            "build the system for x86_64, or name a kernel for aarch64",
        ],
    );
    refused(&Elf::default().build(), "", &["for another processor", "it is for x86_64, this system for aarch64"]);
    let words = Elf { is_64: false, ..elf() };
    refused(&words.build(), "", &["for another processor", "big-endian or has 32-bit addresses"]);
    refused(&Elf { machine: 40, is_64: false, ..elf() }.build(), "", &["it is for Arm with 32 bits"]);
    let shop = workshop(&Image::default().build());
    let text = shop.domain_for(X86_64, "kernel = 'kernel'").unwrap_err();
    for part in ["the kernel is for aarch64 machines", "a Linux Image for 64-bit Arm, this system is for x86_64"] {
        assert!(text.contains(part), "no «{part}» in:\n{text}");
    }
}

#[test]
fn formats_for_other_machines() {
    refused(
        &BzImage::default().build(),
        "format = 'bzimage'",
        &["kernels of this format start on x86_64 machines only", "this system is for aarch64", "4 | format = "],
    );
    let shop = workshop(&Image::default().build());
    let text = shop.domain_for(X86_64, "kernel = 'kernel'\nformat = 'image'").unwrap_err();
    assert!(text.contains("kernels of this format start on aarch64 machines only"), "{text}");
}

#[test]
fn manifests_for_other_machines() {
    let domain = "[[domain]]\nname = 'a'\nkernel = 'kernel'\n";
    let shop = workshop(&Image::default().build());
    let manifest = format!("architecture = 'aarch64'\n{domain}");
    assert!(shop.build_for(Aarch64, &manifest).is_ok());
    let text = shop.complaint(&manifest);
    for part in ["the manifest is for aarch64 machines", "built for x86_64", "`--arch aarch64`", "1 | architecture"] {
        assert!(text.contains(part), "no «{part}» in:\n{text}");
    }
    let text = shop.complaint(&format!("architecture = 'arm'\n{domain}"));
    assert!(text.contains("`arm` is not a value of `architecture`"), "{text}");
    let text = shop.complaint(&format!("arch = 'aarch64'\n{domain}"));
    assert!(text.contains("did you mean `architecture`?"), "{text}");
}

#[test]
fn a_dirty_log() {
    let parts = ["`dirty-log` is for x86_64 machines", "cannot be kept", "remove it: on Arm nothing tells yet"];
    refused(&elf().build(), "dirty-log = true", &parts);
}

#[test]
fn flash() {
    let shop = workshop(&Elf::default().build());
    let text = shop.domain("kernel = 'kernel'\nflash = '66M'").unwrap_err();
    assert!(text.contains("`flash` is for aarch64 machines"), "{text}");
    for (flash, label) in [("0", "less than 4 KiB"), ("129M", "more than 128 MiB"), ("5000", "not a multiple of 4 KiB")]
    {
        let text = format!("`{flash}` is not a possible flash size");
        refused(&elf().build(), &format!("flash = '{flash}'"), &[&text, label, "flash = \"66M\""]);
    }
}

#[test]
fn linux_kernels_that_do_not_do() {
    let old = Image { image_size: 0, ..Image::default() };
    refused(&old.build(), "", &["the Linux kernel is too old", "Linux 3.17"]);
    let wild = Image { text_offset: 1 << 40, ..Image::default() };
    refused(&wild.build(), "", &["the header of the Linux kernel is damaged", "0x10000000000"]);
    let whole = Image::default().build();
    refused(&whole[..whole.len() - 1], "", &["the Linux kernel is truncated", "4095 bytes, its header says 4096"]);
    let long = format!("cmdline = '{}'", "x".repeat(2048));
    refused(&whole, &long, &["the command line is too long", "2048 bytes, the kernel takes 2047"]);
    refused(&elf().build(), &format!("cmdline = '{}'", "x".repeat(65536)), &["65536 bytes, the kernel takes 65535"]);
}

#[test]
fn compressed_kernels_that_do_not_do() {
    let packed = gzip(&Image::default().build());
    refused(&packed[..packed.len() - 9], "", &["the compressed kernel is damaged or truncated"]);
    let wrapper = wrapped(&packed, b"zstd22\0");
    refused(&wrapper, "", &["compression is not known", "compressed by zstd22", "compressed by gzip"]);
    let wrapper = wrapped(&packed, b"gzip\0");
    refused(&wrapper[..wrapper.len() - 101], "", &["the compressed kernel is truncated", "its header says"]);
    refused(&gzip(b"hello\n"), "", &["the kernel is of no known format", "looks like a text file"]);
}

#[test]
fn elf_files_that_do_not_do() {
    refused(&Elf { kind: 1, ..elf() }.build(), "", &["not an executable at fixed addresses"]);
    // A dynamic section with a table of relocations (8 = RELASZ), behind the note's program header.
    let dynamic: Vec<u8> = [8u64, 24, 0, 0].into_iter().flat_map(u64::to_le_bytes).collect();
    let mut relocated = Elf { kind: 3, code: dynamic, memory: 32, ..elf() }.build();
    relocated[64..68].copy_from_slice(&2u32.to_le_bytes());
    relocated[64 + 8..64 + 16].copy_from_slice(&(Elf::CODE as u64).to_le_bytes());
    relocated[64 + 32..64 + 40].copy_from_slice(&32u64.to_le_bytes());
    refused(&relocated, "", &["not an executable at fixed addresses", "it has to be relocated"]);
}

#[test]
fn places_that_are_not_ram() {
    let low = Elf { paddr: 0x8_0000, vaddr: 0x8_0000, entry: 0x8_0000, ..elf() };
    let advice = "give it RAM at address 0 with `flash = \"1M\"`, or use 0x40000000 and above";
    refused(&low.build(), "", &["a segment of the kernel does not fit", "at 0x80000", advice]);
    let device = Elf { paddr: 0x900_0000, ..elf() };
    refused(&device.build(), "", &["RAM is at 0x40000000 and above"]);
    let image = Image { image_size: 0x100_0000, ..Image::default() }.build();
    refused(&image, "memory = '16M'", &["the kernel does not fit", "16 MiB at 0x40200000", "memory = \"18M\""]);
    refused(&[0xd4; 64], "load = 0xfffffffffffff\nmemory = '1M'", &["the kernel does not fit"]);
}

#[test]
fn what_does_not_fit_together() {
    let fills = "load = 0x40000000\nmemory = '1M'";
    refused(&vec![0xd4; 0x10_0000], fills, &["there is no room for the device tree", "raise `memory`"]);
    refused(&vec![0xd4; 0x10_0000], &format!("{fills}\ninitrd = 'initrd'"), &["the initrd does not fit"]);
    refused(&elf().build(), "load = 0x40000000", &["`load` is for flat binaries"]);
    refused(&Image::default().build(), "entry = 0x40000000", &["`entry` is for flat binaries"]);
    refused(&[0xd4; 64], "format = 'flat'\nentry = 0x40000000", &["`entry` lies outside the kernel"]);
    refused(&[0xd4, 0, 0, 0], "", &["of no known format", "looks like raw data", "write `format = \"flat\"`"]);
}
