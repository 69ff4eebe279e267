//! System instructions (op0 = 1): caches by set and way, TLBs, address translation, and everything of other levels.

use crate::code::Encoding;
use core::arch::asm;
use guest_arm_rt::racy::Racy;
use guest_arm_rt::report::{Hex, Sweep};
use guest_arm_rt::trap::{UNDEFINED, attempt};
use guest_arm_rt::{hypercall, read_register, write_register};

/// Op1, CRn, CRm, op2: what EL1 of every processor has. IC IALLUIS, IALLU; DC IVAC, ISW, CSW, CISW; AT S1E1R, S1E1W,
/// S1E0R, S1E0W; TLBI VMALLE1IS to VAALE1IS, VMALLE1 to VAALE1; IC IVAU; DC CVAC, CVAU, CIVAC.
const PRESENT: [(u32, u32, u32, u32); 29] = [
    (0, 7, 1, 0),
    (0, 7, 5, 0),
    (0, 7, 6, 1),
    (0, 7, 6, 2),
    (0, 7, 10, 2),
    (0, 7, 14, 2),
    (0, 7, 8, 0),
    (0, 7, 8, 1),
    (0, 7, 8, 2),
    (0, 7, 8, 3),
    (0, 8, 3, 0),
    (0, 8, 3, 1),
    (0, 8, 3, 2),
    (0, 8, 3, 3),
    (0, 8, 3, 5),
    (0, 8, 3, 7),
    (0, 8, 7, 0),
    (0, 8, 7, 1),
    (0, 8, 7, 2),
    (0, 8, 7, 3),
    (0, 8, 7, 5),
    (0, 8, 7, 7),
    (3, 7, 5, 1),
    (3, 7, 10, 1),
    (3, 7, 11, 1),
    (3, 7, 14, 1),
    (0, 7, 6, 2),
    (0, 7, 10, 2),
    (0, 7, 14, 2),
];
const WORD: u64 = 0x5a5a_1234_5678_a5a5;

#[repr(C, align(4096))]
struct Page([u64; 512]);
static PAGE: Racy<Page> = Racy::new(Page([WORD; 512]));

fn page_is_whole() -> bool {
    (0..512).all(|index| guest_arm_rt::mmio::read64(PAGE.get() as u64 + index * 8) == WORD)
}

pub(crate) fn run() {
    present();
    other_levels();
    by_set_and_way();
    translations();
}

fn present() {
    let mut sweep = Sweep::new("system-instructions");
    for (op1, crn, crm, op2) in PRESENT {
        let instruction = Encoding(1, op1, crn, crm, op2);
        // SAFETY: maintenance of a page of this guest, or of all that it has.
        let got = unsafe { instruction.write(PAGE.get() as u64) };
        sweep.judge(got.is_ok(), instruction, format_args!("{got:x?}"));
    }
    sweep.expect("memory", page_is_whole(), true);
    sweep.finish();
}

/// What is EL2's and EL3's (op1 4 to 7), and the space of the processor's maker, is UNDEFINED.
fn other_levels() {
    let mut sweep = Sweep::new("system-instructions-other");
    let others = Encoding::all(1).filter(|&Encoding(_, op1, crn, ..)| {
        // CRn 7 op1 4 to 6 holds AT of EL2 and EL3, CRn 8 the TLBIs.
        matches!(op1, 4..=6) && matches!(crn, 7..=9) || hypercall::on_phalanx() && matches!(crn, 11 | 15)
    });
    for instruction in others {
        // SAFETY: UNDEFINED at EL1.
        sweep.expect(instruction, unsafe { instruction.write(0) }, Err(UNDEFINED));
    }
    sweep.finish();
}

/// Each set and way of each cache, then numbers that no cache has: memory keeps its contents.
fn by_set_and_way() {
    let mut sweep = Sweep::new("set-and-way");
    let levels = read_register!("clidr_el1");
    for level in (0..7).filter(|level| levels >> (level * 3) & 7 >= 2) {
        // SAFETY: chooses what CCSIDR_EL1 shows.
        unsafe { write_register!("csselr_el1", level << 1) };
        let sizes = read_register!("ccsidr_el1");
        let (line, ways, sets) = ((sizes & 7) + 4, (sizes >> 3 & 0x3ff) + 1, (sizes >> 13 & 0x7fff) + 1);
        let way_shift = (ways - 1).leading_zeros() - 32;
        for (set, way) in (0..sets.min(64)).flat_map(|set| (0..ways).map(move |way| (set, way))) {
            let operand = if ways == 1 { 0 } else { way << way_shift } | set << line | level << 1;
            clean_and_invalidate(operand);
        }
        sweep.expect(format_args!("memory after level {level}"), page_is_whole(), true);
    }
    for junk in [0, u64::MAX, 0xf, 0xffff_ffff, 1 << 63] {
        sweep.expect(Hex(junk), attempt(|| clean_and_invalidate(junk)), Ok(()));
    }
    sweep.expect("memory", page_is_whole(), true);
    // SAFETY: as it was.
    unsafe { write_register!("csselr_el1", 0_u64) };
    sweep.finish();
}

fn clean_and_invalidate(operand: u64) {
    // SAFETY: what is dirty is written back, so memory keeps its contents.
    unsafe { asm!("dc csw, {0}", "dc cisw, {0}", "dsb sy", in(reg) operand, options(nostack)) };
}

/// AT finds what is mapped, where it is, and says what is not.
fn translations() {
    let mut sweep = Sweep::new("address-translation");
    let ask = |address: u64| {
        // SAFETY: changes PAR_EL1.
        unsafe { asm!("at s1e1r, {}", "isb", in(reg) address, options(nostack)) };
        read_register!("par_el1")
    };
    let page = PAGE.get() as u64;
    sweep.expect("a page", ask(page) & 0xffff_ffff_f001, page);
    sweep.expect("nothing", ask(6 << 39) & 0x7f, 4 << 1 | 1);
    sweep.finish();
}
