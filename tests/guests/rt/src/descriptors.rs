//! GDT, TSS and IDT: one GDT and IDT for all CPUs, one TSS for each.

use crate::racy::{Racy, Stack};
use crate::{cpu, vectors};
use core::arch::asm;

/// Most CPUs that a guest may start.
pub const MAX_CPUS: usize = 16;
/// Ring 0 code, 64-bit.
pub const KERNEL_CODE: u16 = 0x08;
/// Ring 0 data.
pub const KERNEL_DATA: u16 = 0x10;
/// Ring 3 data.
pub const USER_DATA: u16 = 0x1b;
/// Ring 3 code, 64-bit.
pub const USER_CODE: u16 = 0x23;
const FIRST_TSS: u16 = 0x30;
const GDT_ENTRIES: usize = FIRST_TSS as usize / 8 + 2 * MAX_CPUS;

/// 64-bit task state segment (Intel SDM vol. 3A, figure 9-11).
#[repr(C, packed(4))]
struct Tss {
    reserved0: u32,
    rsp: [u64; 3],
    reserved1: u64,
    ist: [u64; 7],
    reserved2: [u32; 2],
    reserved3: u16,
    /// Offset of the I/O permission map: beyond the limit, so ring 3 has no port.
    io_map: u16,
}

/// LGDT and LIDT operand.
#[repr(C, packed)]
pub struct TablePointer {
    /// Size of the table in bytes, less one.
    pub limit: u16,
    /// Linear address of the table.
    pub base: u64,
}

const EMPTY_TSS: Tss = Tss {
    reserved0: 0,
    rsp: [0; 3],
    reserved1: 0,
    ist: [0; 7],
    reserved2: [0; 2],
    reserved3: 0,
    io_map: size_of::<Tss>() as u16,
};

static GDT: Racy<[u64; GDT_ENTRIES]> = Racy::new([0; GDT_ENTRIES]);
static IDT: Racy<[[u64; 2]; 256]> = Racy::new([[0; 2]; 256]);
static TSS: Racy<[Tss; MAX_CPUS]> = Racy::new([EMPTY_TSS; MAX_CPUS]);

/// Stacks that a trap may switch to: from ring 3, for #DF, for NMI.
static TRAP_STACKS: [[Racy<Stack<0x2000>>; 3]; MAX_CPUS] = [const { [const { Racy::new(Stack::EMPTY) }; 3] }; MAX_CPUS];

const DOUBLE_FAULT: usize = 8;
const NMI: usize = 2;
const BREAKPOINT: usize = 3;

/// Index of this CPU: 0 for the one that booted, then in the order of their start.
pub fn cpu_index() -> usize {
    usize::from(cpu::task_selector().saturating_sub(FIRST_TSS) / 16) % MAX_CPUS
}

/// Loads the tables on CPU `index`; the first call (index 0) fills the shared ones.
pub(crate) fn init(index: usize) {
    if index == 0 {
        fill_gdt();
        fill_idt();
    }
    add_tss(index);
    load_gdt(index);
    load_idt(vectors::COUNT);
}

fn fill_gdt() {
    // SAFETY: only the first CPU runs.
    let gdt = unsafe { &mut *GDT.get() };
    gdt[1] = 0x00af_9b00_0000_ffff;
    gdt[2] = 0x00cf_9300_0000_ffff;
    gdt[3] = 0x00cf_f300_0000_ffff;
    gdt[4] = 0x00af_fb00_0000_ffff;
}

/// Gate descriptors (Intel SDM vol. 3A, figure 7-8); all are interrupt gates.
fn fill_idt() {
    for vector in 0..vectors::COUNT {
        let ist = match vector {
            DOUBLE_FAULT => 1,
            NMI => 2,
            _ => 0,
        };
        let dpl = if vector == crate::user::RETURN_VECTOR || vector == BREAKPOINT { 3 } else { 0 };
        set_gate(vector, vectors::stub(vector), ist, dpl);
    }
}

fn set_gate(vector: usize, handler: u64, ist: u64, dpl: u64) {
    let low = handler & 0xffff
        | u64::from(KERNEL_CODE) << 16
        | ist << 32
        | (0x8e | dpl << 5) << 40
        | (handler >> 16 & 0xffff) << 48;
    // SAFETY: `vector` is below 256; a gate is written before the interrupt it serves can come.
    unsafe { (*IDT.get())[vector % 256] = [low, handler >> 32] };
}

/// Sends `vector` straight to `handler`, which saves what it clobbers and ends with IRETQ.
///
/// # Safety
/// `handler` is such an entry point.
pub unsafe fn set_raw_handler(vector: u8, handler: u64) {
    set_gate(usize::from(vector), handler, 0, 0);
}

fn add_tss(index: usize) {
    let stacks = &TRAP_STACKS[index];
    // SAFETY: each CPU's TSS is written by the one that sets it up, before LTR.
    let (gdt, tss) = unsafe { (&mut *GDT.get(), &mut (*TSS.get())[index]) };
    tss.rsp[0] = stacks[0].top();
    tss.ist[0] = stacks[1].top();
    tss.ist[1] = stacks[2].top();
    let base = tss as *const Tss as u64;
    let limit = size_of::<Tss>() as u64 - 1;
    let slot = usize::from(FIRST_TSS) / 8 + index * 2;
    gdt[slot] = limit | (base & 0xff_ffff) << 16 | 0x89 << 40 | (base >> 24 & 0xff) << 56;
    gdt[slot + 1] = base >> 32;
}

fn load_gdt(index: usize) {
    let pointer = TablePointer { limit: (GDT_ENTRIES * 8 - 1) as u16, base: GDT.get() as u64 };
    let task = FIRST_TSS + index as u16 * 16;
    // SAFETY: the table holds flat segments at these selectors and this CPU's TSS.
    unsafe {
        asm!(
            "lgdt [{pointer}]",
            "push {code}", "lea {scratch}, [rip + 2f]", "push {scratch}", "retfq",
            "2: mov ds, {data:e}", "mov es, {data:e}", "mov ss, {data:e}",
            "mov fs, {zero:e}", "mov gs, {zero:e}", "ltr {task:x}",
            pointer = in(reg) &raw const pointer, code = const KERNEL_CODE, scratch = out(reg) _,
            data = in(reg) u32::from(KERNEL_DATA), zero = in(reg) 0_u32, task = in(reg) task,
        );
    }
}

/// Loads the IDT with its first `vectors` entries; fewer than 256 make a fault inside the rest a #DF.
pub fn load_idt(vectors: usize) {
    let pointer = TablePointer { limit: (vectors * 16).saturating_sub(1) as u16, base: IDT.get() as u64 };
    // SAFETY: the gates point at the runtime's stubs.
    unsafe { asm!("lidt [{}]", in(reg) &raw const pointer, options(nostack)) };
}
