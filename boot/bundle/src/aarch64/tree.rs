//! The device tree of the virtual board (Devicetree Specification 0.4; Linux's bindings for Arm).

use vm_fdt::{FdtWriter, FdtWriterResult};

use super::layout::{GICC, GICD, GICR, GICR_BYTES, RAM, UART, UART_CLOCK, UART_SPI};
use crate::program::{About, Refusal};

/// What differs from board to board.
#[derive(Clone, Copy, Debug)]
pub(super) struct Board<'a> {
    /// Bytes of RAM at [`RAM`].
    pub(super) memory: u64,
    /// Bytes of RAM at address 0.
    pub(super) flash: u64,
    pub(super) vcpus: u32,
    pub(super) cmdline: &'a str,
    /// Address and bytes of the initrd.
    pub(super) initrd: Option<(u64, u64)>,
}

/// The interrupt controller, which is of the same version as the machine's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gic {
    V2,
    V3,
}

/// Handles by which nodes refer to each other.
const GIC_HANDLE: u32 = 1;
const CLOCK_HANDLE: u32 = 2;

/// First cell of an interrupt: shared or private peripheral interrupt.
const SPI: u32 = 0;
const PPI: u32 = 1;
/// Third cell of an interrupt: level-sensitive, active high.
const LEVEL_HIGH: u32 = 4;
/// Private peripheral interrupts of the timers, as their INTID less 16: secure, non-secure, virtual, hypervisor.
const TIMERS: [u32; 4] = [13, 14, 11, 10];
/// Most CPUs of a GICv2.
const GICV2_CPUS: u32 = 8;

const UART_PATH: &str = "/pl011@9000000";

/// The flattened tree.
pub(super) fn write(board: &Board<'_>, gic: Gic) -> Result<Vec<u8>, Refusal> {
    let written = FdtWriter::new().and_then(|writer| root(writer, board, gic));
    written.map_err(|error| {
        Refusal::new(About::Cmdline, format!("the device tree cannot be written: {error}")).label("perhaps from this")
    })
}

fn root(mut fdt: FdtWriter, board: &Board<'_>, gic: Gic) -> FdtWriterResult<Vec<u8>> {
    let root = fdt.begin_node("")?;
    fdt.property_string_list("compatible", strings(&["phalanx,virt", "linux,dummy-virt"]))?;
    fdt.property_string("model", "Phalanx virtual board")?;
    fdt.property_u32("#address-cells", 2)?;
    fdt.property_u32("#size-cells", 2)?;
    fdt.property_u32("interrupt-parent", GIC_HANDLE)?;
    chosen(&mut fdt, board)?;
    aliases(&mut fdt)?;
    // The large one first: some systems look at no other.
    memory(&mut fdt, RAM, board.memory)?;
    if board.flash > 0 {
        memory(&mut fdt, 0, board.flash)?;
    }
    cpus(&mut fdt, board.vcpus)?;
    psci(&mut fdt)?;
    timer(&mut fdt, board.vcpus, gic)?;
    interrupt_controller(&mut fdt, board.vcpus, gic)?;
    clock(&mut fdt)?;
    uart(&mut fdt)?;
    hypervisor(&mut fdt)?;
    fdt.end_node(root)?;
    fdt.finish()
}

fn chosen(fdt: &mut FdtWriter, board: &Board<'_>) -> FdtWriterResult<()> {
    let node = fdt.begin_node("chosen")?;
    fdt.property_string("bootargs", board.cmdline)?;
    fdt.property_string("stdout-path", UART_PATH)?;
    if let Some((start, size)) = board.initrd {
        fdt.property_u64("linux,initrd-start", start)?;
        fdt.property_u64("linux,initrd-end", start + size)?;
    }
    fdt.end_node(node)
}

fn aliases(fdt: &mut FdtWriter) -> FdtWriterResult<()> {
    let node = fdt.begin_node("aliases")?;
    fdt.property_string("serial0", UART_PATH)?;
    fdt.end_node(node)
}

fn memory(fdt: &mut FdtWriter, address: u64, bytes: u64) -> FdtWriterResult<()> {
    let node = fdt.begin_node(&format!("memory@{address:x}"))?;
    fdt.property_string("device_type", "memory")?;
    fdt.property_array_u64("reg", &[address, bytes])?;
    fdt.end_node(node)
}

