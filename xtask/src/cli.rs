//! What a person can type.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::arch::Arch;
use crate::machine::{BoardName, MachineOptions};

/// Builds, runs, tests and measures Phalanx.
///
/// Every command prepares what it needs by itself: Rust libraries for bare metal, the emulator, guest kernels. Downloads go to
/// ~/.cache/phalanx (or $XDG_CACHE_HOME/phalanx) once and are shared by all checkouts.
#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    version,
    after_help = "\
Examples:
  cargo xtask run                        a Linux guest on Phalanx, on this terminal
  cargo xtask test                       all tests
  cargo xtask doctor                     what is here, what is missing"
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Verb,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Boot a system on an emulated machine and attach to its console
    #[command(after_long_help = RUN_EXAMPLES)]
    Run(RunOptions),
    /// Run the host tests and the system scenarios
    #[command(after_long_help = TEST_EXAMPLES)]
    Test(TestOptions),
    /// Make something to boot from: an ISO for PCs (GRUB, for BIOS and UEFI), a folder for Arm boards (U-Boot)
    #[command(after_long_help = IMAGE_EXAMPLES)]
    Image(ImageOptions),
    /// Measure
    #[command(subcommand)]
    Bench(BenchVerb),
    /// Say what is here and what is missing; exit code 1 when `run` would have to fetch something
    Doctor(ArchOption),
    /// Run clippy on the bare-metal packages (the host packages: cargo clippy)
    Check(ArchOption),
    /// Remove everything that was downloaded or prepared, for all checkouts
    CleanCache,
}

const RUN_EXAMPLES: &str = "\
Examples:
  cargo xtask run
      the demo system; the guest's console is this terminal, Ctrl-] leaves
  cargo xtask run my-system.toml --cpus 4 --memory 2G
      your own manifest on a larger machine
  cargo xtask run --arch aarch64
      the same on 64-bit Arm; --gic 2, --cpu cortex-a72 and --board raspi4b choose other machines
  cargo xtask run --backend vtx
      on Intel VT-x; the emulator is Bochs, which is built on first use (--emulator bochs alone: AMD SVM)
  cargo xtask run --headless --until 'phalanx-guest: ready' --fail-on 'panic' --timeout 60
      for scripts: the console on stdout, exit code 0 when the text appears
  cargo xtask run --headless --input 'nproc; echo end-$((40+2))' --until 'end-42'
      types a line into the guest's shell and waits for its answer
  cargo xtask run --emulator-args -s -S
      waits for gdb on port 1234

Exit codes: 0 the --until text appeared, or without --until all domains ended;
            1 the --fail-on text appeared, the hypervisor stopped with an error, or the machine ended too early;
            2 time was up.";

const TEST_EXAMPLES: &str = "\
Names read lane/what: host (tests without hardware), sim (simulated machine), unit (the processor's part, on QEMU), svm (AMD
virtualization on QEMU), svm-bochs and vtx (AMD and Intel virtualization on Bochs), el2 (Arm on QEMU; unit and el2 tests are
called MACHINE-what), differential (one guest on svm, svm-bochs and vtx, compared exit by exit).
A FILTER is the beginning of a name or a word of it; a test runs when any filter fits.

Examples:
  cargo xtask test
      everything; the last line is: N passed, N failed, N skipped
  cargo xtask test --list
      the names, nothing runs
  cargo xtask test host
      one lane
  cargo xtask test svm/linux rogue
      all scenarios whose name begins with svm/linux, and those with the word rogue

The console of a failed scenario is kept under target/test-logs.";

const IMAGE_EXAMPLES: &str = "\
Examples:
  cargo xtask image -o phalanx.iso
      the demo system
  cargo xtask image my-system.toml -o my-system.iso
      then write it to a USB stick, or: qemu-system-x86_64 -machine q35 -cpu max -m 1G -serial stdio -cdrom my-system.iso
  cargo xtask image --arch aarch64 -o sdcard
      a folder for U-Boot: copy what is in it to a FAT partition; its boot.txt says what to type
  cargo xtask image --board raspi4b -o sdcard
      the same with the board's device tree";

/// `cargo xtask run`.
#[derive(Debug, Args)]
pub(crate) struct RunOptions {
    /// The system's manifest, or the name of one in systems/ [default: systems/demo.toml]
    #[arg(value_name = "SYSTEM.toml")]
    pub(crate) system: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) machine: MachineOptions,
    /// Write the console to stdout instead of attaching this terminal
    #[arg(long)]
    pub(crate) headless: bool,
    /// Give up after S seconds [default with --headless: 120]
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) timeout: Option<u64>,
    /// Succeed as soon as a console line matches REGEX
    #[arg(long, value_name = "REGEX")]
    pub(crate) until: Option<String>,
    /// Fail as soon as a console line matches REGEX
    #[arg(long, value_name = "REGEX")]
    pub(crate) fail_on: Option<String>,
    /// Type TEXT and Enter when the guest is ready (may be repeated). The guest echoes what is typed
    #[arg(long, value_name = "TEXT")]
    pub(crate) input: Vec<String>,
    /// What --input waits for
    #[arg(long, value_name = "REGEX", default_value = "phalanx-guest: ready")]
    pub(crate) input_after: String,
    /// Prepare everything, print the emulator's command line and stop
    #[arg(long)]
    pub(crate) print_command: bool,
    /// Everything after this goes to the emulator (Bochs takes 'option: value')
    #[arg(long, value_name = "ARGS", num_args = 1.., allow_hyphen_values = true)]
    pub(crate) emulator_args: Vec<String>,
}

