//! Walks of synthetic tables in every paging mode.

use std::collections::BTreeMap;
use std::vec::Vec;

use phalanx_arch_api::{Gpa, GuestMemory, Gva, Unbacked};

use super::error_code::{FETCH, PRESENT, RESERVED, USER, WRITE};
use super::{Access, AccessKind, Limits, PageFault, Paging, PagingRegisters, WalkError, fetch, translate};

const CR0_PG: u64 = 1 << 31;
const CR0_WP: u64 = 1 << 16;
const CR4_PSE: u64 = 1 << 4;
const CR4_PAE: u64 = 1 << 5;
const CR4_LA57: u64 = 1 << 12;
const CR4_SMEP: u64 = 1 << 20;
const CR4_SMAP: u64 = 1 << 21;
const LMA: u64 = 1 << 10;
const NXE: u64 = 1 << 11;

const P: u64 = 1;
const RW: u64 = 2;
const US: u64 = 4;
const PS: u64 = 1 << 7;
const NX: u64 = 1 << 63;
const ALL: u64 = P | RW | US;

const ROOT: u64 = 0x1000;
const LIMITS: Limits = Limits { physical_bits: 40, gigabyte_pages: true };
const READ: Access = Access { kind: AccessKind::Read, user: false, alignment_check: false };
const CODE: Access = Access { kind: AccessKind::Fetch, ..READ };
const STORE: Access = Access { kind: AccessKind::Write, ..READ };

const fn by_user(access: Access) -> Access {
    Access { user: true, ..access }
}

/// Sparse memory that ends at 16 MiB; unwritten bytes are zero.
#[derive(Default)]
struct Memory(BTreeMap<u64, u8>);

const END: u64 = 16 << 20;

impl Memory {
    fn with(entries: &[(u64, u64)]) -> Self {
        let mut memory = Self::default();
        for (at, entry) in entries {
            memory.put(*at, &entry.to_le_bytes());
        }
        memory
    }

    fn with_narrow(entries: &[(u64, u32)]) -> Self {
        let mut memory = Self::default();
        for (at, entry) in entries {
            memory.put(*at, &entry.to_le_bytes());
        }
        memory
    }

    fn put(&mut self, at: u64, bytes: &[u8]) {
        self.0.extend((at..).zip(bytes.iter().copied()));
    }
}

impl GuestMemory for Memory {
    fn read(&self, gpa: Gpa, buffer: &mut [u8]) -> Result<(), Unbacked> {
        let start = gpa.as_u64();
        if start.checked_add(buffer.len() as u64).is_none_or(|end| end > END) {
            return Err(Unbacked);
        }
        for (at, byte) in (start..).zip(buffer) {
            *byte = self.0.get(&at).copied().unwrap_or(0);
        }
        Ok(())
    }

    fn write(&self, _: Gpa, _: &[u8]) -> Result<(), Unbacked> {
        panic!("a walk never writes")
    }

    fn read_u64(&self, gpa: Gpa) -> Result<u64, Unbacked> {
        let mut bytes = [0; 8];
        self.read(gpa, &mut bytes).map(|()| u64::from_le_bytes(bytes))
    }

    fn read_u32(&self, gpa: Gpa) -> Result<u32, Unbacked> {
        let mut bytes = [0; 4];
        self.read(gpa, &mut bytes).map(|()| u32::from_le_bytes(bytes))
    }
}

const LONG: PagingRegisters = PagingRegisters { cr0: CR0_PG | CR0_WP, cr3: ROOT, cr4: CR4_PAE, efer: LMA | NXE };
const PAE: PagingRegisters = PagingRegisters { efer: NXE, ..LONG };
const NARROW: PagingRegisters = PagingRegisters { cr4: CR4_PSE, efer: 0, ..LONG };

fn walk(memory: &Memory, registers: PagingRegisters, address: u64, access: Access) -> Result<u64, WalkError> {
    let paging = Paging::new(&registers, LIMITS);
    translate(memory, &paging, Gva::new(address), access).map(Gpa::as_u64)
}

