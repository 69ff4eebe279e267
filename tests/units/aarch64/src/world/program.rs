//! What the guests run: EL1, MMU off, position-independent, copied to a page before the first of them starts.
//!
//! Each begins by setting a vector base whose vectors report the exception ([`EXCEPTION`]). The pages of a guest:
//!
//! | offset | written by | what |
//! |---|---|---|
//! | [`X`] | test | X0 to X30 |
//! | [`VALUES`] | test | values of system registers |
//! | [`V`] | test | V0 to V31 |
//! | [`WANT`] | guest | system registers right after they were written |
//! | [`GOT_X`], [`GOT`], [`GOT_V`] | guest | all of them, after the hypercall |

use core::arch::global_asm;

use phalanx_arch_api::{Hpa, Hva};

/// Bytes of the programs.
pub(crate) const BYTES: u64 = 8192;
/// Hypercall number of an exception: its syndrome and address are the arguments.
pub(crate) const EXCEPTION: u64 = 0xbad;

pub(crate) const X: usize = 0;
pub(crate) const VALUES: usize = 0x100;
pub(crate) const V: usize = 0x400;
pub(crate) const WANT: usize = 0x800;
pub(crate) const GOT_X: usize = 0xa00;
pub(crate) const GOT: usize = 0xb00;
pub(crate) const GOT_V: usize = 0xc00;

/// Where the programs run.
#[repr(C, align(4096))]
struct Place(core::cell::UnsafeCell<[u8; BYTES as usize]>);

// SAFETY: written once, before the first guest runs.
unsafe impl Sync for Place {}

static PLACE: Place = Place(core::cell::UnsafeCell::new([0; BYTES as usize]));

/// Builds functions that tell where a program begins, from the start of the code.
macro_rules! programs {
    ($($(#[$doc:meta])+ $function:ident = $symbol:ident;)+) => {
        unsafe extern "C" {
            static unit_programs: u8;
            static unit_programs_end: u8;
            $(static $symbol: u8;)+
        }

        $(
            $(#[$doc])+
            pub(crate) fn $function() -> u64 {
                ((&raw const $symbol).addr() - (&raw const unit_programs).addr()) as u64
            }
        )+
    };
}

programs! {
    /// All registers. X0: the page.
    registers = unit_registers;
    /// All registers as they are at the first instruction. X0: the page.
    show = unit_show;
    /// The keys of pointer authentication. X0: the page.
    keys = unit_keys;
    /// Tells again and again the word at X0.
    read_word = unit_read_word;
    /// Tells the word at X0, then writes another one there.
    write_word = unit_write_word;
    /// Loads of all sizes at X0, telling each; then stores of all sizes.
    access = unit_access;
    /// Reads the identification registers with CRm 1 to 7 to X0, then MIDR, MPIDR and REVIDR.
    identify = unit_identify;
    /// Acknowledges, tells, ends, tells. GICv2.
    acknowledge_v2 = unit_acknowledge_v2;
    /// The same for a GICv3.
    acknowledge_v3 = unit_acknowledge_v3;
}

/// Copies the programs to where they run.
pub(super) fn install() {
    let start = &raw const unit_programs;
    let bytes = (&raw const unit_programs_end).addr() - start.addr();
    assert!(bytes as u64 <= BYTES);
    // SAFETY: the programs are constants, and the place is as long and used by nobody yet.
    unsafe { start.copy_to_nonoverlapping(PLACE.0.get().cast(), bytes) };
    phalanx_arch_aarch64::host::cache::clean_invalidate(Hva::new(place().as_u64()), BYTES);
}

/// Where they run.
pub(super) fn place() -> Hpa {
    Hpa::new(PLACE.0.get().addr() as u64)
}

global_asm!(
    concat!(".macro unit_write_system\n", write_system!(), ".endm"),
    concat!(".macro unit_read_system\n", read_system!(), ".endm"),
    concat!(".macro unit_write_keys\n", write_keys!(), ".endm"),
    concat!(".macro unit_read_keys\n", read_keys!(), ".endm"),
    include_str!("program.s"),
    x = const X,
    values = const VALUES,
    v = const V,
    want = const WANT,
    got_x = const GOT_X,
    got = const GOT,
    got_v = const GOT_V,
    exception = const EXCEPTION,
    hypercall = const phalanx_abi::hypercall::ARM_IMMEDIATE,
);
