//! Linux bzImage by the 64-bit boot protocol (Linux documentation, `arch/x86/boot`, "64-bit boot protocol").

use phalanx_abi::bundle::X86EntryRecord;
use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::place_cmdline;
use crate::program::{About, Program, Refusal};
use crate::ram::Ram;
use crate::x86_64::entry::{self, RSI};
use crate::x86_64::layout::{ACPI, BOOT_INFO, CMDLINE};
use crate::x86_64::memory_map;

/// Offset of the setup header, in the file as well as in boot_params.
const SETUP_HEADER: usize = 0x1f1;
/// Protocol 2.12 brought `xloadflags`: Linux 3.8 and later.
const OLDEST_VERSION: u16 = 0x020c;
/// `xloadflags`: the kernel has a 64-bit entry at 0x200.
const XLF_KERNEL_64: u16 = 1 << 0;
/// `loadflags`: the protected-mode code is loaded at 1 MiB or above.
const LOADED_HIGH: u8 = 1 << 0;
/// `type_of_loader` for loaders without a number of their own.
const UNDEFINED_LOADER: u8 = 0xff;
/// Offset of the 64-bit entry in the protected-mode code.
const ENTRY_64: u64 = 0x200;

/// The setup header from 0x1f1 on ("The real-mode kernel header").
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct SetupHeader {
    setup_sects: u8,
    root_flags: U16,
    syssize: U32,
    ram_size: U16,
    vid_mode: U16,
    root_dev: U16,
    boot_flag: U16,
    jump: [u8; 2],
    header: [u8; 4],
    version: U16,
    realmode_swtch: U32,
    start_sys_seg: U16,
    kernel_version: U16,
    type_of_loader: u8,
    loadflags: u8,
    setup_move_size: U16,
    code32_start: U32,
    ramdisk_image: U32,
    ramdisk_size: U32,
    bootsect_kludge: U32,
    heap_end_ptr: U16,
    ext_loader_ver: u8,
    ext_loader_type: u8,
    cmd_line_ptr: U32,
    initrd_addr_max: U32,
    kernel_alignment: U32,
    relocatable_kernel: u8,
    min_alignment: u8,
    xloadflags: U16,
    cmdline_size: U32,
    hardware_subarch: U32,
    hardware_subarch_data: U64,
    payload_offset: U32,
    payload_length: U32,
    setup_data: U64,
    pref_address: U64,
    init_size: U32,
    handover_offset: U32,
    kernel_info_offset: U32,
}

/// One line of the memory map in boot_params.
#[derive(Clone, Copy, IntoBytes, Immutable)]
#[repr(C)]
struct E820Entry {
    addr: U64,
    size: U64,
    kind: U32,
}

/// A bzImage that this loader can start.
pub(super) struct BzImage<'a> {
    setup: SetupHeader,
    code: &'a [u8],
}

/// Recognises a bzImage; `None` for every other file.
pub(super) fn parse(bytes: &[u8]) -> Result<Option<BzImage<'_>>, Refusal> {
    let header = bytes.get(SETUP_HEADER..).and_then(|tail| SetupHeader::read_from_prefix(tail).ok());
    let Some((setup, _)) = header.filter(|(setup, _)| setup.boot_flag == 0xaa55 && setup.header == *b"HdrS") else {
        return Ok(None);
    };
    let refuse = |message: &str, label: String| Err(Refusal::new(About::Kernel, message).label(label));
    let version = setup.version.get();
    if version < OLDEST_VERSION {
        let label =
            format!("boot protocol {}.{:02}, at least 2.12 is needed (Linux 3.8)", version >> 8, version & 0xff);
        return refuse("the Linux kernel is too old", label);
    }
    if setup.xloadflags & XLF_KERNEL_64 == 0 || setup.loadflags & LOADED_HIGH == 0 {
        return refuse("the Linux kernel has no 64-bit entry", "a 32-bit kernel".into());
    }
    let sectors = if setup.setup_sects == 0 { 4 } else { usize::from(setup.setup_sects) };
    let start = (sectors + 1) * 512;
    let code = bytes.get(start..).unwrap_or_default();
    let declared = u64::from(setup.syssize.get()) * 16;
    // The size is in paragraphs: the last one may be short.
    if code.is_empty() || code.len() as u64 + 15 < declared {
        let label = format!("{} bytes, its header says {}", bytes.len(), start as u64 + declared);
        return refuse("the Linux kernel is truncated", label);
    }
    Ok(Some(BzImage { setup, code }))
}

/// Puts kernel, initrd, command line and boot_params into RAM.
pub(super) fn load(program: &Program<'_>, image: &BzImage<'_>, ram: &mut Ram) -> Result<X86EntryRecord, Refusal> {
    let setup = &image.setup;
    let address = setup.pref_address.get();
    ram.reserve(About::Kernel, "the kernel", address, image.code.to_vec(), setup.init_size.get().into())?;
    place_cmdline(program, program.cmdline, setup.cmdline_size.get().into(), ram)?;
    let initrd = program.place_initrd(u64::from(setup.initrd_addr_max.get()) + 1, ram)?;
    let page = boot_params(setup, address, initrd, ram);
    ram.place(About::Memory, "boot_params", BOOT_INFO, page)?;
    Ok(entry::with_boot_info(entry::long_mode(ram, address + ENTRY_64)?, RSI))
}

/// The zero page ("The zero page"): the kernel's own header, completed, and what a boot loader tells.
fn boot_params(setup: &SetupHeader, address: u64, initrd: Option<(u64, u64)>, ram: &Ram) -> Vec<u8> {
    let (initrd_start, initrd_size) = initrd.unwrap_or_default();
    let setup = SetupHeader {
        vid_mode: 0xffff.into(),
        type_of_loader: UNDEFINED_LOADER,
        code32_start: low(address),
        ramdisk_image: low(initrd_start),
        ramdisk_size: low(initrd_size),
        cmd_line_ptr: low(CMDLINE),
        ..*setup
    };
    let map: Vec<_> = memory_map::entries(ram.size())
        .iter()
        .map(|line| E820Entry {
            addr: line.start.into(),
            size: line.size.into(),
            kind: if line.usable { 1 } else { 2 }.into(),
        })
        .collect();
    let mut page = vec![0; 4096];
    let mut put = |at: usize, bytes: &[u8]| page[at..at + bytes.len()].copy_from_slice(bytes);
    put(0x070, &ACPI.to_le_bytes());
    put(0x1e8, &[map.len() as u8]);
    // The header ends where its first jump leads to: what is behind is the kernel's code.
    let header_end = 0x202 + usize::from(setup.jump[1]);
    let header_len = (header_end - SETUP_HEADER).min(size_of::<SetupHeader>());
    put(SETUP_HEADER, &setup.as_bytes()[..header_len]);
    put(0x2d0, map.as_bytes());
    page
}

/// An address or size that is known to lie below 4 GiB.
fn low(value: u64) -> U32 {
    U32::new(u32::try_from(value).unwrap_or(u32::MAX))
}
