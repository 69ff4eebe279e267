//! One domain of the manifest becomes one domain of the bundle.

use phalanx_abi::bundle::{Architecture, Device, DomainSpec, EntrySpec};

use crate::error::Problem;
use crate::files::Files;
use crate::manifest::DomainEntry;
use crate::program::{About, Program, Refusal};
use crate::ram::Ram;
use crate::{aarch64, x86_64};

/// A machine with everything that its guest finds at the start.
pub(crate) struct Furnished {
    pub(crate) ram: Ram,
    pub(crate) entry: EntrySpec,
    pub(crate) devices: Vec<Device>,
}

/// Reads the files of a domain and puts everything where the guest will look for it.
pub(crate) fn assemble(
    entry: &DomainEntry,
    files: &Files<'_>,
    architecture: Architecture,
) -> Result<DomainSpec, Problem> {
    let kernel = files.read("kernel", &entry.kernel)?;
    let initrd = entry.initrd.as_ref().map(|name| files.read("initrd", name)).transpose()?;
    let program = Program {
        kernel: &kernel,
        initrd: initrd.as_ref(),
        format: *entry.format.get_ref(),
        cmdline: entry.cmdline.get_ref(),
        load: entry.load.as_ref().map(|address| *address.get_ref()),
        entry: entry.entry.as_ref().map(|address| *address.get_ref()),
        vcpus: entry.vcpus,
    };
    let furnished = furnish(&program, entry, architecture).map_err(|refusal| problem(refusal, entry))?;
    Ok(DomainSpec {
        name: entry.name.get_ref().clone(),
        vcpus: entry.vcpus,
        console: entry.console,
        dirty_log: entry.dirty_log,
        on_reboot: entry.on_reboot,
        regions: furnished.ram.regions(),
        segments: furnished.ram.into_segments(),
        entry: furnished.entry,
        devices: furnished.devices,
    })
}

fn furnish(program: &Program<'_>, entry: &DomainEntry, architecture: Architecture) -> Result<Furnished, Refusal> {
    if let Some(other) = program.format.architecture().filter(|other| *other != architecture) {
        let message = format!("kernels of this format start on {other} machines only");
        let label = format!("this system is for {architecture}");
        return Err(Refusal::new(About::Format, message).label(label).help("leave `format` out to have it recognised"));
    }
    let memory = *entry.memory.get_ref();
    match architecture {
        Architecture::X86_64 => x86_64::furnish(program, memory),
        Architecture::Aarch64 => aarch64::furnish(program, memory, entry.flash.unwrap_or(0)),
    }
}

/// Gives a refusal its place in the manifest.
fn problem(refusal: Refusal, entry: &DomainEntry) -> Problem {
    let place = match refusal.about {
        About::Kernel => entry.kernel.span(),
        About::Format => entry.format.span(),
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
