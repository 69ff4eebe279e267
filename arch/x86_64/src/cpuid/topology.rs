//! One socket, as many cores as vCPUs, one thread a core: the same story in every leaf that tells it.

use super::build::Bounded;
use super::{CpuidTable, HostCpuid, Leaf, Topology, Vendor, policy, set_bit};

/// AMD's cache leaf, with subleaves.
pub(super) const AMD_CACHES: u32 = 0x8000_001d;
/// More caches than any processor has; ends the enumeration whatever a host answers.
const MAX_CACHES: u32 = 6;
/// Bits 14 to 25 of EAX in leaves 4 and 0x8000_001d: ids that share the cache, minus 1.
const SHARING_SHIFT: u32 = 14;
const SHARING_MASK: u32 = 0xfff << SHARING_SHIFT;
/// Bits 26 to 31 of EAX in leaf 4: core ids in the package, minus 1.
const CORES_SHIFT: u32 = 26;
const CORES_MASK: u32 = 0x3f << CORES_SHIFT;
/// Level types of leaves 0xb and 0x1f.
const LEVEL_SMT: u32 = 1;
const LEVEL_CORE: u32 = 2;

impl Topology {
    fn count(self) -> u32 {
        u32::from(self.vcpus).max(1)
    }

    fn id(self) -> u32 {
        u32::from(self.index)
    }

    /// APIC id bits that number the cores.
    fn id_bits(self) -> u32 {
        self.count().next_power_of_two().trailing_zeros()
    }
}

impl CpuidTable {
    pub(super) fn fill_topology(&mut self, host: &impl HostCpuid, topology: Topology) {
        let multiprocessor = topology.count() > 1;
        self.basic[1].ebx |= topology.count() << 16 | topology.id() << 24;
        set_bit(&mut self.basic[1].edx, policy::HTT_BIT, multiprocessor);
        self.fill_intel_caches(&Bounded::basic(host), topology);
        self.fill_levels(0xb, topology);
        if self.max_basic >= 0x1f {
            self.fill_levels(0x1f, topology);
        }
        if self.vendor == Vendor::Amd {
            set_bit(&mut self.extended[1].ecx, policy::CMP_LEGACY_BIT, multiprocessor);
            self.extended[8].ecx = (topology.count() - 1) | topology.id_bits() << 12;
            self.fill_amd_extensions(&Bounded::extended(host), topology);
        }
    }

    /// Leaf 4: private caches belong to one core, the last level to all.
    fn fill_intel_caches(&mut self, read: &impl HostCpuid, topology: Topology) {
        let package = (1 << topology.id_bits()) - 1;
        for subleaf in 0..MAX_CACHES {
            let mut cache = read.leaf(4, subleaf);
            if cache.eax & 0x1f == 0 {
                break;
            }
            share(&mut cache, package);
            cache.eax = cache.eax & !CORES_MASK | package << CORES_SHIFT & CORES_MASK;
            self.subleaves.push(4, subleaf, cache);
        }
    }

    /// Leaves 0xb and 0x1f (Intel SDM vol. 2A, CPUID leaf 0bh).
    fn fill_levels(&mut self, leaf: u32, topology: Topology) {
        let edx = topology.id();
        let smt = Leaf { eax: 0, ebx: 1, ecx: LEVEL_SMT << 8, edx };
        let ecx = LEVEL_CORE << 8 | 1;
        let core = Leaf { eax: topology.id_bits(), ebx: topology.count(), ecx, edx };
        self.subleaves.push(leaf, 0, smt);
        self.subleaves.push(leaf, 1, core);
    }

    /// Leaves 0x8000_001d and 0x8000_001e (AMD APM vol. 3, E.4.15 and E.4.16), where the host has them.
    fn fill_amd_extensions(&mut self, read: &impl HostCpuid, topology: Topology) {
        if self.extended[1].ecx >> policy::TOPOLOGY_EXTENSIONS_BIT & 1 == 0 {
            return;
        }
        for subleaf in 0..MAX_CACHES {
            let mut cache = read.leaf(AMD_CACHES, subleaf);
            if cache.eax & 0x1f == 0 {
                break;
            }
            share(&mut cache, topology.count() - 1);
            self.subleaves.push(AMD_CACHES, subleaf, cache);
        }
        // Extended APIC id; core id with one thread a core; node 0 of one.
        self.extended[0x1e] = Leaf { eax: topology.id(), ebx: topology.id(), ecx: 0, edx: 0 };
    }
}

/// Sets who shares a cache: levels 1 and 2 nobody, higher ones `last_level` further ids.
fn share(cache: &mut Leaf, last_level: u32) {
    let level = cache.eax >> 5 & 7;
    let sharing = if level >= 3 { last_level } else { 0 };
    cache.eax = cache.eax & !SHARING_MASK | sharing << SHARING_SHIFT & SHARING_MASK;
}
