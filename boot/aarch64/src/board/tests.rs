use arrayvec::ArrayVec;
use phalanx_arch_api::Hpa;
use phalanx_handoff::MemoryKind;
use phalanx_handoff::board::{Conduit, Cpu, Enable, Gic, Psci, Uart, UartKind};

use super::*;
use crate::error::Part;
use crate::fdt::Fdt;
use crate::fixture::{Builder, boards};

extern crate std;
use std::vec::Vec;

fn range(start: u64, len: u64) -> PhysRange {
    PhysRange::new(Hpa::new(start), len).unwrap()
}

fn entered(mpidr: u64) -> Entered {
    let kernel_image = range(0x4020_0000, 0x10_0000);
    Entered { loader: Loader::LinuxImage, level: ExceptionLevel::El2, mpidr, kernel_image }
}

/// Reads a blob as the entry does: all that it asks for.
fn read(blob: &[u8], mpidr: u64) -> Result<BootInfo, BootError> {
    let survey = Survey::new(Fdt::new(blob)?)?;
    let _ = (survey.command_line(), survey.uart());
    survey.boot_info(entered(mpidr))
}

fn regions(info: &BootInfo) -> Vec<(u64, u64, MemoryKind)> {
    let regions = info.memory.regions().iter();
    regions.map(|region| (region.start.as_u64(), region.end().as_u64(), region.kind)).collect()
}

#[test]
fn a_server_is_read_whole() {
    let info = read(&boards::server().blob(), 1).unwrap();
    assert_eq!(info.command_line.as_str(), "exit=semihosting");
    assert_eq!(info.bundle, Some(range(0x4800_0000, 0x1000)));
    let expected = [
        (0x4000_0000, 0x4000_1000, MemoryKind::Reserved),
        (0x4000_1000, 0x7f00_0000, MemoryKind::Usable),
        (0x7f00_0000, 0x7f10_0000, MemoryKind::Reserved),
        (0x7f10_0000, 0x8000_0000, MemoryKind::Usable),
    ];
    assert_eq!(regions(&info), expected);
    let board = info.board.unwrap();
    assert_eq!(board.model.as_str(), "test,server");
    let cpu = |mpidr| Cpu { mpidr, enable: Enable::Psci };
    assert_eq!(board.cpus.as_slice(), [cpu(0), cpu(1)]);
    let (system_off, system_reset) = (Some(0x8400_0008), Some(0x8400_0009));
    let psci = Psci { conduit: Conduit::Smc, cpu_on: Some(0xc400_0003), system_off, system_reset };
    assert_eq!(board.psci, Some(psci));
    let redistributors: ArrayVec<_, 8> =
        [range(0x80a_0000, 0xf6_0000), range(0x40_0000_0000, 0x400_0000)].into_iter().collect();
    assert_eq!(board.gic, Gic::V3 { gicd: range(0x800_0000, 0x1_0000), redistributors, stride: None });
    assert_eq!((board.maintenance, board.virtual_timer, board.hypervisor_timer), (Some(25), 27, 26));
    let kind = UartKind::Ns16550 { shift: 2, width: 4 };
    assert_eq!(board.uart, Some(Uart { kind, registers: range(0x904_0000, 0x1000), intid: Some(40) }));
}

#[test]
fn a_small_board_is_read_whole() {
    let info = read(&boards::small().blob(), 0x100).unwrap();
    let expected = [
        (0, 0x1000, MemoryKind::Reserved),
        (0x1000, 0x1000_0000, MemoryKind::Usable),
        (0x2000_0000, 0x3000_0000, MemoryKind::Usable),
    ];
    assert_eq!((info.bundle, regions(&info)), (None, expected.to_vec()));
    let board = info.board.unwrap();
    assert_eq!((board.model.as_str(), board.psci), ("test,small", None));
    let cpu = |mpidr, release| Cpu { mpidr, enable: Enable::SpinTable { release: Hpa::new(release) } };
    assert_eq!(board.cpus.as_slice(), [cpu(0x100, 0xd8), cpu(0x1_0000_0101, 0xe0)]);
    let gic = Gic::V2 { gicd: range(0xff84_1000, 0x1000), gicc: range(0xff85_1000, 0x2000), gich: None, gicv: None };
    assert_eq!(board.gic, gic);
    assert_eq!((board.maintenance, board.virtual_timer, board.hypervisor_timer), (Some(25), 27, 26));
    let uart = Uart { kind: UartKind::Cadence, registers: range(0xfe10_2000, 0x1000), intid: Some(53) };
    assert_eq!(board.uart, Some(uart));
}

