//! Building a table from the host's leaves.

use super::subleaf::Subleaves;
use super::xstate::ExtendedState;
use super::{
    BASIC_LEAVES, CpuidTable, EXTENDED_BASE, EXTENDED_LEAVES, HostCpuid, Leaf, Topology, Vendor, policy, registers,
};

/// Leaves that a guest needs whatever the host: 0xb comes with x2APIC.
const LEAST_MAX_BASIC: u32 = 0xb;
/// Bits of a linear address with 4-level paging (leaf 0x8000_0008 EAX, bits 8 to 15).
const LINEAR_BITS: u32 = 48;

/// Basic leaves in which ECX chooses.
const INDEXED: u32 = 1 << 0x4 | 1 << 0x7 | 1 << 0xb | 1 << 0xd | 1 << 0x1f;

impl CpuidTable {
    /// The table of the vCPU at `topology`, with the APIC enabled, CR4.OSXSAVE clear and XCR0 = 1 as after a reset.
    pub fn new(host: &impl HostCpuid, topology: Topology) -> Self {
        let vendor = vendor(host.leaf(0, 0));
        let max_basic = host.leaf(0, 0).eax.clamp(LEAST_MAX_BASIC, BASIC_LEAVES as u32 - 1);
        let highest = EXTENDED_BASE + EXTENDED_LEAVES as u32 - 1;
        let max_extended = host.leaf(EXTENDED_BASE, 0).eax.clamp(EXTENDED_BASE + 8, highest);
        let mut table = Self {
            basic: [Leaf::default(); BASIC_LEAVES],
            extended: [Leaf::default(); EXTENDED_LEAVES],
            plain: !INDEXED & u32::MAX >> (31 - max_basic),
            max_basic,
            max_extended,
            vendor,
            subleaves: Subleaves::new(),
            xstate: ExtendedState::none(),
            cr4_valid: 0,
            efer_valid: 0,
        };
        table.fill_basic(host);
        table.fill_extended(host);
        table.fill_topology(host, topology);
        table.fill_extended_state(host);
        table.cr4_valid = registers::cr4_valid(&table);
        table.efer_valid = registers::efer_valid(&table);
        table
    }

    fn fill_basic(&mut self, host: &impl HostCpuid) {
        let read = Bounded::basic(host);
        self.basic[0] = Leaf { eax: self.max_basic, ..host.leaf(0, 0) };
        let features = read.leaf(1, 0);
        self.basic[1] = Leaf {
            eax: features.eax,
            // Brand index and CLFLUSH size; the rest is topology.
            ebx: features.ebx & 0xffff,
            ecx: policy::LEAF_1_ECX.apply(features.ecx),
            edx: policy::LEAF_1_EDX.apply(features.edx),
        };
        self.basic[2] = read.leaf(2, 0);
        self.basic[6].eax = policy::LEAF_6_EAX.apply(0);
        self.fill_leaf_7(&read);
    }

    fn fill_leaf_7(&mut self, read: &impl HostCpuid) {
        let zero = read.leaf(7, 0);
        let one = if zero.eax >= 1 { read.leaf(7, 1) } else { Leaf::default() };
        let one = Leaf {
            eax: policy::LEAF_7_1_EAX.apply(one.eax),
            edx: policy::LEAF_7_1_EDX.apply(one.edx),
            ..Leaf::default()
        };
        let zero = Leaf {
            eax: u32::from(one != Leaf::default()),
            ebx: policy::LEAF_7_EBX.apply(zero.ebx),
            ecx: policy::LEAF_7_ECX.apply(zero.ecx),
            edx: policy::LEAF_7_EDX.apply(zero.edx),
        };
        self.subleaves.push(7, 0, zero);
        self.subleaves.push(7, 1, one);
    }

    fn fill_extended(&mut self, host: &impl HostCpuid) {
        let read = Bounded::extended(host);
        let extended = |index: u32| read.leaf(EXTENDED_BASE + index, 0);
        // Brand string, cache and TLB descriptions, hints: true for the guest as they are.
        for index in [2, 3, 4, 5, 6, 0x19, 0x1a] {
            self.extended[index as usize] = extended(index);
        }
        self.extended[0] = Leaf { eax: self.max_extended, ..extended(0) };
        let features = extended(1);
        self.extended[1] = Leaf {
            eax: features.eax,
            ebx: features.ebx,
            ecx: policy::EXTENDED_1_ECX.apply(features.ecx),
            edx: policy::EXTENDED_1_EDX.apply(features.edx),
        };
        self.extended[7].edx = policy::EXTENDED_7_EDX.apply(extended(7).edx);
        self.extended[8].eax = physical_bits(extended(8).eax) | LINEAR_BITS << 8;
        self.extended[8].ebx = policy::EXTENDED_8_EBX.apply(extended(8).ebx);
        self.extended[0x21].eax = policy::EXTENDED_21_EAX.apply(extended(0x21).eax);
    }
}

fn vendor(leaf_0: Leaf) -> Vendor {
    let intel = [*b"Genu", *b"ineI", *b"ntel"].map(u32::from_le_bytes);
    if [leaf_0.ebx, leaf_0.edx, leaf_0.ecx] == intel { Vendor::Intel } else { Vendor::Amd }
}

/// Physical address bits; a processor without the leaf has 36 (Intel SDM vol. 3A, 5.1.4).
const fn physical_bits(eax: u32) -> u32 {
    match eax & 0xff {
        0 => 36,
        bits if bits > 52 => 52,
        bits => bits,
    }
}

/// The host with every leaf above its highest one zero, whatever the vendor: Intel's repeat the highest basic leaf.
pub(super) struct Bounded<'a, H> {
    host: &'a H,
    max: u32,
}

impl<'a, H: HostCpuid> Bounded<'a, H> {
    pub(super) fn basic(host: &'a H) -> Self {
        Self { host, max: host.leaf(0, 0).eax }
    }

    pub(super) fn extended(host: &'a H) -> Self {
        Self { host, max: host.leaf(EXTENDED_BASE, 0).eax }
    }
}

impl<H: HostCpuid> HostCpuid for Bounded<'_, H> {
    fn leaf(&self, leaf: u32, subleaf: u32) -> Leaf {
        if leaf <= self.max { self.host.leaf(leaf, subleaf) } else { Leaf::default() }
    }
}