/// CPUs by their affinity: 16 to a cluster, as the software generated interrupts of a GICv3 reach them.
fn cpus(fdt: &mut FdtWriter, vcpus: u32) -> FdtWriterResult<()> {
    let node = fdt.begin_node("cpus")?;
    fdt.property_u32("#address-cells", 1)?;
    fdt.property_u32("#size-cells", 0)?;
    for affinity in (0..vcpus).map(|index| index % 16 + 256 * (index / 16)) {
        let cpu = fdt.begin_node(&format!("cpu@{affinity:x}"))?;
        fdt.property_string("device_type", "cpu")?;
        fdt.property_string("compatible", "arm,armv8")?;
        fdt.property_u32("reg", affinity)?;
        fdt.property_string("enable-method", "psci")?;
        fdt.end_node(cpu)?;
    }
    fdt.end_node(node)
}

fn psci(fdt: &mut FdtWriter) -> FdtWriterResult<()> {
    let node = fdt.begin_node("psci")?;
    fdt.property_string_list("compatible", strings(&["arm,psci-1.0", "arm,psci-0.2"]))?;
    fdt.property_string("method", "hvc")?;
    fdt.end_node(node)
}

fn timer(fdt: &mut FdtWriter, vcpus: u32, gic: Gic) -> FdtWriterResult<()> {
    // A private interrupt of a GICv2 names its CPUs.
    let cpus = match gic {
        Gic::V2 => (1 << vcpus.min(GICV2_CPUS)) - 1,
        Gic::V3 => 0,
    };
    let interrupts: Vec<u32> = TIMERS.iter().flat_map(|ppi| [PPI, *ppi, cpus << 8 | LEVEL_HIGH]).collect();
    let node = fdt.begin_node("timer")?;
    fdt.property_string("compatible", "arm,armv8-timer")?;
    fdt.property_array_u32("interrupts", &interrupts)?;
    fdt.property_null("always-on")?;
    fdt.end_node(node)
}

fn interrupt_controller(fdt: &mut FdtWriter, vcpus: u32, gic: Gic) -> FdtWriterResult<()> {
    let (compatible, second) = match gic {
        Gic::V2 => ("arm,gic-400", GICC),
        Gic::V3 => ("arm,gic-v3", (GICR, GICR_BYTES * u64::from(vcpus))),
    };
    let node = fdt.begin_node(&format!("interrupt-controller@{:x}", GICD.0))?;
    fdt.property_string("compatible", compatible)?;
    fdt.property_null("interrupt-controller")?;
    fdt.property_u32("#interrupt-cells", 3)?;
    fdt.property_u32("#address-cells", 0)?;
    fdt.property_array_u64("reg", &[GICD.0, GICD.1, second.0, second.1])?;
    if gic == Gic::V3 {
        fdt.property_u32("#redistributor-regions", 1)?;
    }
    fdt.property_phandle(GIC_HANDLE)?;
    fdt.end_node(node)
}

fn clock(fdt: &mut FdtWriter) -> FdtWriterResult<()> {
    let node = fdt.begin_node("apb-pclk")?;
    fdt.property_string("compatible", "fixed-clock")?;
    fdt.property_u32("#clock-cells", 0)?;
    fdt.property_u32("clock-frequency", UART_CLOCK)?;
    fdt.property_string("clock-output-names", "clk24mhz")?;
    fdt.property_phandle(CLOCK_HANDLE)?;
    fdt.end_node(node)
}

fn uart(fdt: &mut FdtWriter) -> FdtWriterResult<()> {
    let node = fdt.begin_node(UART_PATH.trim_start_matches('/'))?;
    fdt.property_string_list("compatible", strings(&["arm,pl011", "arm,primecell"]))?;
    fdt.property_array_u64("reg", &[UART.0, UART.1])?;
    fdt.property_array_u32("interrupts", &[SPI, UART_SPI, LEVEL_HIGH])?;
    fdt.property_array_u32("clocks", &[CLOCK_HANDLE, CLOCK_HANDLE])?;
    fdt.property_string_list("clock-names", strings(&["uartclk", "apb_pclk"]))?;
    fdt.end_node(node)
}

/// How a guest finds Phalanx's hypercalls.
fn hypervisor(fdt: &mut FdtWriter) -> FdtWriterResult<()> {
    let node = fdt.begin_node("hypervisor")?;
    fdt.property_string("compatible", "phalanx,hypervisor")?;
    fdt.end_node(node)
}

fn strings(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}
