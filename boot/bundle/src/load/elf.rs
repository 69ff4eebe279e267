//! What the loaders need of an ELF file (System V ABI, "Object Files").

use object::Endianness;
use object::elf::{EM_386, EM_X86_64, ET_EXEC, FileHeader32, FileHeader64, NoteType, PT_LOAD};
use object::read::elf::{FileHeader, ProgramHeader};

use super::{About, Refusal};
use crate::ram::Ram;

/// `XEN_ELFNOTE_PHYS32_ENTRY`: the address where PVH starts (Xen, `public/elfnote.h`).
const PHYS32_ENTRY: NoteType = NoteType(18);

/// An x86 program at fixed addresses.
#[derive(Debug)]
pub(super) struct Elf<'a> {
    pub(super) is_64: bool,
    /// Physical address of the first instruction.
    pub(super) entry: u64,
    /// Physical address of the first instruction by PVH, where the program has the note.
    pub(super) pvh_start: Option<u64>,
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
pub(super) fn parse(bytes: &[u8]) -> Result<Option<Elf<'_>>, Refusal> {
    match bytes {
        [0x7f, b'E', b'L', b'F', 1, ..] => read::<FileHeader32<Endianness>>(bytes).map(Some),
        [0x7f, b'E', b'L', b'F', ..] => read::<FileHeader64<Endianness>>(bytes).map(Some),
        _ => Ok(None),
    }
}

fn read<H: FileHeader<Endian = Endianness>>(bytes: &[u8]) -> Result<Elf<'_>, Refusal> {
    let header = H::parse(bytes).map_err(damaged)?;
    let endian = header.endian().map_err(damaged)?;
    refuse_foreign(header, endian)?;
    let mut elf = Elf { is_64: header.is_type_64(), entry: 0, pvh_start: None, segments: Vec::new() };
    for program in header.program_headers(endian, bytes).map_err(damaged)? {
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

fn refuse_foreign<H: FileHeader<Endian = Endianness>>(header: &H, endian: Endianness) -> Result<(), Refusal> {
    let machine = header.e_machine(endian);
    if machine != EM_X86_64 && machine != EM_386 {
        let label = format!("its machine number is {}", machine.0);
        return Err(Refusal::new(About::Kernel, "the ELF file is for another processor").label(label));
    }
    if header.e_type(endian) != ET_EXEC {
        return Err(Refusal::new(About::Kernel, "the ELF file is not an executable at fixed addresses")
            .label("relocatable or position-independent")
            .help(
                "link it statically for fixed addresses (Rust: `-C relocation-model=static`, C: `-static -no-pie`)",
            ));
    }
    Ok(())
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
    pub(super) fn place(&self, ram: &mut Ram) -> Result<(), Refusal> {
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
