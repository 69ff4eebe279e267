//! The manual page `docs/hypercalls.md`, written from the tables and compared with the file.
//!
//! After a change of a table run `PHALANX_BLESS=1 cargo test -p phalanx-abi` to write the file anew.

use alloc::format;
use alloc::string::String;
use core::fmt::Write;
use std::{env, fs};

use crate::exit::ExitCounter;
use crate::hypercall::{ABI_VERSION, Hypercall, HypercallError};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/hypercalls.md");

const INTRODUCTION: &str = "\
# Hypercalls

<!-- Generated from kernel/abi/src/hypercall.rs and exit.rs: PHALANX_BLESS=1 cargo test -p phalanx-abi -->

A guest's kernel executes one instruction. The result is zero or positive, or a negative error. No other register
changes.

| | instruction | number | arguments 1, 2, 3 | result |
|---|---|---|---|---|
| x86-64 | `vmmcall` (AMD) or `vmcall` (Intel) | RAX | RDI, RSI, RDX | RAX |
| Arm | `hvc #0x5048` | X0 | X1, X2, X3 | X0 |

A guest finds the interface
- on x86-64 by CPUID: leaf 0x4000_0100 holds the signature `PhalanxPhlnx` in EBX, ECX, EDX, leaf 0x4000_0101 the ABI
  version in EAX;
- on Arm by the node `/hypervisor` of its device tree, which is compatible with `phalanx,hypervisor`. `hvc #0` and
  `smc #0` follow SMCCC and never are hypercalls of this table; any other immediate returns -1 in X0.
";

fn page() -> String {
    let mut page = format!("{INTRODUCTION}\nThis page describes ABI version {ABI_VERSION}.\n");
    calls(&mut page);
    errors(&mut page);
    counters(&mut page);
    page
}

fn calls(page: &mut String) {
    page.push_str("\n| number | name | arguments | result | errors | what it does |\n|---|---|---|---|---|---|\n");
    for call in Hypercall::ALL {
        let arguments: alloc::vec::Vec<_> =
            (1..).zip(call.arguments()).map(|(number, meaning)| format!("{number}: {meaning}")).collect();
        let errors: alloc::vec::Vec<_> = call.errors().iter().map(|error| error.name()).collect();
        let (number, name, result) = (call.number(), call.name(), call.result());
        let (arguments, errors) = (arguments.join(", "), errors.join(", "));
        let summary = call.summary().trim();
        writeln!(page, "| {number:#010x} | `{name}` | {arguments} | {result} | {errors} | {summary} |").unwrap();
    }
}

fn errors(page: &mut String) {
    page.push_str("\n## Errors\nEvery hypercall can return EPERM; every number outside the table returns ENOSYS.\n\n");
    page.push_str("| result | name | when |\n|---|---|---|\n");
    for error in HypercallError::ALL {
        writeln!(page, "| {} | {} | {} |", error.code(), error.name(), error.summary().trim()).unwrap();
    }
}

fn counters(page: &mut String) {
    page.push_str("\n## Exit counters\nEvery vCPU counts its exits by reason, always.\n\n");
    page.push_str("| index | name | counts |\n|---|---|---|\n");
    for counter in ExitCounter::ALL {
        writeln!(page, "| {} | `{}` | {} |", counter.index(), counter.name(), counter.summary().trim()).unwrap();
    }
}

#[test]
fn manual_page_matches_the_tables() {
    if env::var_os("PHALANX_BLESS").is_some() {
        fs::write(PATH, page()).unwrap();
    }
    let written = fs::read_to_string(PATH).unwrap_or_default();
    assert_eq!(written, page(), "docs/hypercalls.md is stale: run with PHALANX_BLESS=1");
}
