//! The guests' tables: what the hardware finds in them, against what the model finds.

use phalanx_arch_aarch64::arm::Cpu;
use phalanx_arch_aarch64::host::vhe;
use phalanx_arch_aarch64::stage2::{Stage2, geometry};
use phalanx_arch_aarch64::switched::El1State;
use phalanx_arch_api::table::{Level, Mapper, Mapping, MemoryType, Permissions};
use phalanx_arch_api::{Gpa, Hpa};

use crate::asm::{self, Found, guest_read, guest_write, msr};
use crate::bench::Bench;
use crate::report::{check, fail};
use crate::tables::{Pool, Watch};

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// Tables of a guest whose stage 1 is off, in use under this VMID.
struct Tree {
    pool: Pool,
    mapper: Mapper<Stage2>,
    vmid: u64,
}

impl Tree {
    fn new(bench: &Bench, vmid: u64) -> Self {
        let _cpu = Cpu::enable(bench.cpu, vhe());
        El1State::RESET.load(vhe());
        let mut pool = Pool::default();
        let Ok(mapper) = Mapper::new(&mut pool) else { fail("no frame for a root") };
        let tree = Self { pool, mapper, vmid };
        tree.choose();
        asm::forget_guest();
        tree
    }

    /// Puts the tables into VTTBR_EL2.
    fn choose(&self) {
        msr!("vttbr_el2", self.vmid << 48 | self.mapper.root().as_u64());
    }

    fn map(&mut self, input: u64, output: u64, bytes: u64, permissions: Permissions) {
        let memory_type = MemoryType::WriteBack;
        let mapping = Mapping { input: Gpa::new(input), output: Hpa::new(output), bytes, permissions, memory_type };
        check(format_args!("map {input:#x}"), self.mapper.map(&mut self.pool, mapping), Ok(()));
    }

    fn unmap(&mut self, input: u64, bytes: u64) {
        let result = self.mapper.unmap(&mut self.pool, Gpa::new(input), bytes);
        check(format_args!("unmap {input:#x}"), result, Ok(()));
    }

    /// Compares hardware and model at one address; returns the level of the leaf.
    fn compare(&self, address: u64) -> Option<Level> {
        let address = Gpa::new(address);
        let model = self.mapper.translate(&self.pool, address);
        let Some(leaf) = model else {
            for found in [guest_read(address), guest_write(address)] {
                let Found::Translation { stage2: true, .. } = found else {
                    fail(format_args!("{address:?}: got {found:x?}, want nothing"))
                };
            }
            return None;
        };
        let frame = Found::Frame(leaf.output.align_down(4 * KIB).as_u64());
        check(format_args!("load at {address:?}"), guest_read(address), frame);
        // Asked about a store that is not allowed, QEMU 10.0 ends with a failed assertion; `world-forbidden` tries one.
        if leaf.permissions.write {
            check(format_args!("store at {address:?}"), guest_write(address), frame);
        }
        Some(leaf.level)
    }

    fn level(&self, address: u64, want: Option<Level>) {
        check(format_args!("level of {address:#x}"), self.compare(address), want);
    }
}

/// Leaves of all sizes and permissions, their edges, and what lies between them.
pub(crate) fn walk(bench: Bench) {
    let mut tree = Tree::new(&bench, 5);
    let highest = (1 << geometry().bits()) - 2 * MIB;
    let places = [
        (0, 0x5000_1000, 4 * KIB, Permissions::RWX, Level::L1),
        (0x1000, 0x4000_3000, 4 * KIB, Permissions::R, Level::L1),
        (4 * MIB, 0x5020_0000, 2 * MIB, Permissions::RW, Level::L2),
        (6 * MIB, 0x4040_0000, 2 * MIB, Permissions::RX, Level::L2),
        (GIB, 0x8000_0000, GIB, Permissions::RWX, Level::L3),
        (2 * GIB, 0xc000_0000, GIB, Permissions::R, Level::L3),
        (highest, 0x4060_0000, 2 * MIB, Permissions::RWX, Level::L2),
    ];
    for (input, output, bytes, permissions, _) in places {
        tree.map(input, output, bytes, permissions);
    }
    for (input, _, bytes, _, level) in places {
        for address in [input, input + 4, input + bytes / 2, input + bytes - 1] {
            tree.level(address, Some(level));
        }
    }
    for nothing in [0x2000, 2 * MIB, 4 * MIB - 1, 8 * MIB, GIB - 1, 3 * GIB, highest - 1] {
        tree.level(nothing, None);
    }
    sweep(&tree, 4 * GIB);
}

