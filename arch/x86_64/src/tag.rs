//! TLB tags: which ASID (SVM) or VPID (VT-x) a vCPU uses on which CPU, so that nobody sees a stale translation.
#![forbid(unsafe_code)]

/// The tag that a vCPU was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag {
    /// The CPU that gave it, by the number of its allocator.
    cpu: u32,
    generation: u64,
    number: u32,
}

impl Tag {
    /// No CPU has given one.
    pub const NONE: Self = Self { cpu: u32::MAX, generation: 0, number: 0 };

    /// The tag.
    pub const fn number(self) -> u32 {
        self.number
    }
}

/// The tags of one CPU. They are given out in order; when none is left, all are flushed and a new generation begins.
#[derive(Debug)]
pub struct Tags {
    cpu: u32,
    count: u32,
    next: u32,
    generation: u64,
    /// A new generation has begun and no guest was entered since: the flush is still to be done.
    flush_owed: bool,
}

impl Tags {
    /// All tags of CPU `cpu`: 1 to `count - 1`. What they held before is flushed by the first assignment.
    pub const fn new(cpu: u32, count: u32) -> Self {
        Self { cpu, count, next: count, generation: 0, flush_owed: true }
    }

    /// A tag for a vCPU that is loaded here: the one that it has, if it is still good, or a fresh one. `true` where all
    /// translations of guests are to be flushed before it is used.
    ///
    /// A tag of another CPU is never good: what this CPU has cached under that number belongs to somebody else.
    pub fn assign(&mut self, current: Tag) -> (Tag, bool) {
        let tag = if current.cpu == self.cpu && current.generation == self.generation { current } else { self.fresh() };
        (tag, self.flush_owed)
    }

    fn fresh(&mut self) -> Tag {
        if self.next >= self.count {
            self.generation += 1;
            self.next = 1;
            self.flush_owed = true;
        }
        let tag = Tag { cpu: self.cpu, generation: self.generation, number: self.next };
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
        let (tag, flush) = Tags::new(0, 16).assign(Tag::NONE);
        assert_eq!((tag.number(), flush), (1, true));
    }

    #[test]
    fn a_vcpu_keeps_its_tag_while_the_generation_lasts() {
        let mut numbers = Tags::new(0, 16);
        let (first, _) = numbers.assign(Tag::NONE);
        numbers.entered();
        let (second, _) = numbers.assign(Tag::NONE);
        assert_ne!(first, second);
        assert_eq!(numbers.assign(first), (first, false));
    }

    #[test]
    fn a_flush_is_owed_until_a_guest_is_entered() {
        let mut numbers = Tags::new(0, 3);
        numbers.entered();
        let (first, _) = numbers.assign(Tag::NONE);
        assert_eq!(first.number(), 1);
        numbers.entered();
        assert!(!numbers.assign(Tag::NONE).1);
        let (third, flush) = numbers.assign(Tag::NONE);
        assert_eq!((third.number(), flush), (1, true));
        assert!(numbers.assign(Tag::NONE).1, "nobody was entered in between");
        numbers.entered();
        assert!(!numbers.assign(third).1);
    }

    #[test]
    fn two_numbers_serve_any_number_of_vcpus() {
        let mut numbers = Tags::new(0, 2);
        let (first, _) = numbers.assign(Tag::NONE);
        numbers.entered();
        let (second, flush) = numbers.assign(Tag::NONE);
        assert_eq!((second.number(), flush), (1, true));
        assert!(numbers.assign(first).1);
    }

    #[test]
    fn a_tag_of_another_cpu_is_replaced() {
        let (tag, _) = Tags::new(0, 16).assign(Tag::NONE);
        let mut other = Tags::new(1, 16);
        let (owner, _) = other.assign(Tag::NONE);
        let (moved, _) = other.assign(tag);
        assert_ne!(moved.number(), owner.number());
    }
}