fn fault<T>(address: u64, error_code: u32) -> Result<T, WalkError> {
    Err(WalkError::Fault(PageFault { address: Gva::new(address), error_code }))
}

/// Four levels down to the page 0x9000 at 0x1234_5000, with these flags at the last level and `flags` above.
fn long_tables(above: u64, last: u64) -> Memory {
    Memory::with(&[
        (0x1000, 0x2000 | above),
        (0x2000, 0x3000 | above),
        (0x3000 + 8 * (0x1234_5000 >> 21), 0x4000 | above),
        (0x4000 + 8 * (0x1234_5000 >> 12 & 0x1ff), 0x9000 | last),
    ])
}

#[test]
fn without_paging_the_linear_address_is_the_physical_one() {
    let registers = PagingRegisters { cr0: CR0_WP, ..LONG };
    let memory = Memory::default();
    assert_eq!(walk(&memory, registers, 0x1234, by_user(STORE)), Ok(0x1234));
    assert_eq!(walk(&memory, registers, 0x5_0000_1234, READ), Ok(0x1234));
}

#[test]
fn four_levels() {
    let memory = long_tables(ALL, ALL);
    assert_eq!(walk(&memory, LONG, 0x1234_5678, READ), Ok(0x9678));
    assert_eq!(walk(&memory, LONG, 0x1234_6678, READ), fault(0x1234_6678, 0));
    assert_eq!(walk(&memory, LONG, 0x1234_6678, by_user(STORE)), fault(0x1234_6678, USER | WRITE));
    assert_eq!(walk(&memory, LONG, 0x8000_0000_0000, READ), Err(WalkError::NonCanonical));
    assert_eq!(walk(&memory, LONG, u64::MAX, CODE), fault(u64::MAX, FETCH));
}

#[test]
fn five_levels_have_their_own_canonical_addresses() {
    let registers = PagingRegisters { cr4: CR4_PAE | CR4_LA57, cr3: 0x5000, ..LONG };
    let mut memory = long_tables(ALL, ALL);
    memory.put(0x5000, &(0x1000 | ALL).to_le_bytes());
    assert_eq!(walk(&memory, registers, 0x1234_5678, READ), Ok(0x9678));
    assert_eq!(walk(&memory, registers, 1 << 47, READ), fault(1 << 47, 0));
    assert_eq!(walk(&memory, registers, 1 << 56, READ), Err(WalkError::NonCanonical));
}

#[test]
fn large_pages_in_64_bit_paging() {
    let memory = Memory::with(&[
        (0x1000, 0x2000 | ALL),
        (0x2000, 0x3000 | ALL),
        (0x2008, 0x40_0000_0000 | PS | ALL),
        (0x3008, 0xa0_0000 | PS | ALL | 1 << 12),
        (0x3010, 0xa0_2000 | PS | ALL),
    ]);
    assert_eq!(walk(&memory, LONG, 0x4765_4321, READ), Ok(0x40_0765_4321));
    assert_eq!(walk(&memory, LONG, 0x20_1234, READ), Ok(0xa0_1234));
    assert_eq!(walk(&memory, LONG, 0x40_0000, READ), fault(0x40_0000, PRESENT | RESERVED));
    let small_only = Paging::new(&LONG, Limits { gigabyte_pages: false, ..LIMITS });
    let result = translate(&memory, &small_only, Gva::new(0x4000_0000), READ);
    assert_eq!(result, fault(0x4000_0000, PRESENT | RESERVED));
}

#[test]
fn reserved_bits_in_64_bit_paging() {
    let at = 0x1234_5000;
    let beyond = 1 << 40;
    assert_eq!(walk(&long_tables(ALL, ALL | beyond), LONG, at, READ), fault(at, PRESENT | RESERVED));
    assert_eq!(walk(&long_tables(ALL | beyond, ALL), LONG, at, STORE), fault(at, PRESENT | RESERVED | WRITE));
    // The page size bit in the topmost level, NX without EFER.NXE.
    assert_eq!(walk(&long_tables(ALL | PS, ALL), LONG, at, READ), fault(at, PRESENT | RESERVED));
    let no_nx = PagingRegisters { efer: LMA, ..LONG };
    assert_eq!(walk(&long_tables(ALL, ALL | NX), no_nx, at, CODE), fault(at, PRESENT | RESERVED));
    // Bits 52 to 62 belong to the guest.
    assert_eq!(walk(&long_tables(ALL, ALL | 0x7ff << 52), LONG, at, READ), Ok(0x9000));
}