/// A range that is not aligned to anything large: small leaves at its edges, blocks in its middle.
pub(crate) fn edges(bench: Bench) {
    let mut tree = Tree::new(&bench, 6);
    tree.map(GIB - 6 * MIB - 8 * KIB, 0x1_4000_0000 - 6 * MIB - 8 * KIB, GIB + 8 * MIB + 12 * KIB, Permissions::RWX);
    tree.level(GIB - 6 * MIB - 8 * KIB - 1, None);
    tree.level(GIB - 6 * MIB - 8 * KIB, Some(Level::L1));
    tree.level(GIB - 6 * MIB, Some(Level::L2));
    tree.level(GIB, Some(Level::L3));
    tree.level(2 * GIB, Some(Level::L2));
    tree.level(2 * GIB + 2 * MIB, Some(Level::L1));
    tree.level(2 * GIB + 2 * MIB + 4 * KIB, None);
    sweep(&tree, 3 * GIB);
}

/// Addresses all over, many of them close to each other.
fn sweep(tree: &Tree, below: u64) {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..2000 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let narrow = if state & 1 == 0 { below } else { 16 * MIB };
        tree.compare((state >> 8) % narrow);
    }
}

/// A block is split by taking a page out of it: nobody loses the rest for good, nobody sees anything else meanwhile.
pub(crate) fn split(bench: Bench) {
    let mut tree = Tree::new(&bench, 7);
    tree.map(GIB, 0x4000_0000, GIB, Permissions::RWX);
    let (taken, neighbour) = (GIB + 6 * MIB + 12 * KIB, GIB + 6 * MIB);
    watch(&mut tree, neighbour, [0x4060_0000; 2]);
    tree.unmap(taken, 4 * KIB);
    watched(&mut tree, 4);
    tree.level(taken, None);
    tree.level(neighbour, Some(Level::L1));
    tree.level(GIB + 8 * MIB, Some(Level::L2));
    sweep(&tree, 2 * GIB);
}

/// A page leads elsewhere: in between nowhere, afterwards there.
pub(crate) fn replace(bench: Bench) {
    let mut tree = Tree::new(&bench, 8);
    tree.map(GIB, 0x4010_0000, 2 * MIB, Permissions::RWX);
    let address = GIB + 64 * KIB;
    watch(&mut tree, address, [0x4011_0000, 0x4ff0_0000]);
    tree.unmap(address, 4 * KIB);
    check("taken away", guest_read(Gpa::new(address)) == Found::Frame(0x4011_0000), false);
    tree.map(address, 0x4ff0_0000, 4 * KIB, Permissions::R);
    watched(&mut tree, 3);
    tree.level(address, Some(Level::L1));
    check("elsewhere", guest_read(Gpa::new(address)), Found::Frame(0x4ff0_0000));
}

/// Rights that are taken away and given back.
pub(crate) fn protect(bench: Bench) {
    let mut tree = Tree::new(&bench, 9);
    tree.map(2 * MIB, 0x4020_0000, 4 * MIB, Permissions::RWX);
    watch(&mut tree, 4 * MIB, [0x4040_0000; 2]);
    for permissions in [Permissions::R, Permissions::RWX] {
        let result = tree.mapper.protect(&mut tree.pool, Gpa::new(4 * MIB), 8 * KIB, permissions);
        check("protect", result, Ok(()));
        for address in [2 * MIB, 4 * MIB, 4 * MIB + 4 * KIB, 4 * MIB + 8 * KIB] {
            tree.compare(address);
        }
    }
    watched(&mut tree, 3);
}

/// One address in two guests, told apart by root and VMID.
pub(crate) fn vmid(bench: Bench) {
    let mut trees = [(1, 0x4000_0000), (2, 0x5000_0000), (255, 0x6000_0000)].map(|(vmid, output)| {
        let mut tree = Tree::new(&bench, vmid);
        tree.map(GIB, output, 2 * MIB, Permissions::RWX);
        tree
    });
    trees[2].unmap(GIB, 4 * KIB);
    for _ in 0..3 {
        for tree in &trees {
            tree.choose();
            tree.compare(GIB);
            tree.level(GIB + 4 * KIB, Some(if tree.vmid == 255 { Level::L1 } else { Level::L2 }));
        }
    }
}

/// Asks the hardware about `address` after each write from now on.
fn watch(tree: &mut Tree, address: u64, frames: [u64; 2]) {
    let allowed = frames.map(|frame| Some(Hpa::new(frame)));
    tree.pool.watch = Some(Watch { address: Gpa::new(address), allowed, asked: 0 });
}

fn watched(tree: &mut Tree, at_least: u32) {
    let asked = tree.pool.watch.take().map_or(0, |watch| watch.asked);
    if asked < at_least {
        fail(format_args!("the hardware was asked {asked} times, want {at_least}"));
    }
}
