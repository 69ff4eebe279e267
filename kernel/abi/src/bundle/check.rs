//! Every promise that the typed views make about a domain, checked record by record.

use super::error::{BundleError, DomainError, Table};
use super::layout::{
    ALWAYS, CLASS_SHARED, DEVICE_NS16550, DEVICE_PL011, DeviceRecord, DomainRecord, FLAG_CONSOLE, FLAG_DIRTY_LOG,
    MAX_DOMAINS, MAX_VCPUS, ON_REBOOT_END, ON_REBOOT_RESTART, ONLY_GICV2, ONLY_GICV3, PAGE_SIZE, RegionRecord,
    SegmentRecord,
};
use super::terms::Device;
use super::view::{Bundle, name, slice};

/// Checks all domains and that their names differ.
pub(super) fn domains(bundle: Bundle<'_>) -> Result<(), BundleError> {
    if !(1..=MAX_DOMAINS).contains(&bundle.domains.len()) {
        let count = u32::try_from(bundle.domains.len()).unwrap_or(u32::MAX);
        return Err(BundleError::DomainCount { count });
    }
    for (index, record) in bundle.domains.iter().enumerate() {
        let result = domain(bundle, record).and_then(|()| name_is_new(bundle, index, record));
        result.map_err(|error| BundleError::Domain { index, error })?;
    }
    Ok(())
}

fn domain(bundle: Bundle<'_>, record: &DomainRecord) -> Result<(), DomainError> {
    scalars(record)?;
    let outside = |table| DomainError::Range { table };
    let own_regions = slice(bundle.regions, record.regions).ok_or(outside(Table::Regions))?;
    let own_segments = slice(bundle.segments, record.segments).ok_or(outside(Table::Segments))?;
    let own_devices = slice(bundle.devices, record.devices).ok_or(outside(Table::Devices))?;
    regions(own_regions, record.memory.get())?;
    segments(bundle, own_segments, own_regions)?;
    devices(own_devices)?;
    bundle.entry(record).map(|_| ())
}

fn name_is_new(bundle: Bundle<'_>, index: usize, record: &DomainRecord) -> Result<(), DomainError> {
    let earlier = bundle.domains.iter().take(index);
    match earlier.into_iter().position(|other| other.name == record.name) {
        Some(by) => Err(DomainError::NameTaken { by }),
        None => Ok(()),
    }
}

fn scalars(record: &DomainRecord) -> Result<(), DomainError> {
    name(record).ok_or(DomainError::Name)?;
    let (vcpus, class) = (record.vcpus.get(), record.class.get());
    if !(1..=MAX_VCPUS).contains(&vcpus) {
        return Err(DomainError::Vcpus { count: vcpus });
    }
    if class != CLASS_SHARED {
        return Err(DomainError::Class { class });
    }
    if record.flags.get() & !(FLAG_CONSOLE | FLAG_DIRTY_LOG) != 0 {
        return Err(DomainError::Flags { flags: record.flags.get() });
    }
    match record.on_reboot.get() {
        ON_REBOOT_RESTART | ON_REBOOT_END => Ok(()),
        policy => Err(DomainError::OnReboot { policy }),
    }
}

/// Regions: whole pages, ascending, disjoint, and together the memory size.
fn regions(records: &[RegionRecord], declared: u64) -> Result<(), DomainError> {
    let (mut end, mut total) = (0, 0u64);
    for (region, record) in records.iter().enumerate() {
        let (gpa, size) = (record.gpa.get(), record.size.get());
        let aligned = size != 0 && gpa % PAGE_SIZE == 0 && size % PAGE_SIZE == 0;
        let after = gpa.checked_add(size).filter(|_| aligned).ok_or(DomainError::RegionShape { region })?;
        if gpa < end {
            return Err(DomainError::RegionOrder { region });
        }
        end = after;
        // Disjoint pieces of a 64-bit space cannot add up to more than it holds.
        total = total.saturating_add(size);
    }
    if total == 0 || total != declared {
        return Err(DomainError::Memory { declared, regions: total });
    }
    Ok(())
}

/// Segments: contents in the file, ascending, each within one region, disjoint on every machine.
fn segments(bundle: Bundle<'_>, records: &[SegmentRecord], regions: &[RegionRecord]) -> Result<(), DomainError> {
    let mut ends = Ends::default();
    for (segment, record) in records.iter().enumerate() {
        let (gpa, size) = (record.gpa.get(), record.size.get());
        let present = size != 0 && record.offset.get() % PAGE_SIZE == 0 && bundle.contents(record).is_some();
        if !present {
            return Err(DomainError::SegmentContents { segment });
        }
        let outside = DomainError::SegmentOutsideRam { segment };
        let after = gpa.checked_add(size).ok_or(outside)?;
        if !regions.iter().any(|region| holds(region, gpa, after)) {
            return Err(outside);
        }
        let only = record.only.get();
        let place = ends.place(only).ok_or(DomainError::SegmentOnly { segment, only })?;
        if gpa < ends.start || gpa < place {
            return Err(DomainError::SegmentOrder { segment });
        }
        ends.put(only, gpa, after);
    }
    Ok(())
}

/// How far the segments reach so far: per alternative, as segments of one do not disturb those of another.
#[derive(Default)]
struct Ends {
    /// Start of the segment before.
    start: u64,
    always: u64,
    gicv2: u64,
    gicv3: u64,
}

impl Ends {
    /// Where the next segment of this kind may start at the earliest. `None` where the kind is unknown.
    fn place(&self, only: u32) -> Option<u64> {
        match only {
            ALWAYS => Some(self.always.max(self.gicv2).max(self.gicv3)),
            ONLY_GICV2 => Some(self.always.max(self.gicv2)),
            ONLY_GICV3 => Some(self.always.max(self.gicv3)),
            _ => None,
        }
    }

    const fn put(&mut self, only: u32, start: u64, end: u64) {
        self.start = start;
        match only {
            ONLY_GICV2 => self.gicv2 = end,
            ONLY_GICV3 => self.gicv3 = end,
            _ => self.always = end,
        }
    }
}

/// Whether `start..end` lies in this region, whose own end is known not to overflow.
fn holds(region: &RegionRecord, start: u64, end: u64) -> bool {
    let first = region.gpa.get();
    first <= start && end <= first.saturating_add(region.size.get())
}

fn devices(records: &[DeviceRecord]) -> Result<(), DomainError> {
    for (device, record) in records.iter().enumerate() {
        let kind = record.kind.get();
        if !matches!(kind, DEVICE_NS16550 | DEVICE_PL011) {
            return Err(DomainError::DeviceKind { device, kind });
        }
        Device::decode(record).ok_or(DomainError::DeviceAddress { device })?;
    }
    Ok(())
}
