//! One domain of the manifest becomes one domain of the bundle.

use phalanx_abi::bundle::{Device, DomainSpec};

use crate::acpi;
use crate::error::Problem;
use crate::files::Files;
use crate::layout::{COM1_IRQ, COM1_PORT};
use crate::load::{self, About, Program, Refusal};
use crate::manifest::DomainEntry;
use crate::ram::Ram;

/// Reads the files of a domain and puts everything where the guest will look for it.
pub(crate) fn assemble(entry: &DomainEntry, files: &Files<'_>) -> Result<DomainSpec, Problem> {
    let kernel = files.read("kernel", &entry.kernel)?;
    let initrd = entry.initrd.as_ref().map(|name| files.read("initrd", name)).transpose()?;
    let program = Program {
        kernel: &kernel,
        initrd: initrd.as_ref(),
        format: entry.format,
        cmdline: entry.cmdline.get_ref(),
        load: entry.load.as_ref().map(|address| *address.get_ref()),
        entry: entry.entry.as_ref().map(|address| *address.get_ref()),
    };
    let mut ram = Ram::new(*entry.memory.get_ref());
    let state = load::load(&program, &mut ram)
        .and_then(|state| acpi::place(&mut ram, entry.vcpus).map(|()| state))
        .map_err(|refusal| problem(refusal, entry))?;
    Ok(DomainSpec {
        name: entry.name.get_ref().clone(),
        vcpus: entry.vcpus,
        console: entry.console,
        on_reboot: entry.on_reboot,
        regions: ram.regions(),
        segments: ram.into_segments(),
        entry: state,
        devices: vec![Device::Ns16550 { base_port: COM1_PORT, irq: COM1_IRQ }],
    })
}

/// Gives a refusal its place in the manifest.
fn problem(refusal: Refusal, entry: &DomainEntry) -> Problem {
    let place = match refusal.about {
        About::Kernel => entry.kernel.span(),
        About::Initrd => entry.initrd.as_ref().unwrap_or(&entry.kernel).span(),
        About::Cmdline => entry.cmdline.span(),
        About::Memory => entry.memory.span(),
        About::Load => entry.load.as_ref().map_or(entry.kernel.span(), |load| load.span()),
        About::Entry => entry.entry.as_ref().map_or(entry.kernel.span(), |at| at.span()),
    };
    let message = format!("domain `{}`: {}", entry.name.get_ref(), refusal.message);
    let problem = Problem::new(place, message, refusal.label);
    match refusal.help {
        Some(help) => problem.help(help),
        None => problem,
    }
}
