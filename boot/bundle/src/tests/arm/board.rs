//! The device tree, read by a parser that knows nothing of the writer.

use dtoolkit::fdt::{Fdt, FdtNode};
use dtoolkit::{Node, Property};
use phalanx_abi::bundle::{Device, ONLY_GICV2, ONLY_GICV3};

use super::images::Image;
use super::{KERNEL, RAM, build};

/// A node that must be there.
#[track_caller]
fn node<'a>(tree: &Fdt<'a>, path: &str) -> FdtNode<'a> {
    tree.find_node(path).unwrap_or_else(|| panic!("no node {path}"))
}

/// A property's value as big-endian cells.
#[track_caller]
fn cells(node: FdtNode<'_>, name: &str) -> Vec<u32> {
    let property = node.property(name).unwrap_or_else(|| panic!("no property {name}"));
    property.value().chunks(4).map(|cell| u32::from_be_bytes(cell.try_into().unwrap())).collect()
}

/// A property's value as text; the strings of a list are separated by spaces.
#[track_caller]
fn text(node: FdtNode<'_>, name: &str) -> String {
    let property = node.property(name).unwrap_or_else(|| panic!("no property {name}"));
    let text = String::from_utf8(property.value().to_vec()).unwrap();
    text.strip_suffix('\0').unwrap().replace('\0', " ")
}

const LINES: &str = "initrd = 'initrd'\ncmdline = 'console=ttyAMA0 quiet'\nmemory = '64M'\nvcpus = 2";

#[test]
fn what_every_machine_has() {
    let built = build(&Image::default().build(), LINES);
    for machine in [ONLY_GICV2, ONLY_GICV3] {
        let bytes = built.tree(machine);
        let tree = Fdt::new(&bytes).unwrap();
        assert_eq!(cells(tree.root(), "#address-cells"), [2]);
        assert_eq!(cells(node(&tree, "/memory@40000000"), "reg"), [0, 0x4000_0000, 0, 64 << 20]);
        let chosen = node(&tree, "/chosen");
        assert_eq!(text(chosen, "bootargs"), "console=ttyAMA0 quiet");
        assert_eq!(text(chosen, "stdout-path"), "/pl011@9000000");
        assert_eq!(text(node(&tree, "/aliases"), "serial0"), "/pl011@9000000");
        let initrd = 0x4400_0000 - 0x2000;
        assert_eq!(cells(chosen, "linux,initrd-start"), [0, initrd]);
        assert_eq!(cells(chosen, "linux,initrd-end"), [0, initrd + 5000]);
        let psci = node(&tree, "/psci");
        assert_eq!(text(psci, "compatible"), "arm,psci-1.0 arm,psci-0.2");
        assert_eq!(text(psci, "method"), "hvc");
        let uart = node(&tree, "/pl011@9000000");
        assert_eq!(text(uart, "compatible"), "arm,pl011 arm,primecell");
        assert_eq!(cells(uart, "reg"), [0, 0x900_0000, 0, 0x1000]);
        assert_eq!(cells(uart, "interrupts"), [0, 1, 4]);
        let clock = node(&tree, "/apb-pclk");
        assert_eq!(cells(clock, "clock-frequency"), [24_000_000]);
        assert_eq!(cells(uart, "clocks"), [cells(clock, "phandle")[0]; 2]);
        assert_eq!(text(uart, "clock-names"), "uartclk apb_pclk");
        assert_eq!(text(node(&tree, "/hypervisor"), "compatible"), "phalanx,hypervisor");
        assert!(tree.find_node("/memory@0").is_none());
    }
    assert_eq!(built.read(0x4400_0000 - 0x2000, 5001), [vec![0x17; 5000], vec![0]].concat());
    let devices: Vec<_> = built.only().devices().collect();
    assert_eq!(devices, [Device::Pl011 { base: 0x900_0000, irq: 33 }]);
}

