//! A PC on Bochs: its configuration file and its command line.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use super::{Boot, Machine};
use crate::error::{Result, trouble};
use crate::prepare::bochs::{Bochs, Firmware};
use crate::store;

/// Instructions that usually make a second of the machine.
pub(crate) const SPEED: u32 = 100_000_000;
/// The time at power-on: 2026-01-01, as on the other emulator when it counts.
const TIME: u32 = 1_767_225_600;

/// The processor with AMD SVM: nested paging, NRIPS, FlushByASID, the pause filter; no x2APIC.
pub(crate) const RYZEN: &str = "ryzen";
/// The processor with Intel VT-x: EPT, VPID, unrestricted guest, APIC virtualization.
pub(crate) const SKYLAKE: &str = "corei7_skylake_x";

/// Its models with AMD SVM or Intel VT-x, in whatever state.
pub(crate) const WITH_VIRTUALIZATION: [&str; 18] = [
    "turion64_tyler",
    "phenom_8650_toliman",
    "zambezi",
    "trinity_apu",
    RYZEN,
    "core2_penryn_t9600",
    "corei5_lynnfield_750",
    "corei5_arrandale_m520",
    "corei7_sandy_bridge_2600k",
    "corei7_ivy_bridge_3770k",
    "corei7_haswell_4770",
    "broadwell_ult",
    SKYLAKE,
    "corei3_cnl",
    "corei7_icelake_u",
    "tigerlake",
    "sapphire_rapids",
    "arrow_lake",
];

/// Bochs, and what one machine on it needs besides a [`Machine`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OnBochs {
    /// The emulator.
    pub(crate) bochs: Bochs,
    /// What starts the machine.
    pub(crate) firmware: Firmware,
    /// Instructions that make a second of the machine. Delays, timers and the serial line follow from it, and the frequency
    /// of the TSC.
    pub(crate) speed: u32,
    /// Where its configuration is written; Bochs' own messages go beside it.
    pub(crate) file: PathBuf,
}

impl OnBochs {
    /// The arguments; `console` says where the first serial port leads.
    pub(super) fn arguments(&self, console: Console) -> Vec<String> {
        let file = self.file.display().to_string();
        vec!["-q".into(), "-f".into(), file, console.option()]
    }

    /// Writes the configuration of `machine`.
    pub(super) fn write(&self, machine: &Machine) -> Result<()> {
        store::write_atomically(&self.file, self.configuration(machine)?.as_bytes())
    }

    /// Every key that Bochs has to be told; its manual is `.bochsrc` in its source.
    fn configuration(&self, machine: &Machine) -> Result<String> {
        let (bios, video) = self.bochs.roms(self.firmware);
        let (cpu, cpus) = (machine.cpu.as_deref().unwrap_or(RYZEN), machine.cpus);
        let megabytes = megabytes(&machine.memory)?;
        let (speed, log) = (self.speed, self.file.with_extension("log"));
        let mut text = String::from("# Written anew for every run.\n");
        let mut line = |words: std::fmt::Arguments<'_>| {
            let _ = writeln!(text, "{words}");
        };
        line(format_args!("config_interface: textconfig"));
        line(format_args!("display_library: nogui"));
        line(format_args!("romimage: file={}, options=fastboot", bios.display()));
        line(format_args!("vgaromimage: file={}", video.display()));
        // The end of a processor by triple fault is the end of the run.
        line(format_args!("cpu: model={cpu}, count={cpus}, ips={speed}, reset_on_triple_fault=0, ignore_bad_msrs=0"));
        line(format_args!("memory: guest={megabytes}, host={megabytes}"));
        line(format_args!("pci: enabled=1, chipset=i440fx"));
        line(format_args!("clock: sync=none, time0={TIME}"));
        if let Some(iso) = iso(&machine.boot) {
            line(format_args!("ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14"));
            line(format_args!("ata0-master: type=cdrom, path={}, status=inserted", iso.display()));
        }
        line(format_args!("boot: cdrom"));
        // Where the hypervisor writes its verdict (`exit=bochs`).
        line(format_args!("port_e9_hack: enabled=1"));
        line(format_args!("log: {}", log.display()));
        // What the guest does wrong is reported as an error, a million times.
        line(format_args!("panic: action=fatal"));
        line(format_args!("error: action=ignore"));
        line(format_args!("info: action=ignore"));
        line(format_args!("debug: action=ignore"));
        Ok(text)
    }
}

/// Where the first serial port leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Console {
    /// To stdout, for a person who starts the machine by hand: nothing can be typed.
    Stdout,
    /// To a TCP port of this host.
    Port(u16),
}

impl Console {
    fn option(self) -> String {
        match self {
            Self::Stdout => "com1: enabled=1, mode=file, dev=/dev/stdout".into(),
            Self::Port(port) => format!("com1: enabled=1, mode=socket-client, dev=127.0.0.1:{port}"),
        }
    }
}

fn iso(boot: &Boot) -> Option<&Path> {
    match boot {
        Boot::IsoBios { iso } | Boot::IsoUefi { iso, .. } => Some(iso),
        Boot::Direct(_) | Boot::Firmware { .. } | Boot::OwnTree { .. } => None,
    }
}

/// `512M` and `2G` in MiB.
pub(crate) fn megabytes(memory: &str) -> Result<u32> {
    let number = |ending, unit: u32| memory.strip_suffix(ending)?.parse::<u32>().ok()?.checked_mul(unit);
    number('M', 1).or_else(|| number('G', 1024)).ok_or_else(|| {
        trouble(format!("{memory} is no amount of memory that Bochs can have"), "write for example 512M or 2G")
    })
}

#[cfg(test)]
mod tests {
    use super::super::Board;
    use super::*;

    fn on_bochs() -> Machine {
        let setup =
            OnBochs { bochs: Bochs::pretend(), firmware: Firmware::Bochs, speed: SPEED, file: "/t/run.bochsrc".into() };
        let cpu = Some(SKYLAKE.to_owned());
        Machine { cpu, on_bochs: Some(setup), ..Machine::new(Board::Pc, Boot::IsoBios { iso: "/t/x.iso".into() }) }
    }

    #[test]
    fn the_configuration_describes_the_machine() {
        let machine = on_bochs();
        let text = machine.on_bochs.as_ref().unwrap().configuration(&machine).unwrap();
        for line in [
            "romimage: file=/bochs/BIOS-bochs-latest, options=fastboot",
            "memory: guest=1024, host=1024",
            "ata0-master: type=cdrom, path=/t/x.iso, status=inserted",
            "log: /t/run.log",
        ] {
            assert!(text.lines().any(|written| written == line), "{line} in\n{text}");
        }
        assert!(text.contains("cpu: model=corei7_skylake_x, count=2, "), "{text}");
    }

    #[test]
    fn the_command_line_names_the_file() {
        let line = on_bochs().typed();
        assert_eq!(line, "/bochs/bochs -q -f /t/run.bochsrc 'com1: enabled=1, mode=file, dev=/dev/stdout'");
        let line = on_bochs().on_bochs.unwrap().arguments(Console::Port(7));
        assert_eq!(line.last().unwrap(), "com1: enabled=1, mode=socket-client, dev=127.0.0.1:7");
    }

    #[test]
    fn memory_is_counted_in_megabytes() {
        assert_eq!(megabytes("512M").unwrap(), 512);
        assert_eq!(megabytes("2G").unwrap(), 2048);
        assert!(megabytes("2").is_err() && megabytes("9999999G").is_err());
    }
}
