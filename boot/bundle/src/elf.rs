//! What the loaders need of an ELF file (System V ABI, "Object Files").

use object::Endianness;
use object::elf::{
    DT_RELASZ, DT_RELRSZ, DT_RELSZ, EM_386, EM_AARCH64, EM_ARM, EM_RISCV, EM_X86_64, ET_DYN, ET_EXEC, FileHeader32,
    FileHeader64, Machine, NoteType, PT_LOAD,
};
use object::read::elf::{Dyn, FileHeader, ProgramHeader};
use phalanx_abi::bundle::Architecture;

use crate::program::{About, Refusal};
use crate::ram::Ram;

/// `XEN_ELFNOTE_PHYS32_ENTRY`: the address where PVH starts (Xen, `public/elfnote.h`).
const PHYS32_ENTRY: NoteType = NoteType(18);

/// A program at fixed addresses.
#[derive(Debug)]
pub(crate) struct Elf<'a> {
    pub(crate) is_64: bool,
    /// Physical address of the first instruction.
    pub(crate) entry: u64,
    /// Physical address of the first instruction by PVH, where the program has the note.
    pub(crate) pvh_start: Option<u64>,
    segments: Vec<Segment<'a>>,
}

#[derive(Debug)]
struct Segment<'a> {
    vaddr: u64,
    paddr: u64,
    bytes: &'a [u8],
    memory: u64,
}

/// Recognises an ELF file; `None` for every other file.
///
/// # Errors
/// [`Refusal`] where the file is for other processors than those of `architecture`, is damaged, or has to be relocated.
pub(crate) fn parse(bytes: &[u8], architecture: Architecture) -> Result<Option<Elf<'_>>, Refusal> {
    match bytes {
        [0x7f, b'E', b'L', b'F', 1, ..] => read::<FileHeader32<Endianness>>(bytes, architecture).map(Some),
        [0x7f, b'E', b'L', b'F', ..] => read::<FileHeader64<Endianness>>(bytes, architecture).map(Some),
        _ => Ok(None),
    }
}

fn read<H: FileHeader<Endian = Endianness>>(bytes: &[u8], architecture: Architecture) -> Result<Elf<'_>, Refusal> {
    let header = H::parse(bytes).map_err(damaged)?;
    let endian = header.endian().map_err(damaged)?;
    refuse_foreign(header, endian, architecture)?;
    let relocatable = header.e_type(endian) != ET_EXEC;
    let mut elf = Elf { is_64: header.is_type_64(), entry: 0, pvh_start: None, segments: Vec::new() };
    for program in header.program_headers(endian, bytes).map_err(damaged)? {
        if relocatable {
            refuse_relocations::<H>(program, endian, bytes)?;
        }
        let note = pvh_note::<H>(program, endian, bytes).map_err(damaged)?;
        elf.pvh_start = elf.pvh_start.or(note);
        if program.p_type(endian) == PT_LOAD {
            elf.segments.push(segment::<H>(program, endian, bytes)?);
        }
    }
    let entry = header.e_entry(endian).into();
    elf.entry = elf.segments.iter().find_map(|segment| segment.physical(entry)).unwrap_or(entry);
    Ok(elf)
}

/// Complains about a file for other processors, and about one that is not laid out for fixed addresses. On Arm, where
/// code finds itself without relocations, a position-independent program may need none.
fn refuse_foreign<H: FileHeader<Endian = Endianness>>(
    header: &H,
    endian: Endianness,
    architecture: Architecture,
) -> Result<(), Refusal> {
    let machine = header.e_machine(endian);
    let known = match architecture {
        Architecture::X86_64 => machine == EM_X86_64 || machine == EM_386,
        Architecture::Aarch64 => machine == EM_AARCH64 && header.is_type_64() && header.is_little_endian(),
    };
    if !known {
        let label = match (machine, architecture) {
            (EM_AARCH64, Architecture::Aarch64) => "it is big-endian or has 32-bit addresses".into(),
            _ => format!("it is for {}, this system for {architecture}", machine_name(machine)),
        };
        return Err(Refusal::new(About::Kernel, "the ELF file is for another processor").label(label));
    }
    let kind = header.e_type(endian);
    let fixed = kind == ET_EXEC || (kind == ET_DYN && architecture == Architecture::Aarch64);
    if fixed { Ok(()) } else { Err(not_fixed("relocatable or position-independent")) }
}