#[test]
fn the_interrupt_controller_is_the_machine_s() {
    let built = build(&Image::default().build(), "vcpus = 3");
    let (second, third) = (built.tree(ONLY_GICV2), built.tree(ONLY_GICV3));
    let (second, third) = (Fdt::new(&second).unwrap(), Fdt::new(&third).unwrap());
    let gic = node(&second, "/interrupt-controller@8000000");
    assert_eq!(text(gic, "compatible"), "arm,gic-400");
    assert_eq!(cells(gic, "reg"), [0, 0x800_0000, 0, 0x1_0000, 0, 0x801_0000, 0, 0x2000]);
    let timer = cells(node(&second, "/timer"), "interrupts");
    assert_eq!(timer, [1, 13, 0x704, 1, 14, 0x704, 1, 11, 0x704, 1, 10, 0x704]);
    let gic = node(&third, "/interrupt-controller@8000000");
    assert_eq!(text(gic, "compatible"), "arm,gic-v3");
    assert_eq!(cells(gic, "reg"), [0, 0x800_0000, 0, 0x1_0000, 0, 0x80a_0000, 0, 0x6_0000]);
    assert_eq!(cells(gic, "#redistributor-regions"), [1]);
    assert_eq!(cells(node(&third, "/timer"), "interrupts"), [1, 13, 4, 1, 14, 4, 1, 11, 4, 1, 10, 4]);
    assert_eq!(cells(third.root(), "interrupt-parent"), cells(gic, "phandle"));
}

#[test]
fn cpus_are_named_by_their_affinity() {
    for vcpus in [1, 8, 17, 64] {
        let built = build(&Image::default().build(), &format!("vcpus = {vcpus}"));
        let bytes = built.tree(ONLY_GICV3);
        let tree = Fdt::new(&bytes).unwrap();
        let names: Vec<_> = node(&tree, "/cpus").children().map(|cpu| cpu.name().to_owned()).collect();
        let expected: Vec<_> = (0..vcpus).map(|index| format!("cpu@{:x}", index % 16 + index / 16 * 256)).collect();
        assert_eq!(names, expected);
        let last = node(&tree, &format!("/cpus/{}", expected.last().unwrap()));
        assert_eq!(cells(last, "reg"), [(vcpus - 1) % 16 + 256 * ((vcpus - 1) / 16)]);
        assert_eq!(text(last, "enable-method"), "psci");
    }
}

#[test]
fn flash_is_memory_at_zero() {
    let built = build(&[0xd4; 4096], "format = 'flat'\nload = 0\nflash = '66M'\nmemory = '1M'");
    let regions: Vec<_> = built.only().regions().map(|region| (region.gpa, region.size)).collect();
    assert_eq!(regions, [(0, 66 << 20), (RAM, 1 << 20)]);
    let bytes = built.tree(ONLY_GICV2);
    let tree = Fdt::new(&bytes).unwrap();
    assert_eq!(cells(node(&tree, "/memory@0"), "reg"), [0, 0, 0, 66 << 20]);
    let memory = tree.root().children().find(|node| node.name().starts_with("memory"));
    assert_eq!(memory.unwrap().name(), "memory@40000000", "the large one comes first");
    let entry = built.arm_entry();
    assert_eq!((entry.pc.get(), entry.x[0].get()), (0, RAM));
}

#[test]
fn the_tree_makes_way_for_a_kernel_at_the_start_of_ram() {
    let code = |load: u64| build(&[0xd4; 100], &format!("load = {load}\nmemory = '4M'")).arm_entry();
    let place = |entry: phalanx_abi::bundle::ArmEntryRecord| (entry.pc.get(), entry.x[0].get());
    assert_eq!(place(code(RAM)), (RAM, RAM + (4 << 20) - 0x1_0000));
    assert_eq!(place(code(RAM + 0x1_0000)), (RAM + 0x1_0000, RAM));
    assert_eq!(place(code(KERNEL)), (KERNEL, RAM));
}
