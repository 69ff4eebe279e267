//! TLB tags: which ASID a vCPU uses on which CPU, so that nobody sees a stale translation.
#![forbid(unsafe_code)]

use super::vmcb::tlb;

/// The tag that a vCPU was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag {
    /// The CPU that gave it, by the number of its allocator.
    cpu: u32,
    generation: u64,
    asid: u32,
}

impl Tag {
    /// No CPU has given one.
    pub const NONE: Self = Self { cpu: u32::MAX, generation: 0, asid: 0 };

    /// The ASID.
    pub const fn asid(self) -> u32 {
        self.asid
    }
}

/// The ASIDs of one CPU. They are given out in order; when none is left, all are flushed and a new generation begins.
#[derive(Debug)]
pub struct Asids {
    cpu: u32,
    count: u32,
    next: u32,
    generation: u64,
    /// A new generation has begun and no guest was entered since: the flush is still to be done.
    flush_owed: bool,
}

impl Asids {
    /// All ASIDs of CPU `cpu`: 1 to `count - 1`. What they held before is flushed by the first assignment.
    pub const fn new(cpu: u32, count: u32) -> Self {
        Self { cpu, count, next: count, generation: 0, flush_owed: true }
    }

    /// A tag for a vCPU that is loaded here: the one that it has, if it is still good, or a fresh one. Returns the
    /// value for the control block's TLB field.
    ///
    /// A tag of another CPU is never good: what this CPU has cached under that number belongs to somebody else.
    pub fn assign(&mut self, current: Tag) -> (Tag, u32) {
        let tag = if current.cpu == self.cpu && current.generation == self.generation { current } else { self.fresh() };
        (tag, if self.flush_owed { tlb::FLUSH_ALL } else { tlb::NOTHING })
    }

    fn fresh(&mut self) -> Tag {
        if self.next >= self.count {
            self.generation += 1;
            self.next = 1;
            self.flush_owed = true;
        }
        let tag = Tag { cpu: self.cpu, generation: self.generation, asid: self.next };
        self.next += 1;
        tag
    }

    /// A guest was entered with what [`Self::assign`] said about flushing. A vCPU that was loaded and put back without
    /// an entry flushed nothing.
    #[inline(always)]
    pub const fn entered(&mut self) {
        self.flush_owed = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_use_of_a_cpu_flushes() {
        let (tag, flush) = Asids::new(0, 16).assign(Tag::NONE);
        assert_eq!((tag.asid(), flush), (1, tlb::FLUSH_ALL));
    }

    #[test]
    fn a_vcpu_keeps_its_tag_while_the_generation_lasts() {
        let mut asids = Asids::new(0, 16);
        let (first, _) = asids.assign(Tag::NONE);
        asids.entered();
        let (second, _) = asids.assign(Tag::NONE);
        assert_ne!(first, second);
        assert_eq!(asids.assign(first), (first, tlb::NOTHING));
    }

    #[test]
    fn a_flush_is_owed_until_a_guest_is_entered() {
        let mut asids = Asids::new(0, 3);
        asids.entered();
        let (first, _) = asids.assign(Tag::NONE);
        assert_eq!(first.asid(), 1);
        asids.entered();
        assert_eq!(asids.assign(Tag::NONE).1, tlb::NOTHING);
        let (third, flush) = asids.assign(Tag::NONE);
        assert_eq!((third.asid(), flush), (1, tlb::FLUSH_ALL));
        assert_eq!(asids.assign(Tag::NONE).1, tlb::FLUSH_ALL, "nobody was entered in between");
        asids.entered();
        assert_eq!(asids.assign(third).1, tlb::NOTHING);
    }

    #[test]
    fn two_asids_serve_any_number_of_vcpus() {
        let mut asids = Asids::new(0, 2);
        let (first, _) = asids.assign(Tag::NONE);
        asids.entered();
        let (second, flush) = asids.assign(Tag::NONE);
        assert_eq!((second.asid(), flush), (1, tlb::FLUSH_ALL));
        assert_eq!(asids.assign(first).1, tlb::FLUSH_ALL);
    }

    #[test]
    fn a_tag_of_another_cpu_is_replaced() {
        let (tag, _) = Asids::new(0, 16).assign(Tag::NONE);
        let mut other = Asids::new(1, 16);
        let (owner, _) = other.assign(Tag::NONE);
        let (moved, _) = other.assign(tag);
        assert_ne!(moved.asid(), owner.asid());
    }
}
