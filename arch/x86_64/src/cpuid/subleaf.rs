//! Leaves that look at ECX: few, rarely asked, in one short list.

use super::Leaf;

/// Room for leaves 4, 7, 0xb, 0xd, 0x1f and 0x8000_001d with all the subleaves that a guest can see.
const CAPACITY: usize = 32;

#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    leaf: u32,
    subleaf: u32,
    answer: Leaf,
}

/// The list.
#[derive(Clone, Debug)]
pub(super) struct Subleaves {
    entries: [Entry; CAPACITY],
    used: usize,
}

impl Subleaves {
    pub(super) const fn new() -> Self {
        let empty = Entry { leaf: 0, subleaf: 0, answer: Leaf { eax: 0, ebx: 0, ecx: 0, edx: 0 } };
        Self { entries: [empty; CAPACITY], used: 0 }
    }

    /// Adds an answer. What does not fit stays absent, which no guest can tell from a processor without it.
    pub(super) fn push(&mut self, leaf: u32, subleaf: u32, answer: Leaf) {
        if let Some(entry) = self.entries.get_mut(self.used) {
            *entry = Entry { leaf, subleaf, answer };
            self.used += 1;
        }
    }

    /// The answer; zero where there is none, except that the topology leaves echo ECX and keep the APIC id
    /// (Intel SDM vol. 2A, CPUID leaf 0bh: "sub-leaf index n invalid").
    pub(super) fn lookup(&self, leaf: u32, subleaf: u32) -> Leaf {
        let of_leaf = || self.entries.iter().take(self.used).filter(|entry| entry.leaf == leaf);
        if let Some(entry) = of_leaf().find(|entry| entry.subleaf == subleaf) {
            return entry.answer;
        }
        match (leaf, of_leaf().next()) {
            (0xb | 0x1f, Some(first)) => Leaf { ecx: subleaf & 0xff, edx: first.answer.edx, ..Leaf::default() },
            _ => Leaf::default(),
        }
    }

    /// The answer, to be changed.
    pub(super) fn get_mut(&mut self, leaf: u32, subleaf: u32) -> Option<&mut Leaf> {
        let matches = |entry: &&mut Entry| entry.leaf == leaf && entry.subleaf == subleaf;
        self.entries.iter_mut().take(self.used).find(matches).map(|entry| &mut entry.answer)
    }
}
