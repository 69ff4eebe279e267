//! Start-up, step by step; whatever is missing ends it with a clear error.

use core::fmt;
use core::sync::atomic::{AtomicUsize, Ordering};

use phalanx_abi::bundle::{Bundle, BundleError};
use phalanx_core::mem::AllocError;
use phalanx_core::{Machine, Recording, SetupError, heap_bytes};
use phalanx_handoff::{Options, PhysRange};
use spin::Once;

use crate::console::{self, println};
use crate::target::host::{Host, HostError, PerCpu, this_cpu};
use crate::target::{ARCHITECTURE, Backend, Missing, NO_CONSOLE_INTERRUPT, crc32, halt_forever};
use crate::{MIB, machine, memory};

/// Why the machine cannot run what it was given.
#[derive(Debug)]
pub(crate) enum StartError {
    /// The processor.
    Processor(Missing),
    /// The machine.
    Host(HostError),
    /// The loader gave no bundle.
    NoBundle,
    /// The bundle is damaged.
    Bundle(BundleError),
    /// No memory for the hypervisor's own objects.
    Heap(AllocError),
    /// A domain cannot be created.
    Setup(SetupError),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Processor(missing) => missing.fmt(f),
            Self::Host(error) => error.fmt(f),
            Self::NoBundle => f.write_str("the loader gave no bundle, so there is nothing to run"),
            Self::Bundle(error) => write!(f, "the bundle cannot be used: {error}"),
            Self::Heap(error) => write!(f, "not enough memory for the hypervisor itself: {error}"),
            Self::Setup(error) => error.fmt(f),
        }
    }
}

impl StartError {
    /// What the user can do.
    pub(crate) const fn help(&self) -> &'static str {
        match self {
            Self::Processor(missing) => missing.help(),
            Self::Host(error) => error.help(),
            Self::NoBundle => "build one with `cargo xtask image`, or pass it to QEMU with -initrd",
            Self::Bundle(_) => "build it again (cargo xtask run does), and check how it was copied to this machine",
            Self::Heap(_) => "give the machine more memory",
            Self::Setup(error) => error.help(),
        }
    }
}

/// What the command line says.
static OPTIONS: Once<Options<'static>> = Once::new();

/// Keeps what the command line says, for the machine that is made later.
pub(crate) fn set_options(options: Options<'static>) {
    OPTIONS.call_once(|| options);
}

/// Has the machine tell what the command line asks for.
fn observe<B: Backend>(machine: &mut Machine<B>) {
    let Some(options) = OPTIONS.get() else { return };
    machine.tell_counters(options.counters);
    if let Some(domain) = options.effects
        && !machine.record(domain, Recording { plant: options.effects_plant })
    {
        println!("phalanx: warning: effects={domain} is ignored: there is no domain of this name");
    }
}

/// Runs every domain of the bundle to its end.
pub(crate) fn run_bundle<B: Backend>(bundle: PhysRange, mut host: Host) -> Result<(), StartError> {
    let report = host.start_other_cpus(other_cpu::<B>).map_err(StartError::Host)?;
    for cpu in &report.failed {
        println!("phalanx: warning: {cpu}");
    }
    if report.ignored > 0 {
        println!("phalanx: warning: {} more CPUs than can be driven are not used", report.ignored);
    }
    console::enable_input();
    if !host.has_console_interrupt() {
        println!("phalanx: warning: {NO_CONSOLE_INTERRUPT}; what is typed is not seen");
    }
    let mut frames = memory::frames(&host.into_free_ranges());
    let bundle = Bundle::parse_with(memory::module(bundle), crc32)
        .and_then(|bundle| bundle.require(ARCHITECTURE))
        .map_err(StartError::Bundle)?;
    memory::init_heap(&mut frames, heap_bytes(bundle, report.running)).map_err(StartError::Heap)?;
    let mut machine =
        Machine::<B>::new(bundle, report.running, &mut frames, console::shared()).map_err(StartError::Setup)?;
    println!(
        "phalanx: {}, {}, {} MiB free",
        Count(report.running, "CPU"),
        Count(bundle.domains().count(), "domain"),
        frames.memory().free / MIB
    );
    observe(&mut machine);
    machine.start();
    let machine = machine::publish(machine);
    let per_cpu = this_cpu();
    run(machine, per_cpu, B::enable(per_cpu).map_err(StartError::Processor)?);
    Ok(())
}

/// A number of things, with their name in the right number.
struct Count(usize, &'static str);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{}", self.0, self.1, if self.0 == 1 { "" } else { "s" })
    }
}

/// CPUs that are ready to run guests.
static READY: AtomicUsize = AtomicUsize::new(0);

/// Runs vCPUs on this CPU until all domains have ended.
fn run<B: Backend>(machine: &Machine<B>, per_cpu: &PerCpu, mut cpu: B::Cpu) {
    if READY.fetch_add(1, Ordering::Relaxed) + 1 == machine.cpus() {
        memory::seal_heap();
    }
    machine.run_cpu(per_cpu.index, &mut cpu);
}

/// What every CPU but the first does.
fn other_cpu<B: Backend>(per_cpu: &'static PerCpu) -> ! {
    let machine = machine::wait::<B>();
    match B::enable(per_cpu) {
        Ok(cpu) => run(machine, per_cpu, cpu),
        Err(missing) => println!("phalanx: warning: CPU {} is not used: {missing}", per_cpu.index.0),
    }
    halt_forever()
}
