//! What a file that is not a kernel looks like instead.

use phalanx_abi::bundle::Architecture;

use crate::manifest::Format;
use crate::program::{About, Refusal};

/// Beginnings of files that people take for kernels by mistake: offset, bytes, what it is.
const SIGNS: [(usize, &[u8], &str); 17] = [
    (0x38, b"ARM\x64", "a Linux Image for 64-bit Arm"),
    (4, b"zimg", "a compressed EFI application"),
    (0x202, b"HdrS", "a Linux bzImage"),
    (0, b"\x7fELF\x01", "a 32-bit ELF file without PVH note and multiboot header"),
    (0, b"\x7fELF\x02", "a 64-bit ELF file"),
    (0, b"\x1f\x8b", "a gzip file"),
    (0, b"\xfd7zXZ", "an xz file"),
    (0, b"\x28\xb5\x2f\xfd", "a zstd file"),
    (0, b"BZh", "a bzip2 file"),
    (0, b"07070", "a cpio archive, perhaps the initrd"),
    (0, b"!<arch>", "a Debian package or library archive"),
    (0x8001, b"CD001", "an ISO image"),
    (0, b"QFI\xfb", "a qcow2 disk image"),
    (0, b"PHALANXB", "a Phalanx bundle"),
    (0, b"MZ", "an EFI application"),
    (0, b"#!", "a script"),
    (0x1fe, b"\x55\xaa", "a boot sector or disk image"),
];
/// Magic of a multiboot 2 header.
const MULTIBOOT2: [u8; 4] = 0xe852_50d6u32.to_le_bytes();

/// The refusal of a file that none of the asked loaders recognises.
pub(crate) fn refusal(bytes: &[u8], format: Format, architecture: Architecture) -> Refusal {
    let looks = looks_like(bytes);
    if let Some(other) = kernel_for(bytes).filter(|other| *other != architecture) {
        return Refusal::new(About::Kernel, format!("the kernel is for {other} machines"))
            .label(format!("looks like {looks}, this system is for {architecture}"))
            .help(format!("build the system for {other}, or name a kernel for {architecture}"));
    }
    let message = match format {
        Format::BzImage => "the kernel is not a Linux bzImage",
        Format::Elf => "the kernel is not an ELF file that can be started",
        Format::Multiboot => "the kernel has no multiboot header that can be followed",
        Format::Image => "the kernel is not a Linux Image",
        Format::Auto | Format::Flat | Format::RealMode => "the kernel is of no known format",
    };
    Refusal::new(About::Kernel, message).label(format!("looks like {looks}")).help(match (format, architecture) {
        (Format::Auto | Format::Flat, Architecture::X86_64) => {
            "use a Linux bzImage, a 64-bit ELF file, an ELF file with PVH note or multiboot header, or give a flat binary its `load` address"
        }
        (Format::Auto | Format::Flat, Architecture::Aarch64) => {
            "use a Linux Image (as it is, or compressed by gzip), a 64-bit ELF file, or write `format = \"flat\"` for a flat binary"
        }
        _ => "leave `format` out to have it recognised",
    })
}

/// The machines for which this is a Linux kernel, if it is one.
fn kernel_for(bytes: &[u8]) -> Option<Architecture> {
    let has = |at: usize, sign: &[u8]| bytes.get(at..).is_some_and(|tail| tail.starts_with(sign));
    if has(0x38, b"ARM\x64") {
        return Some(Architecture::Aarch64);
    }
    has(0x202, b"HdrS").then_some(Architecture::X86_64)
}

fn looks_like(bytes: &[u8]) -> &'static str {
    if bytes.is_empty() {
        return "an empty file";
    }
    let header = bytes.get(..bytes.len().min(32768)).unwrap_or_default();
    if header.windows(4).step_by(8).any(|word| word == MULTIBOOT2) {
        return "a multiboot 2 kernel, which is not supported";
    }
    let sign = SIGNS.iter().find(|(at, sign, _)| bytes.get(*at..).is_some_and(|tail| tail.starts_with(sign)));
    let text = || header.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace());
    match sign {
        Some((.., name)) => name,
        None if text() => "a text file",
        None => "raw data",
    }
}
