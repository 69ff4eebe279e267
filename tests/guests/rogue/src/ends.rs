//! Modes in which the guest ends, or means to hang.

use core::arch::asm;
use guest_rt::descriptors::TablePointer;
use guest_rt::racy::Racy;
use guest_rt::report::{self, check};
use guest_rt::trap::Fault;
use guest_rt::{apic, cpu, paging, power, println};

/// An address behind which nothing is.
const NOWHERE: u64 = 0xd000_0000;

/// The bytes of UD2; as a page-table entry: present, writable, and bits without meaning here.
const UD2: u64 = 0x0b0f;

/// Aligned so that [`UD2`] fits below the address.
#[repr(C, align(65536))]
struct Table([u64; 512]);

static TABLE: Racy<Table> = Racy::new(Table([0; 512]));

/// The modes by name, and how each ends.
const MODES: [(&str, fn()); 13] = [
    ("triple", || power::triple_fault()),
    ("gdt", gdt),
    ("idt", idt),
    ("stack", stack),
    ("pagetable-self", pagetable_self),
    ("pagetable-unbacked", || load_root(NOWHERE)),
    ("pagetable-walk", pagetable_walk),
    ("reset", power::reset),
    ("kbd", power::keyboard_reset),
    ("init-self", init_self),
    ("spin", spin),
    ("hlt", || cpu::stop()),
    ("off", || power::off()),
];

/// Runs the mode called `name`; reports a failed check if the guest survives a mode that should end it.
pub(crate) fn run(name: &str) {
    let Some((_, end)) = MODES.iter().find(|(mode, _)| *mode == name) else {
        return report::check("mode", name, "one of the documented");
    };
    println!("# rogue: mode {name}");
    end();
    if name != "pagetable-walk" {
        check("mode", "returned", "ended");
    }
}

/// A GDT behind which nothing is, then a far return through it: every handler's selector faults as well.
fn gdt() {
    let pointer = TablePointer { limit: 0xffff, base: NOWHERE };
    // SAFETY: the guest ends here: all-ones are no valid descriptor.
    unsafe {
        asm!(
            "lgdt [{pointer}]", "push 8", "lea {scratch}, [rip + 2f]", "push {scratch}", "retfq", "2:",
            pointer = in(reg) &raw const pointer, scratch = out(reg) _,
        );
    }
}

/// An IDT behind which nothing is, then an exception.
fn idt() {
    let pointer = TablePointer { limit: 0xffff, base: NOWHERE };
    // SAFETY: the guest ends here.
    unsafe { asm!("lidt [{}]", "ud2", in(reg) &raw const pointer) };
}

/// A stack behind which nothing is, with an IDT that offers no other one.
fn stack() {
    guest_rt::descriptors::load_idt(8);
    // SAFETY: the guest ends here: what is popped is no address.
    unsafe { asm!("mov rsp, {}", "ret", in(reg) NOWHERE + 0x800, options(noreturn)) }
}

/// A table whose entries all point at itself, and begin with the bytes of UD2: what runs next is the table.
fn pagetable_self() {
    let root = TABLE.get() as u64;
    // SAFETY: the table is not in use yet.
    unsafe { (*TABLE.get()).0 = [root | UD2; 512] };
    load_root(root);
}

/// Loads CR3; the next instruction is fetched at a multiple of 8.
fn load_root(root: u64) {
    // SAFETY: the guest ends here, since its code is not mapped any more.
    unsafe {
        asm!(".p2align 3", ".byte 0x0f, 0x1f, 0x44, 0, 0 # NOP of 5 bytes", "mov cr3, rax", "ud2", in("rax") root, options(noreturn))
    };
}

/// A page directory behind which nothing is: the hypervisor may stop the guest, or let the entry read all-ones, which sets
/// reserved bits: #PF, reserved.
fn pagetable_walk() {
    let root = paging::root() as *mut u64;
    let entry = 3_u64 << 39;
    // SAFETY: adds an entry that is not in use to the top table.
    unsafe { root.add(3).write_volatile(NOWHERE | 3) };
    // SAFETY: raises #PF.
    let got = guest_rt::trap::attempt(|| unsafe { (entry as *const u8).read_volatile() });
    check("pagetable-walk", matches!(got, Err(Fault(14, 8 | 9))), true);
}

/// INIT to itself: this CPU waits for a SIPI that nobody sends.
fn init_self() {
    apic::send(apic::id(), apic::icr::INIT | apic::icr::ASSERT);
    loop {
        cpu::pause();
    }
}

/// A loop with interrupts off.
fn spin() {
    // SAFETY: never ends, and touches nothing.
    unsafe { asm!("cli", "2: jmp 2b", options(noreturn)) }
}