#[test]
fn rights_of_all_levels_count() {
    let at = 0x1234_5000;
    let user = |above, last, access| walk(&long_tables(above, last), LONG, at, by_user(access));
    assert_eq!(user(ALL, ALL, STORE), Ok(0x9000));
    assert_eq!(user(ALL, P | RW, READ), fault(at, PRESENT | USER));
    assert_eq!(user(P | RW, ALL, READ), fault(at, PRESENT | USER));
    assert_eq!(user(P | US, ALL, STORE), fault(at, PRESENT | USER | WRITE));
    assert_eq!(user(ALL, ALL | NX, CODE), fault(at, PRESENT | USER | FETCH));
    assert_eq!(user(ALL | NX, ALL, CODE), fault(at, PRESENT | USER | FETCH));
    assert_eq!(user(ALL, ALL | NX, READ), Ok(0x9000));
}

#[test]
fn the_supervisor_obeys_wp_smep_and_smap() {
    let at = 0x1234_5000;
    let read_only = long_tables(ALL, P | US);
    assert_eq!(walk(&read_only, LONG, at, STORE), fault(at, PRESENT | WRITE));
    let no_wp = PagingRegisters { cr0: CR0_PG, ..LONG };
    assert_eq!(walk(&read_only, no_wp, at, STORE), Ok(0x9000));
    assert_eq!(walk(&read_only, no_wp, at, by_user(STORE)), fault(at, PRESENT | WRITE | USER));

    let smep = PagingRegisters { cr4: CR4_PAE | CR4_SMEP, efer: LMA, ..LONG };
    assert_eq!(walk(&read_only, smep, at, CODE), fault(at, PRESENT | FETCH));
    assert_eq!(walk(&long_tables(ALL, P), smep, at, CODE), Ok(0x9000));
    assert_eq!(walk(&read_only, smep, at, by_user(CODE)), Ok(0x9000));

    let smap = PagingRegisters { cr4: CR4_PAE | CR4_SMAP, cr0: CR0_PG, ..LONG };
    assert_eq!(walk(&read_only, smap, at, READ), fault(at, PRESENT));
    assert_eq!(walk(&read_only, smap, at, STORE), fault(at, PRESENT | WRITE));
    assert_eq!(walk(&read_only, smap, at, Access { alignment_check: true, ..STORE }), Ok(0x9000));
    assert_eq!(walk(&read_only, smap, at, CODE), Ok(0x9000));
    assert_eq!(walk(&long_tables(ALL, P), smap, at, READ), Ok(0x9000));
}

#[test]
fn a_fetch_is_marked_only_where_the_processor_tells() {
    let plain = PagingRegisters { efer: LMA, ..LONG };
    assert_eq!(walk(&Memory::default(), plain, 0x1000, CODE), fault(0x1000, 0));
    assert_eq!(walk(&Memory::default(), LONG, 0x1000, CODE), fault(0x1000, FETCH));
}