/// `cargo xtask test`.
#[derive(Debug, Args)]
pub(crate) struct TestOptions {
    /// Only tests whose name begins with FILTER or has it as a word
    #[arg(value_name = "FILTER")]
    pub(crate) filters: Vec<String>,
    /// Print the names and stop
    #[arg(long)]
    pub(crate) list: bool,
    /// Multiply the scenarios' time limits by FACTOR, for a slow or busy machine
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = factor)]
    pub(crate) patience: f64,
    /// Keep N processors busy; an Arm board keeps as many busy as it has CPUs, any other test one [default: all there are]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) jobs: Option<u16>,
}

/// A factor above zero.
fn factor(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(factor) if factor > 0.0 && f64::is_finite(factor) => Ok(factor),
        _ => Err("write a number above 0, as 2 or 0.5".to_owned()),
    }
}

/// `cargo xtask image`.
#[derive(Debug, Args)]
pub(crate) struct ImageOptions {
    /// The system's manifest, or the name of one in systems/ [default: systems/demo.toml]
    #[arg(value_name = "SYSTEM.toml")]
    pub(crate) system: Option<PathBuf>,
    /// For which architecture [default: the board's or the manifest's, else x86_64]
    #[arg(long, value_name = "ARCH")]
    pub(crate) arch: Option<Arch>,
    /// For which Arm board: its device tree goes into the folder
    #[arg(long, value_name = "BOARD")]
    pub(crate) board: Option<BoardName>,
    /// The ISO or the folder to write
    #[arg(short, long, value_name = "FILE.iso|FOLDER")]
    pub(crate) output: PathBuf,
}

/// Commands that are about one architecture, or all of them.
#[derive(Debug, Args)]
pub(crate) struct ArchOption {
    /// Only this architecture [default: all]
    #[arg(long, value_name = "ARCH")]
    pub(crate) arch: Option<Arch>,
}

impl ArchOption {
    /// The architectures that are meant.
    pub(crate) fn all(&self) -> Vec<Arch> {
        self.arch.map_or_else(|| Arch::ALL.to_vec(), |arch| vec![arch])
    }
}

/// `cargo xtask bench`.
#[derive(Debug, Subcommand)]
pub(crate) enum BenchVerb {
    /// Instructions per exit, counted by the emulator: two runs print the same digits
    Exits(BenchOptions),
}

/// `cargo xtask bench exits`.
#[derive(Debug, Args)]
pub(crate) struct BenchOptions {
    /// For which architecture
    #[arg(long, value_name = "ARCH", default_value = "x86_64")]
    pub(crate) arch: Arch,
    /// Only this lane: svm, svm-bochs, vtx or vtx-no-apicv, on aarch64 el2 (may be repeated) [default: all of the architecture]
    #[arg(long, value_name = "LANE")]
    pub(crate) lane: Vec<String>,
    /// An array of { "row", "lane", "instructions" } instead of the table
    #[arg(long)]
    pub(crate) json: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definitions_are_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn emulator_arguments_may_look_like_options() {
        let cli = Cli::try_parse_from(["cargo xtask", "run", "--headless", "--emulator-args", "-s", "-S"]).unwrap();
        let Verb::Run(options) = cli.command else { panic!("not a run") };
        assert!(options.headless && options.system.is_none());
        assert_eq!(options.emulator_args, ["-s", "-S"]);
    }

    #[test]
    fn one_architecture_or_all() {
        let of = |words: &[&str]| {
            let cli = Cli::try_parse_from([&["cargo xtask"], words].concat()).unwrap();
            let Verb::Doctor(option) = cli.command else { panic!("not the doctor") };
            option.all()
        };
        assert_eq!(of(&["doctor"]), Arch::ALL);
        assert_eq!(of(&["doctor", "--arch", "aarch64"]), [Arch::Arm]);
    }

    #[test]
    fn input_may_be_repeated() {
        let cli = Cli::try_parse_from(["cargo xtask", "run", "x.toml", "--input", "a", "--input", "b"]).unwrap();
        let Verb::Run(options) = cli.command else { panic!("not a run") };
        assert_eq!(options.input, ["a", "b"]);
    }
}
