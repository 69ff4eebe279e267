//! The controller and its CPU interfaces as the prose of the manuals has them: one struct an interrupt, no list registers,
//! no caches.

use std::collections::BTreeSet;
use std::vec::Vec;

use crate::gic::Version;

#[derive(Clone, Debug, Default)]
pub(super) struct Interrupt {
    pub(super) enabled: bool,
    pub(super) group1: bool,
    pub(super) priority: u8,
    pub(super) edge: bool,
    pub(super) line: bool,
    pub(super) latch: bool,
    pub(super) active: bool,
    /// SPI: the vCPU that it is routed to.
    pub(super) target: u8,
    /// While active: the vCPU that acknowledged it.
    pub(super) owner: u8,
    /// GICv2 SGI: the vCPUs that it is pending from.
    pub(super) sources: BTreeSet<u8>,
    /// GICv2 SGI: the vCPU that had sent the active one.
    pub(super) source: u8,
}

impl Interrupt {
    pub(super) fn pending(&self) -> bool {
        self.latch || !self.sources.is_empty() || self.line && !self.edge
    }
}

/// A CPU interface.
#[derive(Clone, Debug)]
pub(super) struct Interface {
    pub(super) mask: u32,
    /// Enabled groups, as in VMCR.
    pub(super) groups: u32,
    /// EOImode 1.
    pub(super) split: bool,
    running: BTreeSet<u8>,
}

pub(super) struct Naive {
    version: Version,
    /// GICD_CTLR.
    pub(super) control: u32,
    /// The interrupts that take part.
    intids: &'static [u32],
    private: Vec<Vec<Interrupt>>,
    shared: Vec<Interrupt>,
    pub(super) interfaces: Vec<Interface>,
}

impl Naive {
    pub(super) fn new(version: Version, vcpus: u8, intids: &'static [u32]) -> Self {
        let v2 = version == Version::V2;
        let fresh = Interrupt { group1: !v2, target: if v2 && vcpus > 1 { 0xff } else { 0 }, ..Interrupt::default() };
        let sgi = Interrupt { enabled: v2, edge: true, ..fresh.clone() };
        let interface = Interface { mask: 0xff, groups: 3, split: false, running: BTreeSet::new() };
        Self {
            version,
            control: 0,
            intids,
            private: vec![
                (0..32).map(|intid| if intid < 16 { sgi.clone() } else { fresh.clone() }).collect();
                vcpus.into()
            ],
            shared: vec![fresh; 64],
            interfaces: vec![interface; vcpus.into()],
        }
    }

    pub(super) fn get(&mut self, vcpu: u8, intid: u32) -> &mut Interrupt {
        match intid {
            0..32 => &mut self.private[usize::from(vcpu)][intid as usize],
            _ => &mut self.shared[intid as usize - 32],
        }
    }

    pub(super) fn is_forwarded(&mut self, vcpu: u8, intid: u32) -> bool {
        let control = self.control;
        let interrupt = self.get(vcpu, intid);
        interrupt.enabled && control >> u32::from(interrupt.group1) & 1 != 0
    }

    /// The interrupts that compete for this vCPU, and their priorities: it may acknowledge any of the most important.
    fn competing(&mut self, vcpu: u8) -> Vec<(u8, u32)> {
        let groups = self.interfaces[usize::from(vcpu)].groups;
        let mut all = Vec::new();
        for intid in self.intids.iter().copied() {
            let forwarded = self.is_forwarded(vcpu, intid);
            let interrupt = self.get(vcpu, intid);
            let here = intid < 32 || interrupt.target == vcpu;
            let group = groups >> u32::from(interrupt.group1) & 1 != 0;
            if forwarded && here && group && interrupt.pending() && !interrupt.active {
                all.push((interrupt.priority, intid));
            }
        }
        all
    }

    /// Priority of the interrupt that is signalled.
    pub(super) fn signalled(&mut self, vcpu: u8) -> Option<u8> {
        let (priority, _) = self.competing(vcpu).into_iter().min()?;
        let interface = &self.interfaces[usize::from(vcpu)];
        let preempts = interface.running.first().is_none_or(|running| priority < *running);
        (u32::from(priority) < interface.mask && preempts).then_some(priority)
    }

    /// The guest acknowledged what hardware chose: it must be one that it could be.
    pub(super) fn acknowledge(&mut self, vcpu: u8, raw: u32) {
        let (intid, source) = (raw & 0x3ff, (raw >> 10) as u8);
        let priority = self.signalled(vcpu).expect("nothing is signalled");
        assert!(self.competing(vcpu).contains(&(priority, intid)), "vCPU {vcpu} got {intid}");
        let v2_sgi = self.version == Version::V2 && intid < 16;
        let interrupt = self.get(vcpu, intid);
        if v2_sgi {
            assert!(interrupt.sources.remove(&source), "not from {source}");
            interrupt.source = source;
        }
        interrupt.latch = false;
        (interrupt.active, interrupt.owner) = (true, vcpu);
        self.interfaces[usize::from(vcpu)].running.insert(priority);
    }

    pub(super) fn end(&mut self, vcpu: u8, raw: u32) {
        let interface = &mut self.interfaces[usize::from(vcpu)];
        interface.running.pop_first();
        if !interface.split {
            self.deactivate(vcpu, raw);
        }
    }

    pub(super) fn deactivate(&mut self, vcpu: u8, raw: u32) {
        let (intid, source) = (raw & 0x3ff, (raw >> 10) as u8);
        let v2_sgi = self.version == Version::V2 && intid < 16;
        let interrupt = self.get(vcpu, intid);
        if interrupt.active && (intid < 32 || interrupt.owner == vcpu) && (!v2_sgi || interrupt.source == source) {
            interrupt.active = false;
        }
    }

    pub(super) fn send(&mut self, sender: u8, target: u8, sgi: u32) {
        let v2 = self.version == Version::V2;
        let interrupt = self.get(target, sgi);
        if v2 {
            interrupt.sources.insert(sender);
        } else {
            interrupt.latch = true;
        }
    }

    pub(super) fn set_line(&mut self, vcpu: u8, intid: u32, asserted: bool) {
        let interrupt = self.get(vcpu, intid);
        interrupt.latch |= interrupt.edge && asserted && !interrupt.line;
        interrupt.line = asserted;
    }
}