#[test]
fn pae() {
    let registers = PagingRegisters { cr3: 0x1020, ..PAE };
    let memory = Memory::with(&[
        (0x1020, 0x2000 | P),
        (0x1028, 0x2000 | P | RW),
        (0x1030, 0x2000 | P | NX),
        (0x2000, 0x3000 | ALL),
        (0x2008, 0x60_0000 | PS | ALL),
        (0x2010, 0x60_0000 | PS | ALL | 1 << 52),
        (0x3008, 0x9000 | ALL),
    ]);
    assert_eq!(walk(&memory, registers, 0x1abc, by_user(STORE)), Ok(0x9abc));
    assert_eq!(walk(&memory, registers, 0xffff_ffff_0000_1abc, READ), Ok(0x9abc));
    assert_eq!(walk(&memory, registers, 0x20_0abc, READ), Ok(0x60_0abc));
    assert_eq!(walk(&memory, registers, 0x40_0000, READ), fault(0x40_0000, PRESENT | RESERVED));
    // Pointer entries have neither rights nor NX.
    assert_eq!(walk(&memory, registers, 0x4000_0000, READ), fault(0x4000_0000, PRESENT | RESERVED));
    assert_eq!(walk(&memory, registers, 0x8000_0000, READ), fault(0x8000_0000, PRESENT | RESERVED));
    assert_eq!(walk(&memory, registers, 0xc000_0000, READ), fault(0xc000_0000, 0));
}

#[test]
fn a_pae_pointer_that_an_emulator_marked_as_accessed() {
    let registers = PagingRegisters { cr3: 0x1020, ..PAE };
    let memory = Memory::with(&[(0x1020, 0x2000 | P | 1 << 5), (0x2000, 0x3000 | ALL), (0x3008, 0x9000 | ALL)]);
    assert_eq!(walk(&memory, registers, 0x1abc, READ), Ok(0x9abc));
}

#[test]
fn two_levels() {
    let all = ALL as u32;
    let memory = Memory::with_narrow(&[
        (0x1000, 0x2000 | all),
        (0x1004, 0x00c0_0000 | 1 << 7 | all),
        (0x1008, 0x0040_0000 | 1 << 13 | 1 << 7 | all),
        (0x100c, 0x0040_0000 | 1 << 21 | 1 << 7 | all),
        (0x1010, 0x0040_0000 | 1 << 20 | 1 << 7 | all),
        (0x2004, 0x9000 | 1),
    ]);
    assert_eq!(walk(&memory, NARROW, 0x1abc, READ), Ok(0x9abc));
    assert_eq!(walk(&memory, NARROW, 0x1abc, STORE), fault(0x1abc, PRESENT | WRITE));
    assert_eq!(walk(&memory, NARROW, 0x51_2345, READ), Ok(0xd1_2345));
    // PSE-36: bit 13 of the entry is bit 32 of the address; bit 21 is reserved; bit 39 is the last of 40.
    assert_eq!(walk(&memory, NARROW, 0x80_0000, READ), Ok(0x1_0040_0000));
    assert_eq!(walk(&memory, NARROW, 0xc0_0000, READ), fault(0xc0_0000, PRESENT | RESERVED));
    assert_eq!(walk(&memory, NARROW, 0x100_0000, READ), Ok(0x80_0040_0000));
    let narrow = Paging::new(&NARROW, Limits { physical_bits: 36, ..LIMITS });
    let result = translate(&memory, &narrow, Gva::new(0x100_0000), READ);
    assert_eq!(result, fault(0x100_0000, PRESENT | RESERVED));
    // Without CR4.PSE the bit means nothing and the entry leads to a table.
    let no_pse = PagingRegisters { cr4: 0, ..NARROW };
    assert_eq!(walk(&memory, no_pse, 0x40_0000, READ), fault(0x40_0000, 0));
}

#[test]
fn tables_that_are_their_own_tables_end() {
    let mut memory = Memory::default();
    for index in 0..512 {
        memory.put(ROOT + 8 * index, &(ROOT | ALL).to_le_bytes());
    }
    assert_eq!(walk(&memory, LONG, 0x1234_5678, READ), Ok(ROOT | 0x678));
    let five = PagingRegisters { cr4: CR4_PAE | CR4_LA57, ..LONG };
    assert_eq!(walk(&memory, five, 0x1234_5678, READ), Ok(ROOT | 0x678));
}