fn machine_name(machine: Machine) -> String {
    match machine {
        EM_X86_64 => "x86_64".into(),
        EM_386 => "x86 with 32 bits".into(),
        EM_AARCH64 => "aarch64".into(),
        EM_ARM => "Arm with 32 bits".into(),
        EM_RISCV => "RISC-V".into(),
        other => format!("machine number {}", other.0),
    }
}

fn not_fixed(label: &str) -> Refusal {
    Refusal::new(About::Kernel, "the ELF file is not an executable at fixed addresses")
        .label(label)
        .help("link it statically for fixed addresses (Rust: `-C relocation-model=static`, C: `-static -no-pie`)")
}

/// Complains about a dynamic section that lists relocations.
fn refuse_relocations<H: FileHeader<Endian = Endianness>>(
    program: &H::ProgramHeader,
    endian: Endianness,
    bytes: &[u8],
) -> Result<(), Refusal> {
    let entries = program.dynamic(endian, bytes).map_err(damaged)?.unwrap_or_default();
    let lists = |entry: &H::Dyn| {
        let tag = entry.tag(endian);
        (tag == DT_RELASZ || tag == DT_RELSZ || tag == DT_RELRSZ) && entry.val(endian) != 0
    };
    if entries.iter().any(lists) { Err(not_fixed("it has to be relocated before it runs")) } else { Ok(()) }
}

fn segment<'a, H: FileHeader<Endian = Endianness>>(
    program: &H::ProgramHeader,
    endian: Endianness,
    bytes: &'a [u8],
) -> Result<Segment<'a>, Refusal> {
    let contents = program.data(endian, bytes).map_err(|()| {
        let (offset, size) = program.file_range(endian);
        let label = format!("{} bytes, a segment ends at {}", bytes.len(), offset.saturating_add(size));
        Refusal::new(About::Kernel, "the ELF file is truncated").label(label)
    })?;
    Ok(Segment {
        vaddr: program.p_vaddr(endian).into(),
        paddr: program.p_paddr(endian).into(),
        bytes: contents,
        memory: program.p_memsz(endian).into(),
    })
}

/// The entry in a Xen note of this program header, if it holds one.
fn pvh_note<H: FileHeader<Endian = Endianness>>(
    program: &H::ProgramHeader,
    endian: Endianness,
    bytes: &[u8],
) -> object::Result<Option<u64>> {
    let Some(mut notes) = program.notes(endian, bytes)? else {
        return Ok(None);
    };
    while let Some(note) = notes.next()? {
        if note.name() == b"Xen" && note.n_type(endian) == PHYS32_ENTRY {
            return Ok(number(note.desc()));
        }
    }
    Ok(None)
}

/// A number of 4 or 8 bytes.
fn number(bytes: &[u8]) -> Option<u64> {
    let short = bytes.try_into().map(u32::from_le_bytes).map(u64::from);
    short.or_else(|_| bytes.try_into().map(u64::from_le_bytes)).ok()
}

fn damaged(error: object::Error) -> Refusal {
    Refusal::new(About::Kernel, "the ELF file is damaged").label(error.to_string())
}

impl Segment<'_> {
    /// Where a virtual address of this segment lies in physical memory.
    fn physical(&self, vaddr: u64) -> Option<u64> {
        let offset = vaddr.checked_sub(self.vaddr).filter(|offset| *offset < self.memory)?;
        self.paddr.checked_add(offset)
    }
}

impl Elf<'_> {
    /// Puts all segments at their physical addresses.
    pub(crate) fn place(&self, ram: &mut Ram) -> Result<(), Refusal> {
        for segment in self.segments.iter().filter(|segment| segment.memory > 0) {
            let what = "a segment of the kernel";
            ram.reserve(About::Kernel, what, segment.paddr, segment.bytes.to_vec(), segment.memory)?;
        }
        if self.segments.is_empty() {
            return Err(Refusal::new(About::Kernel, "the ELF file has nothing to load").label("no PT_LOAD segment"));
        }
        Ok(())
    }
}
