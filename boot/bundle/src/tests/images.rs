//! Small kernels of every format: nothing that runs, but everything that loaders look at.

/// A bzImage whose protected-mode code is `0xb2` over and over.
pub(super) struct BzImage {
    pub(super) version: u16,
    pub(super) xloadflags: u16,
    pub(super) pref_address: u64,
    pub(super) init_size: u32,
    pub(super) code: usize,
}

impl Default for BzImage {
    fn default() -> Self {
        Self { version: 0x20f, xloadflags: 1, pref_address: 0x100_0000, init_size: 0x20_0000, code: 0x1000 }
    }
}

impl BzImage {
    pub(super) fn build(&self) -> Vec<u8> {
        let mut file = vec![0; 2 * 512];
        let mut put = |at: usize, bytes: &[u8]| file[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, b"MZ");
        put(0x1f1, &[1]);
        put(0x1f4, &(self.code as u32 / 16).to_le_bytes());
        put(0x1fe, &[0x55, 0xaa, 0xeb, 0x6a]);
        put(0x202, b"HdrS");
        put(0x206, &self.version.to_le_bytes());
        put(0x211, &[1]);
        put(0x22c, &0x7fff_ffffu32.to_le_bytes());
        put(0x236, &self.xloadflags.to_le_bytes());
        put(0x238, &2047u32.to_le_bytes());
        put(0x258, &self.pref_address.to_le_bytes());
        put(0x260, &self.init_size.to_le_bytes());
        put(0x26c, b"code of the setup, not header");
        file.resize(2 * 512 + self.code, 0xb2);
        file
    }
}

/// An ELF file with one segment of code and, where asked for, the PVH note.
pub(super) struct Elf {
    pub(super) is_64: bool,
    pub(super) kind: u16,
    pub(super) machine: u16,
    pub(super) entry: u64,
    pub(super) vaddr: u64,
    pub(super) paddr: u64,
    pub(super) code: Vec<u8>,
    pub(super) memory: u64,
    pub(super) pvh: Option<u32>,
}

impl Default for Elf {
    fn default() -> Self {
        Self {
            is_64: true,
            kind: 2,
            machine: 62,
            entry: 0xffff_8000_0010_0010,
            vaddr: 0xffff_8000_0010_0000,
            paddr: 0x10_0000,
            code: vec![0xe1; 100],
            memory: 5000,
            pvh: None,
        }
    }
}

impl Elf {
    /// Where the code begins in the file.
    pub(super) const CODE: usize = 0x200;

    pub(super) fn build(&self) -> Vec<u8> {
        let (class, header, program) = if self.is_64 { (2, 64, 56) } else { (1, 52, 32) };
        let mut file = vec![0x7f, b'E', b'L', b'F', class, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        file.extend(self.kind.to_le_bytes());
        file.extend(self.machine.to_le_bytes());
        file.extend(1u32.to_le_bytes());
        [self.entry, header, 0].into_iter().for_each(|word| self.word(&mut file, word));
        file.extend(0u32.to_le_bytes());
        for half in [header as u16, program, 2, 0, 0, 0] {
            file.extend(half.to_le_bytes());
        }
        let note = self.note();
        let note_at = Self::CODE as u64 - note.len() as u64;
        self.program(&mut file, 4, [note_at, 0, 0, note.len() as u64, note.len() as u64]);
        let size = self.code.len() as u64;
        self.program(&mut file, 1, [Self::CODE as u64, self.vaddr, self.paddr, size, self.memory]);
        file.resize(note_at as usize, 0);
        [file, note, self.code.clone()].concat()
    }

    fn word(&self, file: &mut Vec<u8>, word: u64) {
        let width = if self.is_64 { 8 } else { 4 };
        file.extend(&word.to_le_bytes()[..width]);
    }

    /// A program header; `words` are offset, virtual and physical address, size in file and memory.
    fn program(&self, file: &mut Vec<u8>, kind: u32, words: [u64; 5]) {
        let flags = 7u32.to_le_bytes();
        file.extend(kind.to_le_bytes());
        if self.is_64 {
            file.extend(flags);
        }
        words.into_iter().for_each(|word| self.word(file, word));
        if !self.is_64 {
            file.extend(flags);
        }
        self.word(file, 4);
    }

    fn note(&self) -> Vec<u8> {
        let Some(start) = self.pvh else {
            return Vec::new();
        };
        [&[4, 0, 0, 0, 4, 0, 0, 0, 18, 0, 0, 0], b"Xen\0".as_slice(), &start.to_le_bytes()].concat()
    }
}

/// A multiboot header with the address fields, and with the checksum that belongs to it.
pub(super) fn multiboot_header(flags: u32, addresses: [u32; 5]) -> Vec<u8> {
    let magic = 0x1bad_b002u32;
    let sum = 0u32.wrapping_sub(magic).wrapping_sub(flags);
    let words = [magic, flags, sum].into_iter().chain(addresses);
    words.flat_map(u32::to_le_bytes).collect()
}

/// A 32-bit ELF file with a multiboot header at the start of its code.
pub(super) fn multiboot_elf() -> Elf {
    let code = multiboot_header(3, [0; 5]);
    Elf { is_64: false, machine: 3, entry: 0x10_0020, vaddr: 0x10_0000, code, ..Elf::default() }
}