#[test]
fn tables_outside_of_ram() {
    let outside = Err(WalkError::Unbacked(Gpa::new(END)));
    assert_eq!(walk(&Memory::default(), PagingRegisters { cr3: END, ..LONG }, 0, READ), outside);
    let memory = Memory::with(&[(0x1000, END | ALL)]);
    assert_eq!(walk(&memory, LONG, 0, READ), outside);
    let top = Paging::new(&LONG, Limits { physical_bits: 255, gigabyte_pages: false });
    let memory = Memory::with(&[(0x1000, 0x000f_ffff_ffff_f000 | ALL)]);
    assert!(matches!(translate(&memory, &top, Gva::new(0), READ), Err(WalkError::Unbacked(_))));
}

#[test]
fn fetches_cross_pages_that_lie_apart() {
    let mut memory = long_tables(ALL, ALL);
    memory.put(0x4000 + 8 * (0x1234_6000 >> 12 & 0x1ff), &(0x7000 | ALL).to_le_bytes());
    memory.put(0x9ffe, &[1, 2]);
    memory.put(0x7000, &(3..=15).collect::<Vec<u8>>());
    let paging = Paging::new(&LONG, LIMITS);
    let fetched = fetch(&memory, &paging, Gva::new(0x1234_5ffe), true);
    assert_eq!(fetched.bytes(), (1..=15).collect::<Vec<u8>>());
    assert_eq!(fetched.error(), None);
}

#[test]
fn fetches_stop_where_the_next_page_is_missing() {
    let mut memory = long_tables(ALL, ALL);
    memory.put(0x9ffe, &[0x0f, 0xa2]);
    let paging = Paging::new(&LONG, LIMITS);
    let fetched = fetch(&memory, &paging, Gva::new(0x1234_5ffe), true);
    assert_eq!(fetched.bytes(), [0x0f, 0xa2]);
    let missing = PageFault { address: Gva::new(0x1234_6000), error_code: USER | FETCH };
    assert_eq!(fetched.error(), Some(WalkError::Fault(missing)));
    let fetched = fetch(&memory, &paging, Gva::new(0x5555_5000), false);
    assert!(fetched.bytes().is_empty() && fetched.error().is_some());
}

/// Memory in which every entry is random, mostly present, and leads below 32 MiB: half of it is not RAM.
struct Noise(u64);

impl GuestMemory for Noise {
    fn read(&self, gpa: Gpa, buffer: &mut [u8]) -> Result<(), Unbacked> {
        let bytes = self.read_u64(gpa)?.to_le_bytes();
        buffer.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        Ok(())
    }

    fn write(&self, _: Gpa, _: &[u8]) -> Result<(), Unbacked> {
        panic!("a walk never writes")
    }

    fn read_u64(&self, gpa: Gpa) -> Result<u64, Unbacked> {
        if gpa.as_u64() >= END {
            return Err(Unbacked);
        }
        let mixed = (gpa.as_u64() ^ self.0).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mixed = (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let present = u64::from(mixed >> 60 != 0);
        Ok(mixed & (0x8000_0000_01ff_ffff & !PS) | mixed >> 5 & PS & mixed | present)
    }

    fn read_u32(&self, gpa: Gpa) -> Result<u32, Unbacked> {
        self.read_u64(gpa).map(|entry| entry as u32)
    }
}

#[test]
fn random_tables_always_give_an_answer() {
    let mut state = 0x1234_5678_9abc_def1u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut outcomes = [0u32; 4];
    for _ in 0..100_000 {
        let registers = PagingRegisters { cr0: random(), cr3: random() & (END - 1), cr4: random(), efer: random() };
        let paging = Paging::new(&registers, LIMITS);
        let kind = [AccessKind::Read, AccessKind::Write, AccessKind::Fetch][(random() % 3) as usize];
        let access = Access { kind, user: random() & 1 != 0, alignment_check: random() & 1 != 0 };
        let outcome = match translate(&Noise(random()), &paging, Gva::new(random() >> 17), access) {
            Ok(_) => 0,
            Err(WalkError::Fault(_)) => 1,
            Err(WalkError::Unbacked(_)) => 2,
            Err(WalkError::NonCanonical) => 3,
        };
        outcomes[outcome] += 1;
    }
    assert!(outcomes[..3].iter().all(|count| *count > 1_000), "{outcomes:?}");
}
