//! Stage-1 tables that point at themselves, at nothing and at devices.

use guest_arm_rt::paging::{self, NORMAL};
use guest_arm_rt::racy::Racy;
use guest_arm_rt::report::{Hex, Sweep};
use guest_arm_rt::trap::{
    ADDRESS_SIZE, EXTERNAL_ON_WALK, Fault, TRANSLATION, attempt, data_abort, instruction_abort, last_far,
};
use guest_arm_rt::{gic, hypercall, mmio, read_register, serial, write_register};

/// Index in the root of the entry that is played with, and the address that it translates.
const INDEX: usize = 5;
const AT: u64 = (INDEX as u64) << 39;
/// A table descriptor.
const TABLE: u64 = 3;

#[repr(C, align(4096))]
struct Page([u64; 512]);
static OWN: Racy<Page> = Racy::new(Page([0; 512]));

/// Writes the root's entry, with no translation of an earlier one left.
fn link(descriptor: u64) {
    let entry = (paging::root() as *mut u64).wrapping_add(INDEX);
    for value in [0, descriptor] {
        // SAFETY: an entry of the root that nothing else uses.
        unsafe { entry.write_volatile(value) };
        paging::invalidate();
    }
}

pub(crate) fn run() {
    self_pointing();
    missing();
    if hypercall::on_phalanx() {
        outside();
    }
    addresses_of_tables();
    link(0);
}

/// An entry that points at its own table: the walk sees the table as its own next levels, and in the end as a page.
fn self_pointing() {
    let mut sweep = Sweep::new("tables-self");
    let root = paging::root();
    // Access flag set, so that the last level sees a page: the root itself.
    link(root | NORMAL);
    let index = INDEX as u64;
    let through = index << 39 | index << 30 | index << 21 | index << 12;
    sweep.expect("the root seen through itself", mmio::read64(through + index * 8) & !0xfff, (root | NORMAL) & !0xfff);
    let own = OWN.get() as u64;
    // SAFETY: the table is not in use yet.
    unsafe { (*OWN.get()).0 = [own | NORMAL; 512] };
    link(own | TABLE);
    for offset in [0, 0x1000, 0x7f_ffff_f000, 0x12_3456_7000] {
        sweep.expect(Hex(offset), mmio::read64(AT + offset), own | NORMAL);
    }
    sweep.finish();
}

/// Nothing there: a translation fault at the level that says so.
fn missing() {
    let mut sweep = Sweep::new("tables-missing");
    link(0);
    sweep.expect("level 0", attempt(|| mmio::read32(AT)), Err(data_abort(TRANSLATION)));
    let own = OWN.get() as u64;
    // SAFETY: the table is not in use.
    unsafe { (*OWN.get()).0 = [0; 512] };
    link(own | TABLE);
    sweep.expect("level 1", attempt(|| mmio::read32(AT)), Err(data_abort(TRANSLATION + 1)));
    sweep.expect("FAR", last_far(), AT);
    sweep.finish();
}

/// A table where there is no memory, at each level: an external abort on the walk, for data and for code.
fn outside() {
    let mut sweep = Sweep::new("tables-outside");
    let own = OWN.get() as u64;
    let places = crate::unowned::addresses().chain([serial::BASE, gic::distributor(), gic::distributor() + 0x1_0000]);
    for place in places {
        link(place & !0xfff | TABLE);
        walks_into(place, &mut sweep);
        // SAFETY: the table is in use only for the address that is tried.
        unsafe { (*OWN.get()).0 = [place & !0xfff | TABLE; 512] };
        link(own | TABLE);
        walks_into(place, &mut sweep);
    }
    // The UART and the controller have not noticed.
    sweep.expect("UART", mmio::read32(serial::FR) & 0x20, 0);
    sweep.finish();
}

/// An external abort on a walk. Of which level it was the processor does not tell a hypervisor.
fn walks_into(place: u64, sweep: &mut Sweep) {
    let expect = |sweep: &mut Sweep, what: &str, got: Result<(), Fault>, abort: fn(u8) -> Fault| {
        let right = (0..4).any(|level| got == Err(abort(EXTERNAL_ON_WALK + level)));
        sweep.judge(right, format_args!("{what}, {place:#x}"), format_args!("{got:x?}"));
        sweep.expect("FAR", last_far(), AT);
    };
    expect(
        sweep,
        "read",
        attempt(|| {
            mmio::read32(AT);
        }),
        data_abort,
    );
    expect(sweep, "write", attempt(|| mmio::write32(AT, 0)), data_abort);
    // SAFETY: the call raises an exception at its target.
    let entry: extern "C" fn() = unsafe { core::mem::transmute(AT) };
    expect(sweep, "fetch", attempt(|| entry()), instruction_abort);
}

/// A table above the physical size, and a root with reserved bits.
fn addresses_of_tables() {
    let mut sweep = Sweep::new("tables-address-size");
    for bit in paging::physical_bits()..48 {
        link(1 << bit | TABLE);
        sweep.expect(Hex(1 << bit), attempt(|| mmio::read32(AT)), Err(data_abort(ADDRESS_SIZE)));
    }
    let root = read_register!("ttbr1_el1");
    for value in [u64::MAX, 0x1000_0000, 0x0900_0000, 1 << 47] {
        // SAFETY: walks of TTBR1_EL1 are off (TCR_EL1.EPD1).
        unsafe { write_register!("ttbr1_el1", value) };
        let got = attempt(|| mmio::read32(0xffff_ffff_ffff_f000));
        sweep.expect(Hex(value), got, Err(data_abort(TRANSLATION)));
    }
    // SAFETY: as it was.
    unsafe { write_register!("ttbr1_el1", root) };
    sweep.finish();
}
