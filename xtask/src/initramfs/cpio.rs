//! The `newc` cpio format, as the kernel's initramfs wants it
//! (Linux, Documentation/driver-api/early-userspace/buffer-format.rst).

/// What an entry is, with its permission bits in the lower 12 bits of the mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    /// A folder.
    Folder,
    /// A file with this content, executable or not.
    File {
        /// The bytes.
        content: Vec<u8>,
        /// Whether everyone may execute it.
        executable: bool,
    },
    /// A symbolic link to this path.
    Link(String),
    /// A character device.
    Device {
        /// Major number.
        major: u32,
        /// Minor number.
        minor: u32,
    },
}

impl Node {
    /// `st_mode`: type and permissions.
    const fn mode(&self) -> u32 {
        match self {
            Self::Folder => 0o040_755,
            Self::File { executable: true, .. } => 0o100_755,
            Self::File { executable: false, .. } => 0o100_644,
            Self::Link(_) => 0o120_777,
            Self::Device { .. } => 0o020_600,
        }
    }

    fn data(&self) -> &[u8] {
        match self {
            Self::File { content, .. } => content,
            Self::Link(target) => target.as_bytes(),
            Self::Folder | Self::Device { .. } => &[],
        }
    }

    const fn device(&self) -> (u32, u32) {
        match self {
            Self::Device { major, minor } => (*major, *minor),
            _ => (0, 0),
        }
    }
}

/// The name that ends an archive.
const TRAILER: &str = "TRAILER!!!";

/// Packs `entries` in the order given. Owners, times and inode numbers are fixed: equal entries give equal bytes.
pub(crate) fn pack<'e>(entries: impl IntoIterator<Item = (&'e str, &'e Node)>) -> Vec<u8> {
    let mut archive = Vec::new();
    for (index, (path, node)) in (1u32..).zip(entries) {
        put(&mut archive, index, path, node.mode(), node.device(), node.data());
    }
    put(&mut archive, 0, TRAILER, 0, (0, 0), &[]);
    archive
}

fn put(archive: &mut Vec<u8>, inode: u32, path: &str, mode: u32, (major, minor): (u32, u32), data: &[u8]) {
    let length = |bytes: usize| u32::try_from(bytes).expect("an initramfs entry is under 4 GiB");
    let links = 1;
    let (uid, gid, mtime, dev_major, dev_minor, check) = (0, 0, 0, 0, 0, 0);
    let fields = [
        inode,
        mode,
        uid,
        gid,
        links,
        mtime,
        length(data.len()),
        dev_major,
        dev_minor,
        major,
        minor,
        length(path.len() + 1),
        check,
    ];
    archive.extend_from_slice(b"070701");
    for field in fields {
        archive.extend_from_slice(format!("{field:08x}").as_bytes());
    }
    archive.extend_from_slice(path.as_bytes());
    archive.push(0);
    pad(archive);
    archive.extend_from_slice(data);
    pad(archive);
}

/// Names and data end at a multiple of 4 bytes from the archive's start.
fn pad(archive: &mut Vec<u8>) {
    archive.resize(archive.len().next_multiple_of(4), 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> String {
        String::from_utf8_lossy(bytes).into_owned()
    }

    #[test]
    fn a_file_has_the_documented_layout() {
        let file = Node::File { content: b"hello".to_vec(), executable: true };
        let archive = pack([("init", &file)]);
        assert_eq!(text(&archive[..6]), "070701");
        assert_eq!(text(&archive[6..14]), "00000001", "inode");
        assert_eq!(text(&archive[14..22]), "000081ed", "mode 0100755");
        assert_eq!(text(&archive[54..62]), "00000005", "file size");
        assert_eq!(text(&archive[94..102]), "00000005", "name with its zero");
        assert_eq!(&archive[110..115], b"init\0");
        assert_eq!(&archive[116..121], b"hello");
    }

    #[test]
    fn entries_and_the_trailer_are_aligned() {
        let link = Node::Link("busybox".into());
        let archive = pack([("bin/sh", &link), ("dev/console", &Node::Device { major: 5, minor: 1 })]);
        let starts: Vec<usize> = (0..archive.len() - 6).filter(|at| &archive[*at..at + 6] == b"070701").collect();
        assert_eq!(starts.len(), 3);
        assert!(starts.iter().all(|start| start % 4 == 0), "{starts:?}");
        assert!(text(&archive).ends_with("TRAILER!!!\0\0\0\0"));
    }

    #[test]
    fn a_device_carries_its_numbers() {
        let archive = pack([("c", &Node::Device { major: 5, minor: 1 })]);
        assert_eq!(text(&archive[78..94]), "0000000500000001");
    }
}
