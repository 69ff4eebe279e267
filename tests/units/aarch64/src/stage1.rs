//! The hypervisor's own tables, as the hardware walks them.

use phalanx_arch_aarch64::host::gic;
use phalanx_arch_api::addr::FRAME_SIZE;
use phalanx_arch_api::table::Permissions;

use crate::asm::{Found, own_read, own_write};
use crate::bench::Bench;
use crate::report::{check, fail};

/// What the hardware finds for a load and a store: the page itself, or a fault of which kind.
fn access(address: u64) -> [Result<(), &'static str>; 2] {
    [own_read(address), own_write(address)].map(|found| match found {
        Found::Frame(frame) if frame == address & !(FRAME_SIZE - 1) => Ok(()),
        Found::Frame(_) => Err("elsewhere"),
        Found::Translation { stage2: false, .. } => Err("unmapped"),
        Found::Permission { stage2: false, .. } => Err("forbidden"),
        _ => Err("another fault"),
    })
}

const NOTHING: [Result<(), &str>; 2] = [Err("unmapped"); 2];
const READ_ONLY: [Result<(), &str>; 2] = [Ok(()), Err("forbidden")];
const ALL: [Result<(), &str>; 2] = [Ok(()); 2];

/// Every page of the image is where it is, and is as writable as its section; what is executable is not writable.
pub(crate) fn image(bench: Bench) {
    for section in &bench.image.sections {
        let Permissions { write, execute, .. } = section.permissions;
        check("writable and executable", write && execute, false);
        let want = if write { ALL } else { READ_ONLY };
        for page in (section.start.as_u64()..section.start.as_u64() + section.length).step_by(FRAME_SIZE as usize) {
            check(format_args!("page {page:#x}"), access(page), want);
            check(format_args!("end of page {page:#x}"), access(page + FRAME_SIZE - 1), want);
        }
    }
}

/// Nothing is mapped at address 0, under the boot stack, or where there is no RAM.
pub(crate) fn holes(bench: Bench) {
    let guard = bench.image.boot_stack.start.as_u64() - FRAME_SIZE;
    for (what, address) in [("null", 0), ("null and a bit", 0xff8), ("guard", guard), ("guard's end", guard + 0xfff)] {
        check(what, access(address), NOTHING);
    }
    check("bottom of the boot stack", access(guard + FRAME_SIZE), ALL);
    check("far away", access(1 << 38), NOTHING);
}

/// RAM that is free is mapped, readable and writable; under each CPU's two stacks a page is missing.
pub(crate) fn ram(bench: Bench) {
    let stacks = bench.host.board().cpus.len();
    let image_end = bench.image.sections[3].start.as_u64() + bench.image.sections[3].length;
    let free = bench.host.into_free_ranges();
    let Some(behind) = free.iter().find(|range| range.start().as_u64() >= image_end) else {
        fail("no RAM is free behind the image")
    };
    let mut missing = 0;
    for page in (image_end..behind.start().as_u64()).step_by(FRAME_SIZE as usize) {
        match access(page) {
            NOTHING => missing += 1,
            got => check(format_args!("page {page:#x}"), got, ALL),
        }
    }
    check("guard pages", missing, 2 * stacks);
    for range in &free {
        for address in [range.start().as_u64(), range.start().as_u64() + range.len() / 2, range.end().as_u64() - 1] {
            check(format_args!("free RAM at {address:#x}"), access(address), ALL);
        }
    }
}

/// The devices in use are mapped.
pub(crate) fn devices(bench: Bench) {
    use phalanx_handoff::board::Gic;
    let board = bench.host.board();
    let (gicd, more) = match &board.gic {
        Gic::V2 { gicd, gich, .. } => (gicd, gich.map_or(0, |gich| gich.start().as_u64())),
        Gic::V3 { gicd, redistributors, .. } => (gicd, redistributors[0].start().as_u64()),
    };
    check("distributor", access(gicd.start().as_u64()), ALL);
    check("virtual interface or redistributor", access(more), ALL);
    check("serial port", board.uart.map(|uart| access(uart.registers.start().as_u64())), Some(ALL));
    check("version", gic::version() as u8, u8::from(matches!(board.gic, Gic::V3 { .. })));
}