/// The server without the first byte sequence `from`, in whose place `to` stands.
fn server_with(from: &[u8], to: &[u8]) -> Result<BootInfo, BootError> {
    assert_eq!(from.len(), to.len());
    let mut blob = boards::server().blob();
    let at = blob.windows(from.len()).position(|window| window == from).unwrap();
    blob[at..at + to.len()].copy_from_slice(to);
    read(&blob, 0)
}

#[test]
fn what_is_missing_is_named() {
    let missing = |part| Err(BootError::Missing(part));
    let error = |result: Result<BootInfo, BootError>| result.map(|_| ());
    assert_eq!(error(server_with(b"arm,gic-v3", b"arm,gic-v9")), missing(Part::Gic));
    assert_eq!(
        error(server_with(b"arm,armv8-timer\0arm,armv7-timer", b"arm,armv9-timer\0arm,armv6-timer")),
        missing(Part::Timer)
    );
    assert_eq!(error(server_with(b"memory@40000000", b"mexory@40000000")), missing(Part::Memory));
    assert_eq!(error(server_with(b"cpus", b"cups")), missing(Part::Cpus));
    assert_eq!(error(read(&boards::server().blob(), 2)), Err(BootError::BootCpuNotListed(2)));
    let absent = server_with(b"arm,psci-1.0\0arm,psci-0.2\0arm,psci\0", b"arm,pscy-1.0\0arm,pscy-0.2\0arm,pscy\0");
    assert_eq!(absent.unwrap().board.unwrap().psci, None);
}

#[test]
fn what_is_garbled_is_named() {
    let garbled = |part| Err(BootError::Garbled(part));
    let error = |from: &[u8], to: &[u8]| server_with(from, to).map(|_| ());
    assert_eq!(error(b"smc\0", b"abc\0"), garbled(Part::Psci));
    assert_eq!(error(b"\0\0\0\x01\0\0\0\x0b\0\0\0\x04", b"\0\0\0\x09\0\0\0\x0b\0\0\0\x04"), garbled(Part::Timer));
    assert_eq!(error(b"\x48\0\x10\0", b"\x47\0\0\0"), garbled(Part::Bundle));
    assert_eq!(error(b"\x48\0\x10\0", b"\x90\0\0\0"), Err(BootError::BundleOutsideMemory));
}

#[test]
fn a_bundle_must_lie_in_free_memory() {
    let blob = |start: u32, end: u32| {
        let tree = boards::server().blob();
        let swap = |mut blob: Vec<u8>, from: u32, to: u32| {
            let last = blob.windows(4).rposition(|window| window == from.to_be_bytes()).unwrap();
            blob[last..last + 4].copy_from_slice(&to.to_be_bytes());
            blob
        };
        swap(swap(tree, 0x4800_1000, end), 0x4800_0000, start)
    };
    let error = |start, end| read(&blob(start, end), 0).map(|_| ());
    assert_eq!(error(0x402f_f000, 0x4030_1000), Err(BootError::BundleOverlapsKernel));
    assert_eq!(error(0x7eff_f000, 0x7f00_1000), Err(BootError::BundleOutsideMemory));
    assert_eq!(error(0x9000_0000, 0x9000_1000), Err(BootError::BundleOutsideMemory));
    assert_eq!(read(&blob(0x5000_0000, 0x5000_0000), 0).unwrap().bundle, None);
}

/// The longest list of CPUs, memory and reservations is counted, not trusted.
#[test]
fn more_than_fits_is_reported() {
    let many = |memories: u32, cpus: u32| {
        let blob = Builder::tree(|root| {
            for index in 0..memories {
                root.node("memory", |memory| {
                    memory.text("device_type", "memory");
                    memory.cells("reg", &[0, index << 20, 0x1000]);
                });
            }
            root.node("cpus", |node| {
                node.cells("#address-cells", &[1]);
                node.cells("#size-cells", &[0]);
                for index in 0..cpus {
                    node.node("cpu", |cpu| cpu.cells("reg", &[index]));
                }
            });
        });
        let blob = blob.blob();
        let survey = Survey::new(Fdt::new(&blob).unwrap()).unwrap();
        (survey.memory_error, survey.cpus.len(), survey.ignored_cpus)
    };
    assert_eq!(many(128, 64), (None, 64, 0));
    assert_eq!(many(129, 70), (Some(BootError::TooManyRegions), 64, 6));
}

#[test]
fn every_damage_is_survived() {
    for (whole, mpidr) in [(boards::server().blob(), 0), (boards::small().blob(), 0x100)] {
        assert!(read(&whole, mpidr).is_ok());
        for bytes in 0..whole.len() {
            assert!(read(&whole[..bytes], mpidr).is_err());
            let mut zeroed = whole.clone();
            zeroed[bytes..].fill(0);
            let _ = read(&zeroed, mpidr);
        }
        for bit in 0..whole.len() * 8 {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let _ = read(&flipped, mpidr);
        }
    }
}
